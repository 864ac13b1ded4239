"""Resources as Twilio's replies show them: JSON with absolute urls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.fields import stamp
from reconciler.emulator.records import Conversation, Media, Message, Participant, Receipt, Service, User

JSON: Final = "application/json;charset=utf-8"
_encode: Final = msgspec.json.Encoder().encode


class Reply(NamedTuple):
    """The reply to one request."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


class Home(NamedTuple):
    """The account and service of the resources in a reply; *url* ends with the service or with `/v1`."""

    account_sid: str
    service_sid: str
    url: str
    default: bool
    """Whether the request used the short urls of the default service."""


def error(refusal: ApiError, path: str) -> Reply:
    """Return a refusal as Twilio's JSON; it names the resource by its path without `/v1`."""
    message = refusal.message
    if isinstance(refusal, NotFound):
        message = f"The requested resource {path.removeprefix('/v1')} was not found"
    shown: dict[str, Any] = {"message": message, "status": refusal.status}
    if refusal.code is not None:
        shown = {
            "code": refusal.code,
            "message": message,
            "more_info": f"https://www.twilio.com/docs/errors/{refusal.code}",
            "status": refusal.status,
        }
    return Reply(refusal.status, _encode(shown))


def service(origin: str, account_sid: str, value: Service) -> dict[str, Any]:
    """Return one service."""
    url = f"{origin}/v1/Services/{value.sid}"
    return {
        "account_sid": account_sid,
        "sid": value.sid,
        "friendly_name": value.friendly_name,
        "date_created": value.date_created,
        "date_updated": value.date_updated,
        "url": url,
        "links": {
            "conversations": f"{url}/Conversations",
            "users": f"{url}/Users",
            "roles": f"{url}/Roles",
            "bindings": f"{url}/Bindings",
            "configuration": f"{url}/Configuration",
            "participant_conversations": f"{url}/ParticipantConversations",
            "conversation_with_participants": f"{url}/ConversationWithParticipants",
        },
    }


def conversation(home: Home, value: Conversation) -> dict[str, Any]:
    """Return one conversation."""
    url = f"{home.url}/Conversations/{value.sid}"
    timers = {"date_inactive": value.inactive_at, "date_closed": value.closed_at}
    bindings = None
    if value.email_address is not None or value.email_name is not None:
        bindings = {"email": {"address": value.email_address, "name": value.email_name}}
    return {
        "account_sid": home.account_sid,
        "chat_service_sid": value.service_sid,
        "messaging_service_sid": value.messaging_service_sid,
        "sid": value.sid,
        "friendly_name": value.friendly_name,
        "unique_name": value.unique_name,
        "attributes": value.attributes,
        "state": value.state,
        "date_created": value.date_created,
        "date_updated": value.date_updated,
        "timers": {
            name: stamp(datetime.fromtimestamp(at, UTC)) for name, at in timers.items() if at is not None
        },
        "bindings": bindings,
        "url": url,
        "links": {
            name.lower(): f"{url}/{name}" for name in ("Participants", "Messages", "Webhooks", "Export")
        },
    }


def participant(home: Home, value: Participant) -> dict[str, Any]:
    """Return one participant."""
    return {
        "account_sid": home.account_sid,
        "chat_service_sid": home.service_sid,
        "conversation_sid": value.conversation_sid,
        "sid": value.sid,
        "identity": value.identity,
        "attributes": value.attributes,
        "messaging_binding": _binding(value),
        "role_sid": value.role_sid,
        "last_read_message_index": value.last_read_message_index,
        "last_read_timestamp": value.last_read_timestamp,
        "date_created": value.date_created,
        "date_updated": value.date_updated,
        "url": f"{home.url}/Conversations/{value.conversation_sid}/Participants/{value.sid}",
    }


def _binding(value: Participant) -> dict[str, str | None] | None:
    if value.projected_address is not None:
        return {
            "type": "sms",
            "address": value.address,
            "proxy_address": value.proxy_address,
            "projected_address": value.projected_address,
        }
    if value.address is None:
        return None
    scheme, colon, _ = value.address.partition(":")
    return {
        "type": scheme if colon else "email" if "@" in value.address else "sms",
        "address": value.address,
        "proxy_address": value.proxy_address,
    }


def user(home: Home, value: User) -> dict[str, Any]:
    """Return one user."""
    url = f"{home.url}/Users/{value.sid}"
    return {
        "account_sid": home.account_sid,
        "chat_service_sid": home.service_sid,
        "sid": value.sid,
        "identity": value.identity,
        "friendly_name": value.friendly_name,
        "role_sid": value.role_sid,
        "attributes": value.attributes,
        "is_online": None,
        "is_notifiable": None,
        "date_created": value.date_created,
        "date_updated": value.date_updated,
        "url": url,
        "links": {"user_conversations": f"{url}/Conversations"},
    }


class MessageWriter:
    """Writes the messages of one conversation as JSON; their common parts are made once."""

    def __init__(self, home: Home, conversation_sid: str) -> None:
        parents = {"account_sid": home.account_sid, "chat_service_sid": home.service_sid}
        if home.default:
            del parents["chat_service_sid"]
        shared = _encode(parents | {"conversation_sid": conversation_sid})[:-1]
        url = _encode(f"{home.url}/Conversations/{conversation_sid}/Messages/")[:-1].replace(b"%", b"%%")
        self._template = (
            shared.replace(b"%", b"%%")
            + b',%b,"url":'
            + url
            + b'%b","links":{"delivery_receipts":'
            + url
            + b'%b/Receipts","channel_metadata":'
            + url
            + b'%b/ChannelMetadata"}}'
        )

    def write(self, message: Message) -> bytes:
        """Return one message as JSON."""
        return self.write_all([message])

    def write_all(self, rows: list[Message]) -> bytes:
        """Return messages as JSON, a comma between them."""
        template, parts = self._template, []
        for _, text, document in rows:
            sid = text.encode()
            parts.append(template % (document[1:-1], sid, sid, sid))
        return b",".join(parts)


def receipt(home: Home, conversation_sid: str, message_sid: str, value: Receipt) -> dict[str, Any]:
    """Return one receipt."""
    message_url = f"{home.url}/Conversations/{conversation_sid}/Messages/{message_sid}"
    return {
        "account_sid": home.account_sid,
        "chat_service_sid": home.service_sid,
        "conversation_sid": conversation_sid,
        "message_sid": message_sid,
        "sid": value.sid,
        "channel_message_sid": value.channel_message_sid,
        "participant_sid": value.participant_sid,
        "status": value.status,
        "error_code": 0,
        "date_created": value.date_created,
        "date_updated": value.date_created,
        "url": f"{message_url}/Receipts/{value.sid}",
    }


def media(origin: str, value: Media) -> dict[str, Any]:
    """Return one uploaded file; the dates of the media host have fractions and an offset."""
    url = f"{origin}/v1/Services/{value.service_sid}/Media/{value.sid}"
    uploaded = datetime.fromtimestamp(value.uploaded_at, UTC).isoformat(timespec="microseconds")
    return {
        "sid": value.sid,
        "service_sid": value.service_sid,
        "date_created": uploaded,
        "date_upload_updated": uploaded,
        "date_updated": uploaded,
        "links": {"content": f"{url}/Content"},
        "size": value.size,
        "content_type": value.content_type,
        "filename": value.filename,
        "author": None,
        "category": "media",
        "message_sid": value.message_sid,
        "channel_sid": value.conversation_sid,
        "url": url,
        "is_multipart_upstream": False,
    }
