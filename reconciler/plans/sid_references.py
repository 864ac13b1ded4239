"""References to the sid of a service in texts: filled in once the service is found or created."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from reconciler.model import Address, Conversation, Desired, Message, Remote, ResourceType, map_conversations
from reconciler.model.sids import fill_placeholders, services_referenced
from reconciler.plans.actions import KNOWN_AFTER, Action, Verb
from reconciler.plans.part import Part, map_actions
from reconciler.plans.plan import Plan, Refusal
from reconciler.resources.conversation import conversation_values
from reconciler.resources.message import desired_values

T = TypeVar("T", Conversation, Message)


class Filled(Struct, frozen=True):
    """*desired* with the known *sids* filled in, by service; other references keep their placeholders."""

    desired: Desired
    sids: dict[str, str] = {}


def fill(desired: Desired, remote: Remote) -> Filled:
    """Return *desired* with the sids of *remote* where its texts refer to them."""
    if not desired.awaits:
        return Filled(desired)
    live = {name: remote.services.get(name) for name in desired.awaits}
    return filled(desired, {name: service.sid for name, service in live.items() if service is not None})


def filled(desired: Desired, sids: dict[str, str]) -> Filled:
    """Return *desired* with these sids of services where its texts refer to them."""
    if not sids:
        return Filled(desired)

    def complete(one: Conversation) -> Conversation:
        messages = tuple(_with_sids(message, desired_values(message), sids) for message in one.messages)
        one = _with_sids(one, conversation_values(one), sids)
        return one if messages == one.messages else msgspec.structs.replace(one, messages=messages)

    return Filled(map_conversations(desired, lambda _, one: complete(one)), sids)


def mark_references(part: Part, known: Filled) -> Part:
    """Return *part* with the services that texts of each action refer to, and whose sids are not known."""
    if not known.desired.awaits:
        return part

    def waiting(action: Action) -> Action:
        texts = (*action.after.values(), *action.send.values()) if action.send else ()
        awaits = tuple(sorted({name for text in texts for name in services_referenced(text)}))
        return msgspec.structs.replace(action, awaits=awaits) if awaits else action

    return msgspec.structs.replace(map_actions(part, waiting), awaits=known.desired.awaits, sids=known.sids)


def resolve_references(plan: Plan, *, judging: bool = True) -> Plan:
    """Return *plan*, in which actions wait for services, with what it shows in the place of their sids.

    It is refused if it sends a text that refers to a service that does not exist and that it does not create.
    Without *judging*, another part may create it.
    """
    made = {
        action.address
        for action in plan.actions
        if action.verb is Verb.CREATE and action.type is ResourceType.SERVICE
    }
    needing: list[tuple[Address, str]] = []

    def resolved(action: Action) -> Action:
        if not action.awaits:
            return action
        if not judging or made.issuperset(action.awaits):
            return msgspec.structs.replace(action, changes=_changes(action, _known_after))
        needing.extend((action.address, name) for name in action.awaits if name not in made)
        written = completed(action, {name: f"${{service.{name}.sid}}" for name in action.awaits})
        return msgspec.structs.replace(written, changes=_changes(action, _as_written), awaits=())

    plan = msgspec.structs.replace(plan, actions=tuple(map(resolved, plan.actions)))
    if not needing:
        return plan
    address, service = needing[0]
    others = len({one for one, _ in needing}) - 1
    more = f" and {others:,} more" if others else ""
    refusal = Refusal(
        "unknown_sid",
        f"`{address}`{more} cannot do without the sid of service `{service}`, which does not exist, "
        "and this plan does not create it",
        f"plan `{service}` too, or leave this out: `--exclude '{address}'`",
    )
    return msgspec.structs.replace(plan, refusals=(*plan.refusals, refusal))


def completed(action: Action, sids: dict[str, str]) -> Action:
    """Return *action* with these sids of services filled into its texts."""
    return msgspec.structs.replace(
        action,
        after={name: _complete(text, sids) for name, text in action.after.items()},
        send={name: _complete(text, sids) for name, text in action.send.items()},
    )


def _complete(text: str, sids: dict[str, str]) -> str:
    return fill_placeholders(text, sids.get)


def _known_after(_: str) -> str:
    return KNOWN_AFTER


def _as_written(service: str) -> str:
    return f"${{service.{service}.sid}}"


def _changes(action: Action, sid_of: Callable[[str], str]) -> tuple[Any, ...]:
    """Return the changes of *action* with placeholders replaced for display."""
    return tuple(
        msgspec.structs.replace(change, after=_shown(change.after, sid_of)) for change in action.changes
    )


def _shown(value: object, sid_of: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return fill_placeholders(value, sid_of)
    if isinstance(value, dict):
        return {name: _shown(item, sid_of) for name, item in value.items()}
    return [_shown(item, sid_of) for item in value] if isinstance(value, list) else value


def _with_sids(one: T, texts: dict[str, str], sids: dict[str, str]) -> T:
    """Return *one*, which declares *texts*, with these sids of services in them."""
    completed = {name: done for name, text in texts.items() if (done := _complete(text, sids)) != text}
    return msgspec.structs.replace(one, **completed) if completed else one
