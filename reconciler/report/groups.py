"""Conversations with equal plans, so that five hundred of them print as one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from reconciler.model import Address
from reconciler.plan.actions import Action, Plan, Verb
from reconciler.report import inert

_FEWEST: Final = 3
"""Fewer equal conversations than this are printed one by one."""
_NAMED: Final = 4


class Group(Struct, frozen=True):
    """Actions to print; *heading* is empty unless they stand for those of other conversations too."""

    actions: list[Action]
    heading: str = ""


def grouped(plan: Plan) -> Iterator[Group]:
    """Yield the listed actions of *plan* in its order, those of equal conversations once."""
    by_conversation: dict[Address, list[Action]] = {}
    for action in plan.actions:
        if action.verb is not Verb.NO_OP:
            by_conversation.setdefault("/".join(action.address.split("/")[:2]), []).append(action)
    equal: dict[str, list[Address]] = {}
    signatures = {
        conversation: _signature(conversation, actions) for conversation, actions in by_conversation.items()
    }
    for conversation, signature in signatures.items():
        equal.setdefault(signature, []).append(conversation)
    for conversation, actions in by_conversation.items():
        alike = equal[signatures[conversation]]
        if len(alike) < _FEWEST:
            yield Group(actions)
        elif conversation == alike[0]:
            yield Group(actions, _heading(alike, len(actions)))


def _heading(alike: list[Address], actions: int) -> str:
    named = ", ".join(alike[:_NAMED])
    more = f" and {len(alike) - _NAMED:,} more" if len(alike) > _NAMED else ""
    noun = "action" if actions == 1 else f"{actions} actions"
    return f"{len(alike):,} conversations need the same {noun}, shown once: {inert.escape(named)}{more}"


def _signature(conversation: Address, actions: list[Action]) -> str:
    """Return a text that is equal for conversations whose plans differ in names and sids alone."""
    return json.dumps([_likeness(conversation, action) for action in actions])


def _likeness(conversation: Address, action: Action) -> tuple[object, ...]:
    name = conversation.rpartition("/")[2]
    fields = action.before if action.verb is Verb.DELETE else action.after
    previous = action.previous_address
    return (
        action.address.removeprefix(conversation),
        action.verb,
        action.reason,
        {field: "" if text == name else text for field, text in fields.items()},
        [(change.path, change.before, change.after) for change in action.changes],
        action.reset,
        action.replace_paths,
        action.webhooks,
        action.with_parent,
        previous.removeprefix(conversation) if previous else None,
    )
