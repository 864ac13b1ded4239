"""Read the messages that Twilio's Terraform provider keeps in a Terraform state. Nothing here does I/O."""

from __future__ import annotations

import re
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


_VERSION: Final = 4


_ID: Final = re.compile(r"(IS[0-9a-fA-F]{32})/([^/]+)/(IM[0-9a-fA-F]{32})")


_PULL: Final = "`terraform state pull > terraform.tfstate` writes the one that is meant"


class TerraformMessage(Struct, frozen=True):
    """A message that Terraform knows: where it is, and what Terraform holds of it.

    *address* is Terraform's own; the key of *message* comes from it. *conversation* is the sid or the
    unique name, as it was given to Terraform.
    """

    address: str
    service_sid: str
    conversation: str
    sid: str
    message: Message


class _Instance(Struct):
    attributes: dict[str, Any]
    index_key: str | int | None = None
    deposed: str | None = None


class _Resource(Struct):
    mode: str
    type: str
    name: str
    module: str = ""
    instances: list[_Instance] = []


class _State(Struct):
    resources: list[_Resource]


def read_terraform(data: bytes, where: str) -> list[TerraformMessage]:
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
    messages = [
        _message(resource, instance, where)
        for resource in state.resources
        if resource.mode == "managed" and resource.type == RESOURCE
        for instance in resource.instances
        if instance.deposed is None
    ]
    if not messages:
        raise UsageError(f"`{where}` holds no `{RESOURCE}`", hint=_PULL)
    return messages


def _message(resource: _Resource, instance: _Instance, where: str) -> TerraformMessage:
    address = ".".join(filter(None, (resource.module, resource.type, resource.name)))
    key = resource.name
    if instance.index_key is not None:
        address += f"[{msgspec.json.encode(instance.index_key).decode()}]"
        key += f"-{instance.index_key}"
    fields = {name: value for name, value in instance.attributes.items() if value not in (None, "")}
    identity = _ID.fullmatch(str(fields.get("id", "")))
    if identity is None:
        raise UsageError(f"`{address[:200]}` in `{where}` has no id of the form `IS…/CH…/IM…`", hint=_PULL)
    service_sid, conversation, sid = map(canonical_sid, identity.groups())
    return TerraformMessage(address, service_sid, conversation, sid, _said(key, _texts(fields)))


def _texts(fields: dict[str, Any]) -> dict[str, str]:
    return {
        name: canonical_sid(value) if name.endswith("_sid") else value
        for name, value in fields.items()
        if isinstance(value, str)
    }


def _said(key: str, fields: dict[str, str]) -> Message:
    """Return what a manifest is to say: what Terraform was given or has read.

    The body of a content template is rendered by the server; what equals the API's default, or a date of
    update that equals the one of creation, was never given.
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
