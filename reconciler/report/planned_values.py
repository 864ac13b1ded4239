"""What every managed object will be once a plan is applied: the `planned_values` of Terraform's plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from reconciler.model import Address, Desired, MediaFile, type_of
from reconciler.model.sids import services_referenced
from reconciler.plans.actions import Action, Verb
from reconciler.plans.plan import Plan
from reconciler.plans.sid_references import filled
from reconciler.report import disclosure as values
from reconciler.report.disclosure import Bodies
from reconciler.report.documents import PROVIDER, PlannedResource
from reconciler.resources.conversation import conversation_values
from reconciler.resources.message import desired_values
from reconciler.resources.participant import participant_values

_LEAVES: Final = frozenset({Verb.DELETE, Verb.FORGET})


def planned_resources(
    plan: Plan, desired: Desired | None, bodies: Bodies, salt: str
) -> Iterator[PlannedResource]:
    """Yield what *plan* creates and changes, and what it leaves as *desired* declares it, parents first.

    Without *desired*, only the former. Sensitive values are hidden, and `--bodies` applies.
    """
    changed = {action.address: action for action in plan.actions if action.verb not in _LEAVES}
    if desired is not None:
        for address, texts, hidden, file in _declared(filled(desired, plan.sids).desired):
            if (action := changed.pop(address, None)) is not None:
                yield _changed(action, bodies, salt)
            elif plan.selection is None or address in plan.selection:
                known = {name: text for name, text in texts.items() if not services_referenced(text)}
                sensitive = (*hidden, *plan.hidden.get(address, ()))
                shown = values.shown_fields(known, bodies, salt, sensitive=sensitive, file=file)
                yield _resource(address, dict(shown), sensitive)
    for action in changed.values():
        yield _changed(action, bodies, salt)


def known_after(action: Action) -> dict[str, str]:
    """Return the texts of *action* that do not wait for the sid of a service that apply creates."""
    if not action.awaits:
        return action.after
    return {name: text for name, text in action.after.items() if not services_referenced(text)}


def _changed(action: Action, bodies: Bodies, salt: str) -> PlannedResource:
    shown = dict(values.fields(action, known_after(action), bodies, salt))
    return _resource(action.address, shown, action.sensitive)


def _resource(address: Address, shown: dict[str, object], sensitive: tuple[str, ...]) -> PlannedResource:
    return {
        "address": address,
        "mode": "managed",
        "type": type_of(address),
        "name": address.rpartition("/")[2],
        "provider_name": PROVIDER,
        "schema_version": 0,
        "values": shown,
        "sensitive_values": {name: True for name in sensitive if name in shown},
    }


def _declared(
    desired: Desired,
) -> Iterator[tuple[Address, Mapping[str, str], tuple[str, ...], MediaFile | None]]:
    """Yield address, texts, sensitive fields and media file of everything that *desired* declares."""
    for service in desired.services:
        names = {"friendly_name": service.friendly_name} if service.friendly_name is not None else {}
        yield service.name, names, (), None
        for conversation in service.conversations:
            address = f"{service.name}/{conversation.name}"
            yield address, conversation_values(conversation), conversation.sensitive, None
            for person in conversation.participants:
                yield f"{address}/participants/{person.key}", participant_values(person), (), None
            for message in conversation.messages:
                yield f"{address}/{message.key}", desired_values(message), message.sensitive, message.file
