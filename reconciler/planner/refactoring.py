"""Apply the blocks `import:`, `moved:` and `removed:` to manifests and state.

The plan is made from the result; `refactoring_actions` then adds the actions that bring the state there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from reconciler.model import (
    Address,
    Desired,
    Import,
    Move,
    ResourceType,
    Unmanaged,
    conversation_of,
    declared_conversations,
    is_within,
    map_conversations,
    parent_of,
    type_of,
)
from reconciler.plans.options import Options
from reconciler.plans.plan import Refusal
from reconciler.plans.selection import Selection
from reconciler.resources.binding import existing
from reconciler.state.model import State
from reconciler.state.remembered import Binding

_PARENTS: Final = frozenset({ResourceType.SERVICE, ResourceType.CONVERSATION})


class Refactored(Struct, frozen=True):
    """Manifests and state as the blocks `import:`, `moved:` and `removed:` change them."""

    desired: Desired
    """The manifests, with the sids of imported parents."""
    state: State
    """The state, with bindings moved, imported and forgotten.

    A forgotten binding stays as released, or for what it superseded, where that is needed.
    """
    moved: dict[Address, Address] = {}
    """Previous addresses by new address."""
    imported: dict[Address, str] = {}
    """SIDs of imported messages and participants by address."""
    forgotten: dict[Address, Binding] = {}
    """The bindings of forgotten addresses, by their previous address."""
    renamed: dict[Address, Address] = {}
    """Present addresses of forgotten ones, by previous address, where the two differ."""
    refusals: tuple[Refusal, ...] = ()
    """What the blocks ask for and cannot be done."""
    contested: dict[Address, str] = {}
    """SIDs to import by address, where the address is bound to another object already."""

    @property
    def is_plain(self) -> bool:
        """Whether the blocks change and refuse nothing."""
        return not (self.moved or self.imported or self.forgotten or self.refusals or self.contested)


def refactor(desired: Desired, state: State, options: Options = Options()) -> Refactored:  # noqa: B008  # frozen
    """Return *desired* and *state* as the blocks change them. A refresh ignores the blocks."""
    if options.refresh_only or not (desired.imports or desired.moves or desired.removed):
        return Refactored(desired, state)
    selection = Selection(options.targets, options.excludes)
    refusals: list[Refusal] = []
    moved = _moved(state, desired.moves, refusals)
    previous = {old: new for new, old in moved.items()}
    bindings = {previous.get(address, address): binding for address, binding in state.bindings.items()}
    removed = frozenset(desired.removed)
    forgotten = {
        address: binding
        for address, binding in bindings.items()
        if not binding.released and address in selection and is_within(address, removed)
    }
    deleting = _deleting(desired)
    for address, binding in forgotten.items():
        left = binding.without(binding.sid)
        if parent_of(address) in deleting:
            bindings[address] = msgspec.structs.replace(binding, released=True)
        elif left is not None and parent_of(address) not in forgotten:
            bindings[address] = left  # so that its superseded messages are still deleted
        else:
            del bindings[address]
    wanted = [one for one in desired.imports if one.address in selection and not options.destroy]
    contested: dict[Address, str] = {}
    imported = _imported(bindings, wanted, refusals, contested)
    bindings |= {address: existing(sid) for address, sid in imported.items()}
    return Refactored(
        _with_sids(desired, wanted),
        msgspec.structs.replace(state, bindings=bindings),
        moved={new: old for new, old in moved.items() if new not in forgotten},
        imported=imported,
        forgotten={moved.get(address, address): binding for address, binding in forgotten.items()},
        renamed={moved[address]: address for address in forgotten if address in moved},
        refusals=tuple(refusals),
        contested=contested,
    )


def _moved(state: State, moves: Iterable[Move], refusals: list[Refusal]) -> dict[Address, Address]:
    """Return new -> previous address of every binding that moves, chains followed to their end."""
    targets = {move.previous: move.address for move in moves}
    moved: dict[Address, Address] = {}
    ends: dict[Address, Address] = {}
    refused: set[Address] = set()
    for previous in sorted(state.bindings, key=lambda address: address.count("/")):
        address = at_last(previous, targets)
        parent = parent_of(previous) if "/" in previous else ""
        if address == previous:
            continue
        if parent in refused:
            refused.add(previous)
        elif parent and parent_of(address) != ends.get(parent, parent):
            refused.add(previous)
            refusals.append(
                Refusal(
                    "moved_elsewhere",
                    f"`{previous}` cannot move to `{address}`: on Twilio it stays in `{parent}`",
                    "correct the entry of the `moved:` block, or take it out",
                )
            )
        elif address in state.bindings or address in moved:
            sid = state.bindings[moved.get(address, address)].sid
            refused.add(previous)
            refusals.append(
                Refusal(
                    "moved_conflict",
                    f"`{previous}` cannot move to `{address}`, which is bound already, to {sid}",
                    "take the entry out of the `moved:` block, or forget one of the two with "
                    "`reconciler state rm`",
                )
            )
        else:
            moved[address], ends[previous] = previous, address
    return moved


def at_last(address: Address, targets: Mapping[Address, Address]) -> Address:
    """Return where *address* is after all moves; *targets* has the next address of each that moves."""
    for _ in targets:
        following = _one_step(address, targets)
        if following == address:
            break
        address = following
    return address


def _one_step(address: Address, targets: Mapping[Address, Address]) -> Address:
    """Return *address* after the move of its longest part that has one."""
    place = address
    while place not in targets:
        place = place.rpartition("/")[0]
        if not place:
            return address
    return targets[place] + address.removeprefix(place)


def _imported(
    bindings: Mapping[Address, Binding],
    wanted: Iterable[Import],
    refusals: list[Refusal],
    contested: dict[Address, str],
) -> dict[Address, str]:
    """Return the sids to be bound; *contested* gets those whose address is bound to another object already.

    They are those of messages and participants: parents are found by their sids. An object that is bound in
    another conversation is not in this one, as the plan will find.
    """
    owners = {binding.sid: address for address, binding in bindings.items()}
    imported: dict[Address, str] = {}
    for one in wanted:
        if type_of(one.address) in _PARENTS:
            continue  # `_with_sids` declares their sids
        bound = bindings.get(one.address)
        if bound is not None and bound.sid != one.sid:
            contested[one.address] = one.sid
        elif bound is None and conversation_of(owners.get(one.sid, "")) == conversation_of(one.address):
            refusals.append(
                Refusal(
                    "import_conflict",
                    f"{one.sid} cannot be imported as `{one.address}`: it is bound to `{owners[one.sid]}`",
                    "to give it another address, write a `moved:` block instead",
                )
            )
        elif bound is None:
            imported[one.address] = one.sid
    return imported


def _with_sids(desired: Desired, wanted: Iterable[Import]) -> Desired:
    """Return *desired* with the sids of imported parents, as if they were declared with them."""
    sids = {one.address: one.sid for one in wanted if type_of(one.address) in _PARENTS}
    if not sids:
        return desired
    services = (
        msgspec.structs.replace(service, sid=service.sid or sids.get(service.name))
        for service in desired.services
    )
    return map_conversations(
        msgspec.structs.replace(desired, services=tuple(services)),
        lambda address, one: msgspec.structs.replace(one, sid=one.sid or sids.get(address)),
    )


def _deleting(desired: Desired) -> set[Address]:
    """Return the conversations in which unmanaged messages are deleted."""
    return {address for address, one in declared_conversations(desired) if one.unmanaged is Unmanaged.DELETE}
