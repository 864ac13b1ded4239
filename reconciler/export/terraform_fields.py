"""Convert the attributes that Twilio's Terraform provider keeps to declarations. Nothing here does I/O.

The attributes are those of the provider's resources `twilio_conversations_…_v1`. It keeps what a reply shows
beside what was given, so values that equal the API's default are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model import (
    HIDEABLE_IN_CONVERSATION,
    HIDEABLE_IN_MESSAGE,
    Conversation,
    Message,
    Participant,
    ResourceType,
)
from reconciler.model.canonical import canonical_attributes, canonical_date
from reconciler.model.sids import canonical_sid

Declaration = Conversation | Participant | Message

_WEBHOOKS: Final = "x_twilio_webhook_enabled"
"""Whether requests call webhooks: in a manifest only messages have that."""
_NAMES: Final = {
    _WEBHOOKS: "webhooks",
    "messaging_binding_address": "address",
    "messaging_binding_proxy_address": "proxy_address",
    "messaging_binding_projected_address": "projected_address",
    "bindings_email_address": "email_address",
    "bindings_email_name": "email_name",
}
"""The fields of a declaration whose names in the provider are others, by these."""


class Converted(Struct, frozen=True):
    """A declaration, and what cannot be in it as it is in Terraform."""

    declared: Declaration
    """Its `sensitive` fields are those that Terraform calls so, where a manifest can hide them."""
    clear: tuple[str, ...] = ()
    """Fields of it that Terraform calls sensitive and no manifest can hide."""
    left_out: tuple[str, ...] = ()
    """Attributes that no manifest can have."""


def converted(
    kind: ResourceType, key: str, attributes: Mapping[str, Any], sensitive: Collection[str]
) -> Converted:
    """Return the declaration of a message, participant or conversation; *key* is its key or name.

    *sensitive* are the attributes that Terraform calls so.
    """
    fields = {
        _NAMES.get(name, name): canonical_sid(value) if name.endswith("_sid") else value
        for name, value in attributes.items()
        if isinstance(value, str) and value
    }
    hidden = {_NAMES.get(name, name) for name in sensitive}
    if kind is ResourceType.MESSAGE:
        message = _message(key, fields)
        can = _can_be_hidden(message, hidden & HIDEABLE_IN_MESSAGE)
        clear = _given(message, hidden.difference(can))
        return Converted(replace(message, sensitive=can), clear)
    left_out = (_WEBHOOKS,) if fields.get("webhooks") == "true" else ()
    if kind is ResourceType.PARTICIPANT:
        participant = _participant(key, fields)
        return Converted(participant, _given(participant, hidden), left_out)
    conversation = _conversation(key, fields)
    can = _can_be_hidden(conversation, hidden & HIDEABLE_IN_CONVERSATION)
    clear = _given(conversation, hidden.difference(can))
    return Converted(replace(conversation, sensitive=can), clear, left_out)


def _given(declared: Declaration, names: Collection[str]) -> tuple[str, ...]:
    """Return those of the fields *names* that *declared* has."""
    return tuple(sorted(name for name in names if getattr(declared, name, None)))


def _can_be_hidden(declared: Conversation | Message, names: Collection[str]) -> tuple[str, ...]:
    """Return those of the fields *names* that a variable can hold: attributes that are null are none."""
    is_null = declared.attributes == "null"
    return tuple(name for name in _given(declared, names) if not (is_null and name == "attributes"))


def _message(key: str, fields: Mapping[str, str]) -> Message:
    """Return the declaration of a message.

    Left out are the body of a content template, which the server renders, and a date of update that equals
    the date of creation: no user gave these.
    """
    template = fields.get("content_sid")
    variables = fields.get("content_variables") if template else None
    created, updated = (canonical_date(fields.get(name)) for name in ("date_created", "date_updated"))
    return Message(
        key=key,
        line=0,
        author=fields.get("author"),
        body=None if template else fields.get("body"),
        attributes=_attributes(fields),
        date_created=created,
        date_updated=updated if updated and created and updated > created else None,
        subject=fields.get("subject"),
        media_sid=None if template else fields.get("media_sid"),
        content_sid=template,
        content_variables=canonical_attributes(variables) if variables else None,
        webhooks=fields.get("webhooks") == "true",
    )


def _participant(key: str, fields: Mapping[str, str]) -> Participant:
    return Participant(
        key=key,
        line=0,
        identity=fields.get("identity"),
        address=fields.get("address"),
        proxy_address=fields.get("proxy_address"),
        projected_address=fields.get("projected_address"),
        role_sid=fields.get("role_sid"),
        attributes=_attributes(fields),
    )


def _conversation(name: str, fields: Mapping[str, str]) -> Conversation:
    return Conversation(
        name=name,
        path="",
        line=0,
        unique_name=fields.get("unique_name"),
        friendly_name=fields.get("friendly_name"),
        attributes=_attributes(fields),
        state=None if fields.get("state") == "active" else fields.get("state"),
        messaging_service_sid=fields.get("messaging_service_sid"),
        timers_inactive=fields.get("timers_inactive"),
        timers_closed=fields.get("timers_closed"),
        email_address=fields.get("email_address"),
        email_name=fields.get("email_name"),
    )


def _attributes(fields: Mapping[str, str]) -> str | None:
    canonical = canonical_attributes(fields.get("attributes", "{}"))
    return None if canonical == "{}" else canonical
