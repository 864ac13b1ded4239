"""Plan with `--target` only what is named: other conversations are neither read nor planned.

What counts of them all the same is in manifests and state: who else has a sid, and how much is bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from reconciler.model import (
    Address,
    Desired,
    ResourceType,
    conversation_of,
    declared_conversations,
    type_of,
)
from reconciler.plans.options import Options
from reconciler.plans.part import Part
from reconciler.state.remembered import Binding

_WILD: Final = frozenset("*?")
"""The characters of a glob that match others."""


def named_by(options: Options, desired: Desired) -> frozenset[Address] | None:
    """Return the only conversations that a plan with *options* is about; None if they cannot be told.

    A glob may match any conversation. A service stands for all of its own. A refresh and the blocks of
    *desired* are about everything.
    """
    if options.refresh_only or options.replace or desired.imports or desired.moves or desired.removed:
        return None
    named = {conversation_of(target) for target in options.targets}
    if not named or any("/" not in one or _WILD.intersection(one) for one in named):
        return None
    return frozenset(named)


def within(named: frozenset[Address]) -> Callable[[Address], bool]:
    """Return whether an address is that of a service, or is one of the conversations *named* or in one."""
    return lambda address: "/" not in address or conversation_of(address) in named


def needs_rest(part: Part, bindings: Mapping[Address, Binding]) -> bool:
    """Return whether it matters to *part* what is bound in other conversations than those of *bindings*.

    What it loses is judged as a share of everything; a conversation that it found may be bound elsewhere.
    """
    return any(
        (piece.tally is not None and (piece.tally.lost or piece.tally.again))
        or (piece.sid and piece.address not in bindings)
        for piece in part.conversations
    )


def with_rest(
    part: Part, named: frozenset[Address], desired: Desired, bindings: Mapping[Address, Binding]
) -> Part | None:
    """Return *part*, which was made of the conversations *named* alone, as one of all.

    *desired* are all manifests, *bindings* all that is bound. None means that more has to be planned: a glob
    of another option may match elsewhere, or another address has one of these conversations.
    """
    if {*part.unmatched}.difference(part.options.targets) or _shares(part, named, desired, bindings):
        return None
    if not needs_rest(part, bindings):
        return part
    has = within(named)
    others = (one for one in bindings if not has(one) and type_of(one) is ResourceType.MESSAGE)
    return replace(part, bound_elsewhere=sum(1 for _ in others))


def _shares(
    part: Part, named: frozenset[Address], desired: Desired, bindings: Mapping[Address, Binding]
) -> bool:
    """Return whether an address that is not *named* means a conversation that is."""
    sids = {piece.sid for piece in part.conversations if piece.sid}
    declared = (address for address, one in declared_conversations(desired) if one.sid in sids)
    bound = (address for address, one in bindings.items() if one.sid in sids)
    return any(address not in named for address in (*declared, *bound))
