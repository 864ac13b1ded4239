"""Read the messages that Twilio's Terraform provider keeps in a Terraform state. Nothing here does I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.model import Message
from reconciler.model.canonical import canonical_attributes, canonical_date
from reconciler.model.sids import canonical_sid
from reconciler.runtime.text_file import NotText, decoded
from reconciler.text.foreign import json_fault

RESOURCE: Final = "twilio_conversations_services_conversations_messages_v1"
"""The type of resource of a message in a service that is named."""
_DEFAULT_RESOURCE: Final = "twilio_conversations_conversations_messages_v1"
"""The type of resource of a message in the account's default service."""
_FAMILY: Final = "twilio_conversations_"
"""How the types of resources of Conversations begin; those that are not taken over are noted."""
_VERSION: Final = 4
_ID: Final = re.compile(r"(?:(IS[0-9a-fA-F]{32})/)?([^/]+)/(IM[0-9a-fA-F]{32})")
_PULL: Final = "`terraform state pull > terraform.tfstate` writes the one that is meant"


class TerraformMessage(Struct, frozen=True):
    """A message in a Terraform state."""

    address: str
    """Its address in Terraform."""
    service_sid: str
    """The sid of its service (IS…); empty for the default service, whose sid Terraform does not need."""
    conversation: str
    """The sid or unique name of its conversation, as the Terraform configuration gives it."""
    sid: str
    """Its sid (IM…)."""
    message: Message
    """Its declaration; the key is made from the address."""


class TerraformRead(Struct, frozen=True):
    """What a Terraform state holds of Conversations."""

    messages: list[TerraformMessage]
    notes: list[str]
    """One line for each object that is not taken over, or is taken over with a doubt."""


class _Instance(Struct):
    attributes: dict[str, Any]
    index_key: str | int | None = None
    deposed: str | None = None
    status: str | None = None


class _Resource(Struct):
    mode: str
    type: str
    name: str
    module: str = ""
    instances: list[_Instance] = []


class _Named(Struct):
    """The part of any resource that tells whether it is a message."""

    mode: str = ""
    type: str = ""
    name: str = ""
    module: str = ""


class _State(Struct):
    resources: list[msgspec.Raw]
    """Each is decoded by itself: what other providers keep may have any shape."""


def read_terraform(data: bytes, where: str) -> TerraformRead:
    """Return the messages in the Terraform state *data*; *where* names it in errors.

    Raises UsageError for what is no Terraform state of version 4, and for one without messages.
    """
    try:
        text = decoded(data)
    except NotText as error:
        raise UsageError(f"`{where}` {error.text}", hint=f"{error.hint}; {_PULL}") from error
    try:
        version = msgspec.json.decode(text, type=dict[str, Any]).get("version")
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"`{where}` is no Terraform state: it is no JSON object", hint=_PULL) from error
    if version != _VERSION:
        raise UsageError(
            f"`{where}` is no Terraform state of version {_VERSION}",
            hint=f"{_PULL}; it must come from Terraform 0.12 or newer, and not be encrypted",
        )
    try:
        state = msgspec.json.decode(text, type=_State)
    except msgspec.DecodeError as error:
        raise UsageError(f"`{where}` is damaged: {json_fault(text, error)}", hint=_PULL) from error
    notes: list[str] = []
    resources = [_message_resource(raw, text, where, notes) for raw in state.resources]
    messages = _messages([one for one in resources if one is not None], where, notes)
    if not messages:
        raise UsageError(f"`{where}` holds no `{RESOURCE}` or `{_DEFAULT_RESOURCE}`", hint=_PULL)
    return TerraformRead(messages, notes)


def _messages(resources: Iterable[_Resource], where: str, notes: list[str]) -> list[TerraformMessage]:
    """Return what is taken over of *resources*, each message once; note the rest."""
    messages: dict[str, TerraformMessage] = {}
    for resource, instance in ((one, each) for one in resources for each in one.instances):
        one = _message(resource, instance, where)
        if instance.deposed is not None:
            notes.append(
                f"{one.address} is left out: {one.sid} is deposed there, and Terraform would delete it"
            )
        elif one.sid in messages:
            notes.append(f"{one.address} is left out: {one.sid} is also {messages[one.sid].address}")
        else:
            messages[one.sid] = one
            if instance.status == "tainted":
                notes.append(f"{one.address} is tainted there: Terraform would replace it")
    return list(messages.values())


def _message_resource(raw: msgspec.Raw, text: str, where: str, notes: list[str]) -> _Resource | None:
    """Return the resource if it is one of messages; note another one of Conversations."""
    try:
        named = msgspec.json.decode(raw, type=_Named)
    except msgspec.ValidationError:
        return None
    if named.mode != "managed" or not named.type.startswith(_FAMILY):
        return None
    if named.type not in {RESOURCE, _DEFAULT_RESOURCE}:
        address = ".".join(filter(None, (named.module, named.type, named.name)))
        notes.append(f"{address} is left out: only messages are taken over")
        return None
    try:
        return msgspec.json.decode(raw, type=_Resource)
    except msgspec.ValidationError as error:
        raise UsageError(f"`{where}` is damaged: {json_fault(text, error)}", hint=_PULL) from error


def _message(resource: _Resource, instance: _Instance, where: str) -> TerraformMessage:
    address = ".".join(filter(None, (resource.module, resource.type, resource.name)))
    key = resource.name
    if instance.index_key is not None:
        address += f"[{msgspec.json.encode(instance.index_key).decode()}]"
        key += f"-{instance.index_key}"
    fields = {name: value for name, value in instance.attributes.items() if value not in (None, "")}
    identity = _ID.fullmatch(str(fields.get("id", "")))
    if identity is None or (identity[1] is None) != (resource.type == _DEFAULT_RESOURCE):
        form = "CH…/IM…" if resource.type == _DEFAULT_RESOURCE else "IS…/CH…/IM…"
        raise UsageError(f"`{address[:200]}` in `{where}` has no id of the form `{form}`", hint=_PULL)
    service_sid, conversation, sid = (canonical_sid(part or "") for part in identity.groups())
    return TerraformMessage(address, service_sid, conversation, sid, _message_of(key, _texts(fields)))


def _texts(fields: dict[str, Any]) -> dict[str, str]:
    return {
        name: canonical_sid(value) if name.endswith("_sid") else value
        for name, value in fields.items()
        if isinstance(value, str)
    }


def _message_of(key: str, fields: dict[str, str]) -> Message:
    """Return the declaration of a message that has these *fields* in the Terraform state.

    Left out are the body of a content template, which the server renders, values that equal the API's
    default, and a date of update that equals the date of creation: no user gave these.
    """
    template = fields.get("content_sid")
    attributes = canonical_attributes(fields.get("attributes", "{}"))
    variables = fields.get("content_variables") if template else None
    created, updated = (canonical_date(fields.get(name)) for name in ("date_created", "date_updated"))
    return Message(
        key=key,
        line=0,
        author=fields.get("author"),
        body=None if template else fields.get("body"),
        attributes=None if attributes == "{}" else attributes,
        date_created=created,
        date_updated=updated if updated and created and updated > created else None,
        subject=fields.get("subject"),
        media_sid=None if template else fields.get("media_sid"),
        content_sid=template,
        content_variables=canonical_attributes(variables) if variables else None,
        webhooks=fields.get("x_twilio_webhook_enabled") == "true",
    )
