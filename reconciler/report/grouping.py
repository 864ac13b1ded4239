"""Group conversations with similar plans, so that five hundred of them print as one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from msgspec import UNSET, Struct

from reconciler.model import Address
from reconciler.plans.actions import Action, Verb
from reconciler.plans.plan import Plan
from reconciler.text import inert

_FEWEST: Final = 3
"""Similar conversations that form a group; fewer are printed one by one."""


_NAMED: Final = 4


class Group(Struct, frozen=True):
    """Actions to print; *heading* is empty unless they represent those of other conversations too."""

    actions: list[Action]
    heading: str = ""


def grouped(plan: Plan) -> Iterator[Group]:
    """Yield the listed actions of *plan* in its order, those of similar conversations once.

    Conversations are similar if their plans differ only in names and sids. Items of one `for_each` may also
    differ in the values that come from the item.
    """
    by_conversation: dict[Address, list[Action]] = {}
    for action in plan.actions:
        if action.verb is not Verb.NO_OP:
            by_conversation.setdefault("/".join(action.address.split("/")[:2]), []).append(action)
    alike: dict[str, list[Address]] = {}
    signatures = {
        conversation: _signature(conversation, actions) for conversation, actions in by_conversation.items()
    }
    for conversation, signature in signatures.items():
        alike.setdefault(signature, []).append(conversation)
    for conversation, actions in by_conversation.items():
        group = alike[signatures[conversation]]
        if len(group) < _FEWEST:
            yield Group(actions)
        elif conversation == group[0]:
            yield Group(actions, _heading(group, [by_conversation[one] for one in group]))


def family(conversation: Address) -> Address:
    """Return the address up to the key of an item, such as `support/order` for `support/order[4711]`."""
    return conversation.partition("[")[0]


def _heading(group: list[Address], plans: list[list[Action]]) -> str:
    named = ", ".join(group[:_NAMED])
    more = f" and {len(group) - _NAMED:,} more" if len(group) > _NAMED else ""
    noun = "action" if len(plans[0]) == 1 else f"{len(plans[0])} actions"
    text = f"{len(group):,} conversations need the same {noun}, shown once: {inert.escape(named)}{more}"
    differing = _differing(group, plans)
    return f"{text}; each has its own {', '.join(differing)}" if differing else text


def _differing(group: list[Address], plans: list[list[Action]]) -> list[str]:
    """Return the fields whose values are not the same in all *plans*."""
    found: dict[str, None] = {}
    first = [_texts(group[0], action) for action in plans[0]]
    for conversation, actions in zip(group, plans, strict=True):
        for texts, action in zip(first, actions, strict=True):
            other = _texts(conversation, action)
            found.update((name, None) for name, text in other.items() if texts.get(name) != text)
    return list(found)


def _signature(conversation: Address, actions: list[Action]) -> str:
    """Return a text that is equal for similar conversations."""
    is_item = conversation != family(conversation)
    likeness = [_likeness(conversation, action, with_values=not is_item) for action in actions]
    return json.dumps([family(conversation) if is_item else "", likeness])


def _likeness(conversation: Address, action: Action, *, with_values: bool) -> tuple[object, ...]:
    previous = action.previous_address
    texts = _texts(conversation, action)
    values: tuple[object, ...] = (sorted(texts), [change.path for change in action.changes])
    if with_values:
        values = (
            texts,
            [(change.path, *map(_present, (change.before, change.after))) for change in action.changes],
        )
    return (
        action.address.removeprefix(conversation),
        action.verb,
        action.reason,
        values,
        action.reset,
        action.replace_paths,
        action.webhooks,
        action.with_parent,
        action.sensitive,
        previous.removeprefix(conversation) if previous else None,
    )


def _present(value: object) -> list[object]:
    return [] if value is UNSET else [value]


def _texts(conversation: Address, action: Action) -> dict[str, str]:
    """Return the fields after the action, or before a delete, without the name of the conversation."""
    name = conversation.rpartition("/")[2]
    fields = action.before if action.verb is Verb.DELETE else action.after
    return {field: "" if text == name else text for field, text in fields.items()}
