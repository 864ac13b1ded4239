"""What every managed object will be once a plan is applied: the `planned_values` of Terraform's plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from msgspec import Raw, Struct

from reconciler.model import (
    Address,
    Conversation,
    Desired,
    MediaFile,
    Message,
    Participant,
    ResourceType,
    Service,
)
from reconciler.model.sids import services_referenced
from reconciler.plans.actions import Action, Verb
from reconciler.plans.plan import Plan
from reconciler.plans.sid_references import filled
from reconciler.report import disclosure as values
from reconciler.report.disclosure import Bodies
from reconciler.report.resource import resource
from reconciler.report.terraform import PROVIDER
from reconciler.resources.conversation import conversation_values
from reconciler.resources.message import desired_values
from reconciler.resources.participant import participant_values

if TYPE_CHECKING:
    from reconciler.report.documents import PlannedResource

_LEAVES: Final = frozenset({Verb.DELETE, Verb.FORGET})
_Declaration: TypeAlias = Service | Conversation | Participant | Message


class _Values(Struct, frozen=True, gc=False, omit_defaults=True):
    author: str | None = None
    body: str | None = None
    attributes: Raw | None = None
    date_created: str | None = None
    date_updated: str | None = None
    subject: str | None = None
    media_sid: str | None = None
    content_sid: str | None = None
    content_variables: Raw | None = None


class UnchangedMessage(Struct, frozen=True, gc=False):
    """The resource of an unchanged message without a file and without anything to hide.

    It is encoded as its `resource` is, in a third of the time: a whole plan has millions.
    """

    address: Address
    mode: Literal["managed"]
    type: ResourceType
    name: str
    provider_name: str
    schema_version: int
    values: _Values
    sensitive_values: dict[str, bool]

    def resource(self) -> PlannedResource:
        """Return it as a dictionary."""
        texts = {name: getattr(self.values, name) for name in _Values.__struct_fields__}
        shown = {
            name: values.parsed(name, bytes(text).decode()) if isinstance(text, Raw) else text
            for name, text in texts.items()
            if text is not None
        }
        return resource(self.address, shown)


def planned_resources(
    plan: Plan, desired: Desired | None, bodies: Bodies, salt: str
) -> Iterator[PlannedResource]:
    """Yield what `encodable_resources` does, all as dictionaries."""
    for one in encodable_resources(plan, desired, bodies, salt):
        yield one.resource() if isinstance(one, UnchangedMessage) else one


def encodable_resources(
    plan: Plan, desired: Desired | None, bodies: Bodies, salt: str
) -> Iterator[PlannedResource | UnchangedMessage]:
    """Yield what *plan* creates and changes, and what it leaves as *desired* declares it, parents first.

    Without *desired*, only the former. Sensitive values are hidden, and `--bodies` applies.
    """
    changed = {action.address: action for action in plan.actions if action.verb not in _LEAVES}
    if desired is not None:
        hides = bodies is not Bodies.FULL or plan.hidden or desired.awaits
        for address, one in _declared(filled(desired, plan.sids).desired):
            if changed and (action := changed.pop(address, None)) is not None:
                yield _changed(action, bodies, salt)
            elif plan.selection is not None and address not in plan.selection:
                continue
            elif type(one) is Message and one.media is None and not one.sensitive and not hides:
                yield _unchanged_message(address, one)
            else:
                texts, hidden, file = _texts(one)
                known = _known(texts) if desired.awaits else texts
                sensitive = (*hidden, *plan.hidden.get(address, ()))
                shown = values.shown_fields(known, bodies, salt, sensitive=sensitive, file=file)
                yield resource(address, shown, sensitive)
    for action in changed.values():
        yield _changed(action, bodies, salt)


def known_after(action: Action) -> dict[str, str]:
    """Return the texts of *action* that do not wait for the sid of a service that apply creates."""
    return _known(action.after) if action.awaits else action.after


def _known(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in texts.items() if not services_referenced(text)}


def _changed(action: Action, bodies: Bodies, salt: str) -> PlannedResource:
    shown = values.fields(action, known_after(action), bodies, salt)
    return resource(action.address, shown, action.sensitive)


def _unchanged_message(address: Address, one: Message) -> UnchangedMessage:
    attributes, variables = one.attributes, one.content_variables
    shown = _Values(
        one.author,
        one.body,
        None if attributes is None else Raw(attributes.encode()),
        one.date_created,
        one.date_updated,
        one.subject,
        one.media_sid,
        one.content_sid,
        None if variables is None else Raw(variables.encode()),
    )
    return UnchangedMessage(address, "managed", ResourceType.MESSAGE, one.key, PROVIDER, 0, shown, {})


def _declared(desired: Desired) -> Iterator[tuple[Address, _Declaration]]:
    """Yield everything that *desired* declares with its address, parents first."""
    for service in desired.services:
        yield service.name, service
        for conversation in service.conversations:
            address = f"{service.name}/{conversation.name}"
            yield address, conversation
            for person in conversation.participants:
                yield f"{address}/participants/{person.key}", person
            for message in conversation.messages:
                yield f"{address}/{message.key}", message


def _texts(one: _Declaration) -> tuple[Mapping[str, str], tuple[str, ...], MediaFile | None]:
    """Return the texts that *one* declares, its sensitive fields, and its media file."""
    if isinstance(one, Message):
        return desired_values(one), one.sensitive, one.file
    if isinstance(one, Conversation):
        return conversation_values(one), one.sensitive, None
    if isinstance(one, Participant):
        return participant_values(one), (), None
    return {} if one.friendly_name is None else {"friendly_name": one.friendly_name}, (), None
