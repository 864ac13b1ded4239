"""Refuse a plan that deletes more messages than anyone is likely to want."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from reconciler.model import Address, ResourceType, parent_of
from reconciler.planner.draft import Draft, Scope
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.options import Options
from reconciler.text.words import plural

_PERCENT: Final = 30
"""The default limit, in percent of the messages."""
_FROM: Final = 10
"""The number of messages from which a percentage is applied."""
_ALL: Final = 100
_LOSING: Final = frozenset({Verb.DELETE, Verb.REPLACE})
_PARENTS: Final = frozenset({ResourceType.SERVICE, ResourceType.CONVERSATION})
_CHECK: Final = "check that the manifest path is right"


def guard(draft: Draft, options: Options, scopes: Mapping[Address, Scope]) -> None:
    """Refuse a plan that deletes, or creates again, too large a share of the messages.

    Only a number given with `--max-delete` limits `destroy`. What `--reset` does inside conversations is not
    counted.
    """
    counted = [action for action in draft.actions if not _is_in_reset(action, scopes)]
    messages = [action for action in counted if action.type is ResourceType.MESSAGE]
    lost = [
        action for action in messages if action.verb in _LOSING and action.reason is not Reason.SUPERSEDED
    ]
    limit, in_percent = options.max_delete, options.max_delete_percent and options.max_delete != 0
    if limit is not None and not in_percent:
        _hold_to_number(draft, lost, limit)
    elif not options.destroy:
        _hold_to_share(draft, lost, _PERCENT if limit is None else limit, scopes)
    if not limit and not options.destroy:
        _hold_parents(draft, counted, lost)
    again = [a for a in messages if a.verb is Verb.CREATE and a.reason is Reason.MISSING_REMOTELY]
    excess = None if options.allow_recreate else _excess(again, _PERCENT, scopes)
    if excess is not None:
        draft.refuse(
            "recreate",
            f"refusing to create again {excess}, which vanished remotely",
            "check that account and service are right; to create them again, pass `--allow-recreate`",
        )


def _hold_to_number(draft: Draft, lost: Sequence[Action], limit: float) -> None:
    if len(lost) > limit:
        draft.refuse(
            "max_delete",
            f"refusing to delete or replace {plural(len(lost), 'message')} (limit: {limit:g})",
            f"{_CHECK}; to go on, pass `--max-delete {len(lost)}`",
        )


def _hold_to_share(
    draft: Draft, lost: Sequence[Action], percent: float, scopes: Mapping[Address, Scope]
) -> None:
    excess = _excess(lost, percent, scopes)
    if excess is not None:
        draft.refuse(
            "max_delete",
            f"refusing to delete or replace {excess}",
            f"{_CHECK}; to go on anyway, pass `--max-delete 100%`",
        )


def _is_in_reset(action: Action, scopes: Mapping[Address, Scope]) -> bool:
    is_inside = action.type not in _PARENTS
    scope = scopes.get(parent_of(action.address) if is_inside else action.address)
    return scope is not None and scope.reset


def _hold_parents(draft: Draft, actions: Sequence[Action], lost: Sequence[Action]) -> None:
    parents = [action for action in actions if action.verb in _LOSING and action.type in _PARENTS]
    if parents:
        kinds = Counter(action.type for action in parents)
        what = " and ".join(plural(kinds[kind], kind) for kind in ResourceType if kind in kinds)
        draft.refuse(
            "deletes_parent",
            f"refusing to delete {what} with {plural(sum(a.with_parent for a in lost), 'message')} "
            f"(the first: `{parents[0].address}`)",
            f"{_CHECK}; to delete anyway, pass `--max-delete {max(len(lost), 1)}`",
        )


def _excess(actions: Sequence[Action], percent: float, scopes: Mapping[Address, Scope]) -> str | None:
    """Return in words what exceeds the limit: all messages, or those of the worst conversation."""
    if percent >= _ALL:
        return None
    bound = sum(len(scope.bindings) for scope in scopes.values())
    if bound >= _FROM and len(actions) * 100 > percent * bound:
        return f"{_share(len(actions), bound)} (limit: {percent:g}%)"
    excesses: list[tuple[float, Address, str]] = []
    for address, count in Counter(parent_of(action.address) for action in actions).items():
        size = _size(scopes[address])
        if size >= _FROM and count * 100 > percent * size:
            excesses.append((-count / size, address, f"{_share(count, size)} in `{address}`"))
    if not excesses:
        return None
    more = f", and too many in {plural(len(excesses) - 1, 'more conversation')}" if len(excesses) > 1 else ""
    return f"{min(excesses)[2]} (limit: {percent:g}%){more}"


def _share(count: int, size: int) -> str:
    """Return `5 of 12 messages`; messages that are not managed can make it more than all of them."""
    return f"{count} of {size} messages" if count <= size else f"{count} messages, with {size} managed"


def _size(scope: Scope) -> int:
    return len(scope.view.messages.keys() | {binding.sid for binding in scope.bindings.values()})
