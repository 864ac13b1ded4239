"""Encode requests and decode replies of Twilio's API: forms, paths, pages, errors.

Requests are forms with PascalCase names, replies are JSON. A page is decoded straight into values, and fields
that are not needed are skipped. Nothing here does I/O.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Generic, TypeVar
from urllib.parse import quote, quote_plus

import msgspec
from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.model import RemoteConversation, RemoteMessage, RemoteParticipant, RemoteService
from reconciler.model.sids import are_plausible_sids, is_plausible_sid
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
"""The most characters kept of a text that a server sends with an error."""
_PATHS: Final = 1024
"""Paths that are kept: the messages of a conversation are posted to the same one."""

_DATE: Final = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_MOST_REPAIRED: Final = 8 * 1024 * 1024
"""The most bytes of a reply for the slow decoder, which builds every field of it."""

T = TypeVar("T")


class Unreadable(ValueError):
    """A reply is no JSON, or lacks what a reply of its type must have."""


class PageMeta(Struct, frozen=True):
    """The `meta` of a page; the URL of the next page is None on the last one."""

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
    """The fields of the account's configuration that are used here."""

    account_sid: str
    default_chat_service_sid: str


class UploadedMedia(Struct, frozen=True):
    """The fields of the reply to an upload that are used here."""

    sid: str
    service_sid: str | None = None


class ErrorBody(Struct, frozen=True):
    """The error that Twilio reports for a request; *message* is cut to `TEXT_LIMIT`."""

    message: str = ""
    code: int | None = None


def form(fields: Mapping[str, str], names: Mapping[str, str]) -> bytes:
    """Return *fields* as a form body; *names* maps the names of our fields to Twilio's.

    Raises KeyError for an unknown field, which the server would ignore without an error.
    """
    # A text that the server once accepted may hold half a surrogate pair, and must be sendable again.
    pairs = [f"{names[field]}={quote_plus(value, errors='surrogatepass')}" for field, value in fields.items()]
    return "&".join(pairs).encode("ascii")


@lru_cache(_PATHS)
def path(*segments: str) -> str:
    """Return `/a/b/c` with every segment percent-encoded, so that none can name another resource.

    Raises `UsageError` for a segment that no encoding makes safe: an empty one, `.` and `..`.
    """
    for segment in segments:
        if segment in ("", ".", ".."):
            raise UsageError(f"`{segment}` cannot be part of an address at Twilio")
    return "".join("/" + quote(segment, safe="", errors="surrogatepass") for segment in segments)


def decode(data: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Return the decoded value of *data*; raises `Unreadable` with the reason if it has none."""
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
    """Raise `Unreadable` if *value* is a resource without a SID: no later request could name it."""
    sid = getattr(value, "sid", None)
    if not isinstance(sid, str) or not is_plausible_sid(sid):
        raise Unreadable("it names no SID")


def check_sids(sids: list[str]) -> None:
    """Raise `Unreadable` unless all *sids* of a page are plausible: requests are made of them."""
    if not are_plausible_sids(sids):
        raise Unreadable("it lists an object that names no SID")


def error_body(data: bytes) -> ErrorBody | None:
    """Return the error in a reply, or None if it is not Twilio's JSON, such as the HTML of a proxy."""
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
    """Return *text* cut to `TEXT_LIMIT` characters, with `…` at the end if it was longer."""
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"


@lru_cache(8)
def http_moment(text: str | None) -> datetime | None:
    """Return the date of an HTTP header in UTC; None if there is no header, or it holds no date."""
    if text is None:
        return None
    try:
        if (parts := _DATE.fullmatch(text)) is not None:  # the form that servers must send (RFC 9110, 5.6.7)
            day, month, *rest = parts.groups()
            year, hour, minute, second = map(int, rest)
            return datetime(year, _MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=UTC)
        from email.utils import parsedate_to_datetime  # noqa: PLC0415 - its import takes as long as msgspec's

        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds of a `Retry-After` header, which is a number or a date; never negative.

    None if there is no header or it cannot be parsed.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    moment = http_moment(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())
