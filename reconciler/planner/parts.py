"""Warnings about plans of a part, and about globs that match nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from reconciler.model import Address, Order, Unmanaged
from reconciler.planner.draft import Draft, Scope
from reconciler.plans.part import Piece
from reconciler.plans.selection import Selection

_STRICT: Final = "order: strict"
_DELETE: Final = "unmanaged: delete"


def settings_waiting(scope: Scope) -> tuple[str, ...]:
    """Return the settings of a conversation that have to wait where only a part of all is planned.

    `order: strict` is met if all messages of a conversation are selected; unmanaged ones are never deleted.
    """
    desired, waiting = scope.desired, []
    if desired is None:
        return ()
    if desired.order is Order.STRICT and not all(
        scope.selects(f"{scope.address}/{message.key}") for message in desired.messages
    ):
        waiting.append(_STRICT)
    if desired.unmanaged is Unmanaged.DELETE:
        waiting.append(_DELETE)
    return tuple(waiting)


def warn_of_parts(draft: Draft, pieces: Iterable[Piece]) -> None:
    """Warn that only a part is planned, and about settings of conversations that have to wait."""
    found: dict[str, list[Address]] = {_STRICT: [], _DELETE: []}
    for piece in pieces:
        for setting in piece.waits:
            found[setting].append(piece.address)
    waiting = [f"`{setting}` of {_in_short(addresses)}" for setting, addresses in found.items() if addresses]
    verb = "waits" if len(waiting) == 1 else "wait"
    wait = f"; {' and '.join(waiting)} {verb} for a plan of the whole" if waiting else ""
    draft.warn("partial", "", f"only a part is planned, as `--target` and `--exclude` say{wait}")


def unmatched(globs: Sequence[str], known: Collection[Address]) -> list[str]:
    """Return the *globs* that match none of the *known* addresses."""
    return Selection(tuple(globs), ()).unmatched(known)


def warn_of_misses(draft: Draft, globs: Iterable[str]) -> None:
    """Warn about *globs* that match no address: each is most likely misspelt."""
    for glob in globs:
        draft.warn("matches_nothing", glob, f"`{glob}` matches no address")


def _in_short(addresses: Sequence[Address]) -> str:
    more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
    return f"`{addresses[0]}`{more}"
