"""The parameters of a webhook, made from a resource as a reply shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from reconciler.emulator.fields import Fields, stamp

_DATES: Final = (("DateCreated", "date_created"), ("DateUpdated", "date_updated"))
_MESSAGE: Final = (
    ("ChatServiceSid", "chat_service_sid"),
    ("ConversationSid", "conversation_sid"),
    ("MessageSid", "sid"),
    ("Index", "index"),
    ("Author", "author"),
    ("ParticipantSid", "participant_sid"),
    ("Body", "body"),
    ("Media", "media"),
    ("Attributes", "attributes"),
)
_BINDING: Final = (
    ("MessagingBinding.Type", "messaging_binding.type"),
    ("MessagingBinding.Address", "messaging_binding.address"),
    ("MessagingBinding.ProxyAddress", "messaging_binding.proxy_address"),
    ("MessagingBinding.ProjectedAddress", "messaging_binding.projected_address"),
)
_FIELDS: Final = {
    "Message": _MESSAGE,
    "Conversation": (
        ("ChatServiceSid", "chat_service_sid"),
        ("ConversationSid", "sid"),
        ("MessagingServiceSid", "messaging_service_sid"),
        ("FriendlyName", "friendly_name"),
        ("UniqueName", "unique_name"),
        ("Attributes", "attributes"),
        ("State", "state"),
        *_DATES,
    ),
    "Participant": (
        ("ConversationSid", "conversation_sid"),
        ("ParticipantSid", "sid"),
        ("Identity", "identity"),
        ("RoleSid", "role_sid"),
        ("Attributes", "attributes"),
        *_BINDING,
        *_DATES,
    ),
    "User": (
        ("ChatServiceSid", "chat_service_sid"),
        ("UserSid", "sid"),
        ("Identity", "identity"),
        ("FriendlyName", "friendly_name"),
        ("RoleSid", "role_sid"),
        ("Attributes", "attributes"),
        *_DATES,
    ),
    "Delivery": (
        ("ChatServiceSid", "chat_service_sid"),
        ("ConversationSid", "conversation_sid"),
        ("MessageSid", "message_sid"),
        ("DeliveryReceiptSid", "sid"),
        ("ChannelMessageSid", "channel_message_sid"),
        ("ParticipantSid", "participant_sid"),
        ("Status", "status"),
        *_DATES,
    ),
}
_MORE: Final = {
    "onMessageAdded": (("MessagingServiceSid", "messaging_service_sid"), ("DateCreated", "date_created")),
    "onParticipantUpdated": (("LastReadMessageIndex", "last_read_message_index"),),
    "onUserUpdated": (("isOnline", "is_online"), ("isNotifiable", "is_notifiable")),
}
"""The fields that only this event has besides those of its resource."""
_SENT: Final = {
    "Author": "author",
    "Body": "body",
    "Attributes": "attributes",
    "FriendlyName": "friendly_name",
    "UniqueName": "unique_name",
    "MessagingServiceSid": "messaging_service_sid",
    "State": "state",
    "Identity": "identity",
    "RoleSid": "role_sid",
    "MessagingBinding.Address": "messaging_binding.address",
    "MessagingBinding.ProxyAddress": "messaging_binding.proxy_address",
    "MessagingBinding.ProjectedAddress": "messaging_binding.projected_address",
}


def as_sent(fields: Fields) -> dict[str, Any]:
    """Return the parameters of a request under the names that they have in replies."""
    return {_SENT[name]: value for name, value in fields.items() if name in _SENT}


def parameters(resource: str, event: str, shown: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Return the parameters of *event* on the *resource* that a reply has *shown*; *now* is its time."""
    fields = (*_FIELDS[resource], *_MORE.get(event, ()))
    if resource == "Message" and event != "onMessageAdded":
        fields = (*fields, *_DATES)
    flat = dict(shown)
    for name, value in (shown.get("messaging_binding") or {}).items():
        flat[f"messaging_binding.{name}"] = value
    made = {}
    for parameter, field in fields:
        value = flat.get(field, False if parameter.startswith("is") else None)
        if parameter.startswith("is"):
            made[parameter] = str(bool(value)).lower()
        elif parameter == "Media" and value:
            made[parameter] = _media(value)
        elif value is not None:
            made[parameter] = with_milliseconds(value, now) if parameter.startswith("Date") else str(value)
    return made


def _media(attachments: list[dict[str, Any]]) -> str:
    names = {"Sid": "sid", "Filename": "filename", "ContentType": "content_type", "Size": "size"}
    return json.dumps([{name: one[field] for name, field in names.items()} for one in attachments])


def with_milliseconds(date: str, now: datetime) -> str:
    """Return the *date* of a reply as webhooks write it; the present has the milliseconds of *now*."""
    milliseconds = now.microsecond // 1000 if date == stamp(now) else 0
    return f"{date.removesuffix('Z')}.{milliseconds:03}Z"
