"""Warnings about plans of a part, and about globs that match nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from reconciler.model import Address, Order, Unmanaged
from reconciler.planner.draft import Draft, Scope
from reconciler.plans.selection import Selection


def warn_of_parts(draft: Draft, touched: Iterable[Scope]) -> None:
    """Warn that only a part is planned, and about settings of *touched* conversations that have to wait.

    `order: strict` is met if all messages of a conversation are selected; unmanaged ones are never deleted.
    """
    disordered: list[Address] = []
    keeping: list[Address] = []
    for scope in touched:
        desired = scope.desired
        if desired is None:
            continue
        if desired.order is Order.STRICT and not all(
            scope.selects(f"{scope.address}/{message.key}") for message in desired.messages
        ):
            disordered.append(scope.address)
        if desired.unmanaged is Unmanaged.DELETE:
            keeping.append(scope.address)
    waiting = [
        f"`{setting}` of {_in_short(addresses)}"
        for setting, addresses in (("order: strict", disordered), ("unmanaged: delete", keeping))
        if addresses
    ]
    verb = "waits" if len(waiting) == 1 else "wait"
    wait = f"; {' and '.join(waiting)} {verb} for a plan of the whole" if waiting else ""
    draft.warn("partial", "", f"only a part is planned, as `--target` and `--exclude` say{wait}")


def warn_of_misses(draft: Draft, globs: Sequence[str], known: Collection[Address]) -> None:
    """Warn about *globs* that match none of the *known* addresses: each is most likely misspelt."""
    for glob in Selection(tuple(globs), ()).unmatched(known):
        draft.warn("matches_nothing", glob, f"`{glob}` matches no address")


def _in_short(addresses: Sequence[Address]) -> str:
    more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
    return f"`{addresses[0]}`{more}"
