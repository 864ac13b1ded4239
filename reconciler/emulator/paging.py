"""Cut lists into pages as Twilio does: `meta`, urls, opaque tokens."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from reconciler.emulator.database import Page, Start
from reconciler.emulator.decisions import DEFAULT_PAGE
from reconciler.emulator.errors import ApiError
from reconciler.emulator.fields import Fields

_PAGING: Final = ("PageSize", "Page", "PageToken")
_INTEGER: Final = re.compile(r"\d{1,10}", re.ASCII)
_encode: Final = msgspec.json.Encoder().encode


class _Token(msgspec.Struct, array_like=True):
    key: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | str | None
    backward: bool


class Trouble(NamedTuple):
    """The scripted faults of a reply to a read."""

    repeating: bool = False
    """`next_page_url` leads to the same page."""
    endless: bool = False
    """Every page has a `next_page_url`."""
    hidden_seconds: float = 0
    """Seconds of age below which messages are missing from lists."""
    stale_seconds: float = 0
    """Seconds that the answering replica is behind."""


class Cut(NamedTuple):
    """The requested page of a list: its size, its number from 0, and its start."""

    size: int
    number: int
    start: Start


def cut(query: Fields, *, maximum: int, refuse: bool) -> Cut:
    """Read `PageSize`, `Page` and `PageToken`."""
    size = _integer(query, "PageSize", DEFAULT_PAGE, least=1)
    if size > maximum and refuse:
        raise ApiError(20001, f"Invalid parameter: PageSize must be at most {maximum}")
    number = _integer(query, "Page", 0, least=0)
    token = query.get("PageToken")
    if token is None:
        if number:
            raise ApiError(70002, "Paged requests must include a PageToken")
        return Cut(min(size, maximum), 0, Start())
    return Cut(min(size, maximum), number, _read_token(token))


def _integer(query: Fields, name: str, default: int, *, least: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if _INTEGER.fullmatch(text) is None or int(text) < least:
        raise ApiError(20001, f"Invalid parameter: {name}")
    return int(text)


def _write_token(key: int | str | None, *, backward: bool) -> str:
    text = base64.urlsafe_b64encode(_encode(_Token(key, backward))).decode().rstrip("=")
    return ("PB" if backward else "PT") + text


def _read_token(token: str) -> Start:
    try:
        text = token[2:] + "=" * (-len(token[2:]) % 4)
        read = msgspec.json.decode(base64.b64decode(text, altchars=b"-_", validate=True), type=_Token)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise ApiError(20001, "Invalid parameter: PageToken") from None
    return Start(read.key, read.backward)


def body(
    name: str,
    page: Page,
    place: Cut,
    *,
    url: str,
    query: Fields,
    encode: Callable[[list[tuple[Any, ...]]], bytes],
    trouble: Trouble,
) -> bytes:
    """Return a page as JSON: *name* is the key of the records, *encode* joins them with commas."""
    filters = {parameter: value for parameter, value in query.items() if parameter not in _PAGING}

    def link(number: int, token: str | None = None) -> str:
        parameters = filters | {"PageSize": str(place.size), "Page": str(number)}
        if token is not None:
            parameters["PageToken"] = token
        return f"{url}?{urlencode(parameters)}"

    here = link(place.number, query.get("PageToken"))
    following = previous = None
    if page.rows and page.more:
        following = link(place.number + 1, _write_token(page.rows[-1][0], backward=False))
    if page.rows and place.number:
        previous = link(place.number - 1, _write_token(page.rows[0][0], backward=True))
    if trouble.endless and following is None:
        following = link(place.number + 1, _write_token(None, backward=False))
    if trouble.repeating:
        following = here
    meta = {
        "page": place.number,
        "page_size": place.size,
        "first_page_url": link(0),
        "previous_page_url": previous,
        "url": here,
        "next_page_url": following,
        "key": name,
    }
    return b'{"meta":%b,"%b":[%b]}' % (_encode(meta), name.encode(), encode(page.rows))
