"""Conversations that are made with their participants, all or nothing: `ConversationWithParticipants`."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from reconciler.emulator import wire
from reconciler.emulator.call import Call
from reconciler.emulator.decisions import PARTICIPANTS_OF_GROUP_MMS
from reconciler.emulator.errors import ApiError
from reconciler.emulator.fields import Fields
from reconciler.emulator.replies import encode
from reconciler.emulator.wire import Reply

_NAMES: Final = {
    "identity": "Identity",
    "attributes": "Attributes",
    "role_sid": "RoleSid",
    "date_created": "DateCreated",
    "date_updated": "DateUpdated",
}
_BINDING: Final = {
    "address": "MessagingBinding.Address",
    "proxy_address": "MessagingBinding.ProxyAddress",
    "projected_address": "MessagingBinding.ProjectedAddress",
}
_Json: TypeAlias = dict[str, str | dict[str, str | None] | None]


def create_conversation_with_participants(call: Call) -> Reply:
    """Create a conversation and its participants."""
    home, people = call.home, [_fields(text) for text in call.values("Participant") or ()]
    if len(people) > PARTICIPANTS_OF_GROUP_MMS:
        raise ApiError(50426, "Too many participants for one request")
    with call.store.transaction():
        conversation = call.store.conversations.create(home.service_sid, call.form)
        # The business number of group MMS first, so that the others need no proxy address.
        for person in sorted(people, key=lambda one: "MessagingBinding.ProjectedAddress" not in one):
            call.store.participants.create(home.service_sid, conversation.sid, person)
    shown = wire.conversation(home, conversation)
    if people:
        shown["state"] = "initializing"
    return Reply(202 if people else 201, encode(shown))


def _fields(text: str) -> Fields:
    """Return the parameters of a create that one `Participant` stands for."""
    try:
        given = msgspec.json.decode(text, type=_Json)
    except (msgspec.DecodeError, RecursionError):
        raise ApiError(20001, "Invalid parameter: Participant must be a JSON object") from None
    binding = given.pop("messaging_binding", None) or {}
    made = {_NAMES[name]: value for name, value in given.items() if name in _NAMES}
    if isinstance(binding, dict):
        made |= {_BINDING[name]: value for name, value in binding.items() if name in _BINDING}
    if any(value is not None and not isinstance(value, str) for value in made.values()):
        raise ApiError(20001, "Invalid parameter: Participant has a field that is no string")
    return {name: value for name, value in made.items() if isinstance(value, str)}
