"""Refuse a plan that deletes more messages than anyone is likely to want."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from reconciler.model import Address, ResourceType
from reconciler.planner.draft import Draft, Scope
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.options import Options
from reconciler.plans.part import Piece, Tally
from reconciler.text.words import plural

_PERCENT: Final = 30
"""The default limit, in percent of the messages."""
_FROM: Final = 10
"""The number of messages from which a percentage is applied."""
_ALL: Final = 100
_LOSING: Final = frozenset({Verb.DELETE, Verb.REPLACE})
_CHECK: Final = "check that the manifest path is right"


def tally_of(scope: Scope, actions: Iterable[Action]) -> Tally:
    """Return what the guard counts in the *actions* of one conversation.

    What `--reset` does inside it is not counted.
    """
    bound = len(scope.bindings)
    if scope.reset:
        return Tally(bound)
    lost = with_parent = again = 0
    is_deleted = False
    for action in actions:
        kind, verb = action.type, action.verb
        if kind is ResourceType.CONVERSATION:
            is_deleted = is_deleted or verb in _LOSING
        elif kind is not ResourceType.MESSAGE:
            continue
        elif verb in _LOSING and action.reason is not Reason.SUPERSEDED:
            lost += 1
            with_parent += action.with_parent
        elif verb is Verb.CREATE and action.reason is Reason.MISSING_REMOTELY:
            again += 1
    size = _size(scope) if lost or again else 0
    return Tally(bound, size, lost, with_parent, again, is_deleted)


class _Counts:
    """What is counted in all conversations together, and in each."""

    def __init__(self, pieces: Iterable[Piece], elsewhere: int) -> None:
        self.bound = elsewhere
        self.lost = self.with_parent = self.again = 0
        self.by_conversation: list[tuple[Address, Tally]] = []
        self.deleted: list[Address] = []
        for piece in pieces:
            if (tally := piece.tally) is None:
                continue
            self.bound += tally.bound
            self.lost += tally.lost
            self.with_parent += tally.with_parent
            self.again += tally.again
            if tally.lost or tally.again:
                self.by_conversation.append((piece.address, tally))
            if tally.is_deleted:
                self.deleted.append(piece.address)


def guard(
    draft: Draft,
    options: Options,
    planned: Iterable[Piece],
    services: Sequence[Address],
    *,
    elsewhere: int = 0,
) -> None:
    """Refuse a plan that deletes, or creates again, too large a share of the messages.

    *planned* are its conversations, *services* those that it deletes, and *elsewhere* is how many messages
    are bound in conversations that it leaves out. Only a number given with `--max-delete` limits `destroy`.
    """
    counts = _Counts(planned, elsewhere)
    limit, in_percent = options.max_delete, options.max_delete_percent and options.max_delete != 0
    if limit is not None and not in_percent:
        _hold_to_number(draft, counts.lost, limit)
    elif not options.destroy:
        _hold_to_share(draft, counts, _PERCENT if limit is None else limit)
    if not limit and not options.destroy:
        _hold_parents(draft, counts, services)
    again = [(address, tally.again, tally.size) for address, tally in counts.by_conversation if tally.again]
    excess = None if options.allow_recreate else _excess(again, counts.bound, _PERCENT)
    if excess is not None:
        draft.refuse(
            "recreate",
            f"refusing to create again {excess}, which vanished remotely",
            "check that account and service are right; to create them again, pass `--allow-recreate`",
        )


def _hold_to_number(draft: Draft, lost: int, limit: float) -> None:
    if lost > limit:
        draft.refuse(
            "max_delete",
            f"refusing to delete or replace {plural(lost, 'message')} (limit: {limit:g})",
            f"{_CHECK}; to go on, pass `--max-delete {lost}`",
        )


def _hold_to_share(draft: Draft, counts: _Counts, percent: float) -> None:
    lost = [(address, tally.lost, tally.size) for address, tally in counts.by_conversation if tally.lost]
    excess = _excess(lost, counts.bound, percent)
    if excess is not None:
        draft.refuse(
            "max_delete",
            f"refusing to delete or replace {excess}",
            f"{_CHECK}; to go on anyway, pass `--max-delete 100%`",
        )


def _hold_parents(draft: Draft, counts: _Counts, services: Sequence[Address]) -> None:
    parents = [*counts.deleted, *services]
    if parents:
        kinds = {"service": len(services), "conversation": len(counts.deleted)}
        what = " and ".join(plural(count, kind) for kind, count in kinds.items() if count)
        draft.refuse(
            "deletes_parent",
            f"refusing to delete {what} with {plural(counts.with_parent, 'message')} "
            f"(the first: `{parents[0]}`)",
            f"{_CHECK}; to delete anyway, pass `--max-delete {max(counts.lost, 1)}`",
        )


def _excess(counted: Sequence[tuple[Address, int, int]], bound: int, percent: float) -> str | None:
    """Return in words what exceeds the limit: all messages, or those of the worst conversation.

    *counted* has the conversations with the number of their messages that count, and their size.
    """
    if percent >= _ALL:
        return None
    total = sum(count for _, count, _ in counted)
    if bound >= _FROM and total * 100 > percent * bound:
        return f"{_share(total, bound)} (limit: {percent:g}%)"
    excesses = [
        (-count / size, address, f"{_share(count, size)} in `{address}`")
        for address, count, size in counted
        if size >= _FROM and count * 100 > percent * size
    ]
    if not excesses:
        return None
    more = f", and too many in {plural(len(excesses) - 1, 'more conversation')}" if len(excesses) > 1 else ""
    return f"{min(excesses)[2]} (limit: {percent:g}%){more}"


def _share(count: int, size: int) -> str:
    """Return `5 of 12 messages`; messages that are not managed can make it more than all of them."""
    return f"{count} of {size} messages" if count <= size else f"{count} messages, with {size} managed"


def _size(scope: Scope) -> int:
    return len(scope.view.messages.keys() | {binding.sid for binding in scope.bindings.values()})
