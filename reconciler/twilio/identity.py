"""Check that a reply is about the object that was asked for: no other is ever bound or compared.

Nothing here does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Final
from urllib.parse import unquote

from msgspec import Struct

from reconciler.twilio.wire import Unreadable

_SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}", re.IGNORECASE)
_PARENTS: Final = {
    "chat_service_sid": "Services",
    "service_sid": "Services",  # in replies to uploads
    "conversation_sid": "Conversations",
}
"""Fields that name the parents of an object -> the segment before the same sid in a path."""
_PATHS: Final = 1024
"""Paths that are kept as they were read: one conversation is asked for again and again."""


def check_object(path: str, value: object) -> None:
    """Raise `Unreadable` if *value* is another object than *path* names, or has another parent.

    The path of a collection, as in a create, names parents only.
    """
    check_parents(path, [value])
    asked = _read(path).asked
    if not asked or not hasattr(value, "sid"):
        return
    names = [value.sid]
    if not _SID.fullmatch(asked):
        names.append(getattr(value, "unique_name", None) or "")
    if asked.lower() not in (name.lower() for name in names):
        raise Unreadable(f"it is about `{value.sid}`, and `{asked}` was asked for")


def check_parents(path: str, values: Collection[object]) -> None:
    """Raise `Unreadable` if one of *values*, all of one type, has another parent than *path* names."""
    one = next(iter(values), None)
    for field, sid in _read(path).parents.items():
        if hasattr(one, field):
            for shown in dict.fromkeys(map(attrgetter(field), values)):  # one, unless something is wrong
                if shown is not None and shown != sid and shown.lower() != sid.lower():
                    raise Unreadable(f"its `{field}` is `{shown}`, and `{sid}` was asked for")


class _Path(Struct, frozen=True):
    """What a path names."""

    parents: Mapping[str, str]
    """The sids of parents by the field that names them in a reply."""
    asked: str
    """The object itself; empty for a collection."""


@lru_cache(_PATHS)
def _read(path: str) -> _Path:
    words = [unquote(word) for word in path.split("/")[1:]]
    asked = dict(zip(words[0::2], words[1::2], strict=False))
    parents = {field: sid for field, word in _PARENTS.items() if _SID.fullmatch(sid := asked.get(word, ""))}
    return _Path(parents, "" if len(words) % 2 else words[-1])
