"""Recognise a key that was only renamed: one vanished, one new, nothing else different."""

from __future__ import annotations

from reconciler.model import Address
from reconciler.plan.diff import desired_values, managed_part
from reconciler.plan.draft import Draft, Scope

Signature = frozenset[tuple[str, str]]


def find_renames(draft: Draft, scope: Scope) -> dict[Address, Address]:
    """Return new address -> previous address for keys that certainly were renamed.

    That is so if exactly one vanished and exactly one new key of the conversation have the same
    managed fields with equal values. If several could pair, nothing is guessed and a warning names
    the `moved:` block.
    """
    if scope.desired is None:
        return {}
    wanted = {f"{scope.address}/{message.key}": message for message in scope.desired.messages}
    vanished: dict[Signature, list[Address]] = {}
    for address, binding in scope.bindings.items():
        if address not in wanted and not binding.released and binding.sid in scope.view.messages:
            vanished.setdefault(frozenset(binding.sent.items()), []).append(address)
    if not vanished:
        return {}
    new: dict[Signature, list[Address]] = {}
    for address, message in wanted.items():
        if address not in scope.bindings:
            signature = frozenset(
                (name, scope.digest(name, managed_part(name, value, message.ignore_changes)))
                for name, value in desired_values(message).items()
            )
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
                f"{len(candidates)} removed and {len(addresses)} new messages of `{scope.address}` say the same: "
                "if they were renamed, say so in a `moved:` block; else they are deleted and created",
            )
    return renames
