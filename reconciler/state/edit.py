"""Repairs of a state by hand: move and remove bindings. Nothing here does I/O.

The caller has turned `in_flight` into intents, so that an open create has one place. After an error the state
is unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.errors import StateError
from reconciler.model import Address, ResourceType, is_address, is_within, matches, parent_of, type_of
from reconciler.state.model import Closed, Moved, State, Unbound

_LIST: Final = "`reconciler state list` shows what is bound"


def move(state: State, previous: Address, address: Address) -> list[Address]:
    """Move the binding of *previous*, and of everything in it, to *address*; return what moved.

    Raises StateError if *previous* is not bound, if *address* is, if a create there is open, or if the object
    would change its parent, which no live object can.
    """
    moving = [old for old in state.bindings if is_within(old, {previous})]
    if previous not in state.bindings:
        raise StateError(f"nothing is bound to `{previous}`", hint=_LIST)
    if not is_address(address) or type_of(address) is not type_of(previous):
        raise StateError(
            f"`{address}` cannot stand for a {type_of(previous)}",
            hint=f"give it an address like `{previous}`, with as many parts",
        )
    if type_of(previous) is not ResourceType.SERVICE and parent_of(previous) != parent_of(address):
        raise StateError(
            f"`{previous}` cannot move to `{address}`: on Twilio it stays in `{parent_of(previous)}`",
            hint=f"to rename `{parent_of(previous)}` with everything in it, move that address",
        )
    if taken := next((old for old in state.bindings if is_within(old, {address})), None):
        raise StateError(
            f"`{taken}` is bound already, to {state.bindings[taken].sid}",
            hint=f"move it away first, or forget it with `reconciler state rm {address}`",
        )
    for intent in state.intents:
        if is_within(intent, {previous, address}):
            raise StateError(
                f"an earlier run left open whether `{intent}` was created",
                hint="run `reconciler apply`, which finds out, and move it then",
            )
    for old in moving:
        state.apply(Moved(old, address + old.removeprefix(previous)))
    return moving


def close(state: State, addresses: Iterable[Address]) -> list[Address]:
    """Forget the open creates of those *addresses* that are bound; return them."""
    closed = [address for address in addresses if address in state.intents and address in state.bindings]
    for address in closed:
        state.apply(Closed(address))
    return closed


def remove(state: State, globs: Iterable[str]) -> list[Address]:
    """Forget every address that a glob matches, and everything in it; return them, sorted.

    Open creates of these addresses are forgotten too. Raises StateError for a glob without a match.
    """
    known = state.bindings.keys() | state.intents.keys()
    matched: set[Address] = set()
    for glob in globs:
        found = {address for address in known if matches(address, glob)}
        if not found:
            raise StateError(f"nothing is bound to `{glob}`", hint=_LIST)
        matched |= found
    gone = sorted(address for address in known if is_within(address, matched))
    for address in gone:
        state.apply(Closed(address))
        state.apply(Unbound(address))
    return gone


def check_successor(current: State | None, pushed: State, *, older: bool) -> None:
    """Raise StateError unless *pushed* may take the place of *current*; *older* permits a lower serial."""
    owners: dict[str, Address] = {}
    for address, binding in pushed.bindings.items():
        first = owners.setdefault(binding.sid, address)
        if first != address:
            raise StateError(
                f"the pushed state binds {binding.sid} twice, to `{first}` and to `{address}`",
                hint="remove one of them, and push again",
            )
    if current is None:
        return
    if pushed.lineage != current.lineage:
        raise StateError(
            f"the pushed state has another lineage: {pushed.lineage[:64]}, not {current.lineage[:64]}",
            hint="these are two histories; to replace one by the other, move the old file away first",
        )
    if (pushed.account_sid, pushed.origin) != (current.account_sid, current.origin):
        raise StateError(
            f"the pushed state belongs to account {pushed.account_sid[:64]} at {pushed.origin[:200]}, "
            f"not to account {current.account_sid} at {current.origin}",
            hint="push it where it belongs, with `--state`",
        )
    if pushed.serial < current.serial and not older:
        raise StateError(
            f"the pushed state is older: its serial is {pushed.serial}, and the state is at {current.serial}",
            hint="run `reconciler state pull` again and repeat the change; "
            "to go back to the older one, pass `--force`",
        )
