"""Values to and from the bytes of Twilio's API: forms, paths, pages, errors.

Requests are forms with PascalCase names, replies are JSON. A page goes from its bytes straight
into values; fields that are not ours are skipped without being built. Nothing here does I/O.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.model import RemoteConversation, RemoteMessage, RemoteParticipant, RemoteService
from reconciler.model.canonical import canonical_instant
from reconciler.model.sids import is_plausible_sid
from reconciler.text.foreign import json_fault

MESSAGE_FORM: Final = {
    "author": "Author",
    "body": "Body",
    "attributes": "Attributes",
    "date_created": "DateCreated",
    "date_updated": "DateUpdated",
    "subject": "Subject",
    "media_sid": "MediaSid",
    "content_sid": "ContentSid",
    "content_variables": "ContentVariables",
}
CONVERSATION_FORM: Final = {
    "friendly_name": "FriendlyName",
    "unique_name": "UniqueName",
    "attributes": "Attributes",
    "messaging_service_sid": "MessagingServiceSid",
    "state": "State",
    "timers_inactive": "Timers.Inactive",
    "timers_closed": "Timers.Closed",
    "email_address": "Bindings.Email.Address",
    "email_name": "Bindings.Email.Name",
}
PARTICIPANT_FORM: Final = {
    "identity": "Identity",
    "attributes": "Attributes",
    "role_sid": "RoleSid",
    "address": "MessagingBinding.Address",
    "proxy_address": "MessagingBinding.ProxyAddress",
    "projected_address": "MessagingBinding.ProjectedAddress",
}
SERVICE_FORM: Final = {"friendly_name": "FriendlyName"}

TEXT_LIMIT: Final = 200
"""Characters kept of a text that a server sent with an error."""

_MOST_REPAIRED: Final = 8 * 1024 * 1024
"""Bytes of a reply that the slow decoder is given: it builds also what nobody asks for."""

T = TypeVar("T")


class Unreadable(ValueError):
    """A reply is no JSON, or not of the shape that its kind must have."""


class PageMeta(Struct, frozen=True):
    """What a page says of itself; the URL of the next page is None at the end."""

    key: str | None = None
    page_size: int | None = None
    next_page_url: str | None = None


class Page(Struct, Generic[T], frozen=True):
    """One page of a listing."""

    items: list[T]
    meta: PageMeta


class MessagePage(Page[RemoteMessage], rename={"items": "messages"}, frozen=True):
    """A page of messages."""

    items: list[RemoteMessage]


class ConversationPage(Page[RemoteConversation], rename={"items": "conversations"}, frozen=True):
    """A page of conversations."""

    items: list[RemoteConversation]


class ParticipantPage(Page[RemoteParticipant], rename={"items": "participants"}, frozen=True):
    """A page of participants."""

    items: list[RemoteParticipant]


class ServicePage(Page[RemoteService], rename={"items": "services"}, frozen=True):
    """A page of services."""

    items: list[RemoteService]


class Configuration(Struct, frozen=True):
    """The part of the account's configuration that we use."""

    account_sid: str
    default_chat_service_sid: str


class UploadedMedia(Struct, frozen=True):
    """The part of an upload's reply that we use."""

    sid: str
    service_sid: str | None = None


class ErrorBody(Struct, frozen=True):
    """What Twilio says about a request that it did not carry out; *message* is cut to `TEXT_LIMIT`."""

    message: str = ""
    code: int | None = None


def form(fields: Mapping[str, str], names: Mapping[str, str]) -> bytes:
    """Return *fields* as the body of a request; *names* translates our names into Twilio's.

    An unknown field is a `KeyError`: it would otherwise be ignored by the server in silence.
    """
    # Text once accepted by the server may hold half a surrogate pair; it must be able to go back.
    pairs = [(names[field], value) for field, value in fields.items()]
    return urlencode(pairs, errors="surrogatepass").encode("ascii")


def path(*segments: str) -> str:
    """Return `/a/b/c` with every segment percent-encoded, so that none can reach another resource.

    Raises `UsageError` for a segment that no encoding makes safe: an empty one, `.` and `..`.
    """
    for segment in segments:
        if segment in ("", ".", ".."):
            raise UsageError(f"`{segment}` cannot be part of an address at Twilio")
    return "".join("/" + quote(segment, safe="", errors="surrogatepass") for segment in segments)


def decode(data: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Return the value that *data* holds, or raise `Unreadable` with the reason."""
    try:
        return decoder.decode(data)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Unreadable(json_fault(data, error)) from error
    except ValueError as error:
        # Half a surrogate pair, as a careless client leaves it when it cuts an emoji, is refused by
        # the fast decoder. One such message must not make a whole conversation unreadable.
        if len(data) > _MOST_REPAIRED:
            raise Unreadable(json_fault(data, error)) from error
        try:
            value: T = msgspec.convert(json.loads(data), decoder.type)  # msgspec 0.23: mypy infers Any
        except (ValueError, RecursionError):
            raise Unreadable(json_fault(data, error)) from error
        return value


def check_sid(value: object) -> None:
    """Raise `Unreadable` if *value* is a resource without a SID: nothing could ever be asked of it."""
    sid = getattr(value, "sid", None)
    if not isinstance(sid, str) or not is_plausible_sid(sid):
        raise Unreadable("it names no SID")


def error_body(data: bytes) -> ErrorBody | None:
    """Return what an error reply says, or None if it is not Twilio's JSON (a proxy's HTML, nothing)."""
    try:
        value = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    code, message = value.get("code"), value.get("message")
    if not isinstance(message, str):
        return None
    return ErrorBody(message=shortened(message), code=code if type(code) is int else None)


def shortened(text: str) -> str:
    """Return *text* cut to `TEXT_LIMIT` characters, with a mark where something was cut."""
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


def http_date(text: str) -> str:
    """Return the moment that a `Date` header names, in whole seconds of UTC; empty if it names none."""
    try:
        return canonical_instant(_http_moment(text))
    except (ValueError, OverflowError):
        return ""


def retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, given as a number or as a date.

    None if there is no header or it cannot be understood; never negative.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        return max(0.0, (_http_moment(text) - now).total_seconds())
    except (ValueError, OverflowError):
        return None


def _http_moment(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
