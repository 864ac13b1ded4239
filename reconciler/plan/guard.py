"""Stop a plan that loses much more than anyone meant to lose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from reconciler.model import Address, ResourceType, parent_of
from reconciler.plan.actions import Action, Reason, Verb
from reconciler.plan.draft import Draft, Options

_PERCENT: Final = 30
"""Above this share of the messages a plan is held back…"""
_FROM: Final = 10
"""…but only where there are at least this many."""


def guard(draft: Draft, options: Options, sizes: Mapping[Address, int], bound: int) -> None:
    """Refuse a plan that deletes, or creates again, too large a share of the messages.

    *sizes* has the number of messages in each conversation, *bound* that of all bound ones.
    """
    if not options.destroy:
        _guard_deletes(draft, options, sizes, bound)
    if not options.allow_recreate:
        again = [action for action in _messages(draft) if action.reason is Reason.MISSING_REMOTELY]
        again = [action for action in again if action.verb is Verb.CREATE]
        for text in _excesses(again, _PERCENT, sizes, bound):
            draft.refuse(
                "recreate",
                f"refusing to create again {text}, which vanished remotely",
                "check that the account and the service are right; to create them again, pass "
                "`--allow-recreate`",
            )


def _guard_deletes(draft: Draft, options: Options, sizes: Mapping[Address, int], bound: int) -> None:
    lost = [
        action
        for action in _messages(draft)
        if action.verb in {Verb.DELETE, Verb.REPLACE} and action.reason is not Reason.SUPERSEDED
    ]
    limit = options.max_delete
    if limit is not None and not options.max_delete_percent:
        if len(lost) > limit:
            draft.refuse(
                "max_delete",
                f"refusing to delete or replace {len(lost)} messages (limit: {limit:g})",
                f"check that the manifest path is right; to go on, pass `--max-delete {len(lost)}`",
            )
        return
    percent = _PERCENT if limit is None else limit
    parents = [a for a in draft.actions if a.verb is Verb.DELETE and a.type in _PARENTS]
    if parents and limit is None:
        plural = "s" if len(parents) > 1 else ""
        draft.refuse(
            "deletes_parent",
            f"refusing to delete {len(parents)} conversation{plural} or service{plural} with "
            f"{len(lost)} message{'s' if len(lost) != 1 else ''} (the first: `{parents[0].address}`)",
            "check that the manifest path is right; to delete anyway, pass "
            f"`--max-delete {max(len(lost), 1)}`",
        )
    for text in _excesses(lost, percent, sizes, bound):
        draft.refuse(
            "max_delete",
            f"refusing to delete or replace {text}",
            "check that the manifest path is right; to go on anyway, pass `--max-delete 100%`",
        )


def _excesses(actions: list[Action], percent: float, sizes: Mapping[Address, int], bound: int) -> list[str]:
    """Return what is too much, the whole first, as it is the larger news."""
    found = []
    if bound >= _FROM and len(actions) * 100 > percent * bound:
        found.append(f"{len(actions)} of {bound} messages (limit: {percent:g}%)")
    for address, count in sorted(Counter(parent_of(action.address) for action in actions).items()):
        size = sizes.get(address, 0)
        if size >= _FROM and count * 100 > percent * size:
            found.append(f"{count} of {size} messages in `{address}` (limit: {percent:g}%)")
    return found


def _messages(draft: Draft) -> list[Action]:
    return [action for action in draft.actions if action.type is ResourceType.MESSAGE]


_PARENTS = frozenset({ResourceType.SERVICE, ResourceType.CONVERSATION})
