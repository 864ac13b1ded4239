"""Recognise a renamed key: one key vanished, one is new, and both have equal fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.model import Address, Message
from reconciler.planner.draft import Draft, Scope
from reconciler.resources.message import desired_values
from reconciler.resources.schema import managed_part
from reconciler.state.remembered import hard_binding

Signature = frozenset[tuple[str, str]]


def find_renames(
    draft: Draft, scope: Scope, declared: Mapping[Address, Message], gone: Iterable[Address]
) -> dict[Address, Address]:
    """Return new address -> previous address for keys that certainly were renamed.

    *declared* are the messages of the manifest, *gone* the bound addresses that it no longer has. It
    is certain if exactly one of each have the same managed fields with equal values. If several
    could pair, nothing is guessed and a warning names the `moved:` block.
    """
    vanished: dict[Signature, list[Address]] = {}
    for address in gone:
        binding = scope.bindings[address]
        if not binding.released and binding.sid in scope.view.messages:
            sent = hard_binding(binding, scope.digest).sent if binding.sensitive else binding.sent
            vanished.setdefault(frozenset(sent.items()), []).append(address)
    if not vanished:
        return {}
    new: dict[Signature, list[Address]] = {}
    for address in declared:
        if address not in scope.bindings:
            signature = _signature(scope, declared[address])
            if signature in vanished:
                new.setdefault(signature, []).append(address)
    renames: dict[Address, Address] = {}
    for signature, addresses in new.items():
        candidates = vanished[signature]
        if len(addresses) == len(candidates) == 1:
            renames[addresses[0]] = candidates[0]
        else:
            draft.warn(
                "rename_ambiguous",
                addresses[0],
                f"{len(candidates)} removed and {len(addresses)} new messages of `{scope.address}` say the "
                "same: if they were renamed, say so in a `moved:` block; else they are deleted and created",
            )
    return renames


def _signature(scope: Scope, message: Message) -> Signature:
    digest, values = scope.digest, desired_values(message)
    plain = {n: digest(n, managed_part(n, value, message.ignore_changes)) for n, value in values.items()}
    return frozenset(
        (name, digest.hard(text) if name in message.sensitive else text) for name, text in plain.items()
    )
