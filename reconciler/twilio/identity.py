"""Check that a reply is about the object that was asked for: no other is ever bound or compared.

Nothing here does I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from reconciler.twilio.wire import Unreadable

_SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}", re.IGNORECASE)
_PARENTS: Final = {
    "chat_service_sid": "Services",
    "service_sid": "Services",  # in replies to uploads
    "conversation_sid": "Conversations",
}
"""Fields that name the parents of an object -> the segment before the same sid in a path."""


def check_object(path: str, value: object) -> None:
    """Raise `Unreadable` if *value* is another object than *path* names, or has another parent.

    The path of a collection, as in a create, names parents only.
    """
    check_parents(path, [value])
    words = _words(path)
    if len(words) % 2 or not hasattr(value, "sid"):
        return
    asked, names = words[-1], [value.sid]
    if not _SID.fullmatch(asked):
        names.append(getattr(value, "unique_name", None) or "")
    if asked.lower() not in (name.lower() for name in names):
        raise Unreadable(f"it is about `{value.sid}`, and `{asked}` was asked for")


def check_parents(path: str, values: Iterable[object]) -> None:
    """Raise `Unreadable` if one of *values*, all of one type, has another parent than *path* names."""
    words = _words(path)
    asked = dict(zip(words[0::2], words[1::2], strict=False))
    wanted = {field: sid for field, word in _PARENTS.items() if _SID.fullmatch(sid := asked.get(word, ""))}
    fields: dict[str, str] | None = None
    for value in values:
        if fields is None:
            fields = {field: sid for field, sid in wanted.items() if hasattr(value, field)}
        for field, sid in fields.items():
            shown = getattr(value, field)
            if shown is not None and shown != sid and shown.lower() != sid.lower():
                raise Unreadable(f"its `{field}` is `{shown}`, and `{sid}` was asked for")


def _words(path: str) -> list[str]:
    return [unquote(word) for word in path.split("/")[1:]]
