"""The handlers of media, which Twilio serves from a host of its own."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from reconciler.emulator import wire
from reconciler.emulator.call import Call
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.media_links import link
from reconciler.emulator.records import Media
from reconciler.emulator.replies import created, encode, ok
from reconciler.emulator.wire import Reply


class _Wanted(msgspec.Struct):
    media_sid: str


class _Set(msgspec.Struct):
    command: Literal["get"]
    wanted: list[_Wanted] = msgspec.field(name="list")


def _show(call: Call, media: Media) -> dict[str, Any]:
    shown = wire.media(call.origin, media)
    if media.message_sid is not None:
        shown["links"]["content_direct_temporary"] = link(call.origin, call.store, media)
    return shown


def upload_media(call: Call) -> Reply:
    """Keep the raw bytes of a request as a file."""
    content_type = call.content_type or "application/octet-stream"
    media = call.store.media.upload(
        call.names["service"], call.body, content_type, call.query.get("Filename")
    )
    return created(_show(call, media))


def fetch_media(call: Call) -> Reply:
    """Return the record of a file."""
    return ok(_show(call, call.store.media.get(call.names["service"], call.names["media"])))


def fetch_media_content(call: Call) -> Reply:
    """Return the bytes of a file."""
    media = call.store.media.get(call.names["service"], call.names["media"])
    return Reply(200, call.store.media.content(media.service_sid, media.sid), media.content_type)


def fetch_media_set(call: Call) -> Reply:
    """Return the records of several files."""
    try:
        wanted = msgspec.json.decode(call.body.read(), type=_Set).wanted
    except (msgspec.DecodeError, RecursionError):
        raise ApiError(20001, "Invalid parameter: the body must be a list of media to get") from None
    return Reply(200, encode([_one_of_set(call, one.media_sid) for one in wanted]))


def _one_of_set(call: Call, sid: str) -> dict[str, Any]:
    try:
        return {"code": 200, "media_record": _show(call, call.store.media.get(call.names["service"], sid))}
    except NotFound:
        return {"code": 404, "media_record": {"sid": sid}}
