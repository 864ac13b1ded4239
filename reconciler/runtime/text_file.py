"""Decode text files of the user: manifests, values, data, exports, saved plans and states to be pushed."""

from __future__ import annotations

import codecs
import re
from typing import Final

_MARKED: Final = (
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),  # begins like the mark of UTF-16, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
"""Byte order marks, each with the codec that drops it and decodes the rest, and with the codec's name."""
_FOREIGN_MARKS: Final = tuple(mark for mark, _, _ in _MARKED)
_LOOKED_AT: Final = 64
"""Bytes that are searched for UTF-16 without a mark: in Latin text, every second byte is zero."""
_CUT: Final = ("truncated data", "unexpected end of data", "unexpected end of surrogate pair data")
"""Reasons that codecs give for a text that ends too early."""
_BREAK: Final = "\r\n|\r|\n"


class NotText(ValueError):
    """Bytes that are not valid in their encoding; *text* is an error that continues the name of the file.

    *line* and *column*, both from 1, are the place of the first invalid byte. *start* is the text of that
    line before it.
    """

    hint: Final = "save it as UTF-8"

    def __init__(self, text: str, before: str = "", start: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.line, self.column = place_in(before, len(before))
        self.start = start


def decoded(data: bytes) -> str:
    """Return the text of *data*, in the encoding that the byte order mark names; without a mark, UTF-8.

    Raises NotText for bytes that are invalid in that encoding, and for UTF-16 without a mark.
    """
    codec, name = next(
        ((codec, name) for mark, codec, name in _MARKED if data.startswith(mark)), ("utf-8-sig", "UTF-8")
    )
    if name == "UTF-8" and _is_bare_utf_16(data):
        raise NotText("is UTF-16 without a byte order mark")
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        # in UTF-8 with a mark, the error has its own copy of the bytes, without the mark
        good, bad = error.object[: error.start], error.object[error.start :]
        before = good.decode(codec, "replace")
        rest = bad[:200].decode("ascii", "backslashreplace") if name == "UTF-8" else ""
        line = lines_of(before)[-1] + lines_of(rest)[0]
        is_cut = error.end == len(error.object) and error.reason in _CUT
        what = "it ends inside a character" if is_cut else f"it holds the byte 0x{bad[0]:02x}"
        raise NotText(f"is not {name}: {what}", before, line) from error


def as_utf8(data: bytes) -> bytes:
    """Return *data* in UTF-8, converted if a byte order mark names another encoding; raises NotText."""
    return decoded(data).encode() if data.startswith(_FOREIGN_MARKS) else data


def without_mark(data: bytes) -> bytes:
    """Return *data* in UTF-8 without a byte order mark: as it is if it has none; raises NotText."""
    return decoded(data).encode() if data.startswith((codecs.BOM_UTF8, *_FOREIGN_MARKS)) else data


def encoding_of(data: bytes) -> str | None:
    """Return how *data* is encoded, as a phrase; None if it has no byte order mark and looks like UTF-8."""
    if data.startswith(codecs.BOM_UTF8):
        return "UTF-8 with a byte order mark"
    bare = "UTF-16 without a byte order mark" if _is_bare_utf_16(data) else None
    return next((name for mark, _, name in _MARKED if data.startswith(mark)), bare)


def lines_of(text: str) -> list[str]:
    """Return the lines of *text* as editors count them; `splitlines` would split at more characters."""
    return re.split(_BREAK, text)


def place_in(text: str, offset: int) -> tuple[int, int]:
    """Return the line and the column, both from 1, of the character at *offset* of *text*."""
    lines = lines_of(text[:offset])
    return len(lines), len(lines[-1]) + 1


def _is_bare_utf_16(data: bytes) -> bool:
    start = data[:_LOOKED_AT]
    if len(start) < 2 or len(data) % 2:  # noqa: PLR2004 - bytes of one character
        return False
    zeros = (start[::2].count(0), start[1::2].count(0))
    return max(zeros) * 4 >= len(start) and max(zeros) > 4 * min(zeros)
