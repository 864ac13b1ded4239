"""Read the body of a reply, unpacked, with a limit on its size: a server must not exhaust our memory."""

from __future__ import annotations

import zlib
from typing import Final

from reconciler.twilio.network import Reply
from reconciler.twilio.wire import Unreadable

MOST_BYTES: Final = 32 * 1024 * 1024
"""The most decoded bytes of a reply: a page of 1,000 messages with 32 KB of text each."""
ENCODING: Final = "gzip"
"""The only encoding that is asked for: zlib can limit how far it unpacks."""

_GZIP: Final = frozenset({"gzip", "x-gzip"})
_GZIP_WINDOW: Final = 31  # zlib's number for the largest window with a gzip header


async def read(reply: Reply, most: int = MOST_BYTES) -> bytes:
    """Return the decoded body of *reply*, of which nothing has been read.

    Raises `Unreadable` for more than *most* bytes, for an encoding that was not asked for, and for a broken
    one.
    """
    encoding = reply.headers.get("content-encoding", "").strip().lower()
    if encoding not in {"", "identity", *_GZIP}:
        raise Unreadable("it is encoded in a way that was not asked for")
    packed = encoding in _GZIP
    unpacker = zlib.decompressobj(_GZIP_WINDOW) if packed else None
    pieces: list[bytes | memoryview] = []
    size = 0
    begun = False
    while (chunk := await reply.chunk()) is not None:
        begun = begun or bool(chunk)
        try:
            piece = unpacker.decompress(chunk, most + 1 - size) if unpacker else chunk
        except zlib.error as error:
            raise Unreadable("it is no gzip") from error
        pieces.append(piece)
        size += len(piece)
        if size > most:
            raise Unreadable(f"it holds more than {most // 1024 // 1024} MiB")
    if unpacker and begun and not unpacker.eof:
        raise Unreadable("its gzip ends too early")
    return b"".join(pieces)
