"""Decide how much of a message's text a report shows, and in which form.

`--bodies` is applied here and nowhere else: every format asks this module for the values it shows.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from reconciler.model import JSON_FIELDS, MediaFile
from reconciler.model.sids import fill_placeholders
from reconciler.plans.actions import KNOWN_AFTER, SENSITIVE, Action, FieldChange
from reconciler.state.digests import field_digest

SHORT: Final = 200
"""A text of more characters is cut under `Bodies.SHORT`."""


_CONTEXT: Final = 40
"""Characters in common that are kept on each side of a difference."""


_SHORT_DIGEST: Final = 12


_PLAIN: Final = frozenset(
    {
        "content_sid",
        "date_created",
        "date_updated",
        "media",
        "media_sid",
        "messaging_service_sid",
        "role_sid",
        "state",
        "timers_closed",
        "timers_inactive",
        "unique_name",
    }
)
"""Fields without text of people. All other fields, known or not, are subject to `--bodies`."""


class Bodies(StrEnum):
    """How much of bodies, authors, attributes, subjects and names is shown."""

    FULL = "full"
    SHORT = "short"
    """Long texts are cut in the middle."""
    HASH = "hash"
    """A digest under a key of this run alone: equal texts can be recognized, and none can be read."""
    NONE = "none"


def shown(name: str, value: Any, bodies: Bodies, salt: str) -> Any:
    """Return the part of *value*, of the field *name*, that may be shown.

    UNSET (absent) stays UNSET. *salt* is the key of all digests in one report; without it, `hash` hides all.
    """
    if value is UNSET or name in _PLAIN:
        return value
    if bodies is Bodies.NONE or (bodies is Bodies.HASH and not salt):
        return "(hidden)"
    if bodies is Bodies.HASH:
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        return "hash:" + field_digest(salt, name, text)[:_SHORT_DIGEST]
    if bodies is Bodies.SHORT:
        return _shortened(value)
    return value


def cut(text: str, limit: int = SHORT) -> str:
    """Return *text*, or its ends and its length if it has more than *limit* characters."""
    if len(text) <= limit:
        return text
    half = limit // 2 - _CONTEXT // 2
    return f"{text[:half]} … ({len(text):,} characters) … {text[-half:]}"


def narrowed(before: str, after: str, limit: int = SHORT) -> tuple[str, str]:
    """Return two texts without most of their common parts, if either has more than *limit* characters.

    Cutting each by itself could cut away the difference.
    """
    if max(len(before), len(after)) <= limit:
        return before, after
    head = _shared(before, after)
    rest = min(len(before), len(after)) - head
    tail = min(_shared(before[::-1], after[::-1]), rest)
    start = max(0, head - _CONTEXT)
    end = max(0, tail - _CONTEXT)
    opening = f"… ({start:,} characters) … " if start else ""
    closing = f" … ({end:,} characters) …" if end else ""
    middle = slice(start, -end if end else None)
    return opening + before[middle] + closing, opening + after[middle] + closing


def _shared(left: str, right: str) -> int:
    """Return the length of the common beginning of two texts."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(left), len(right)))


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, dict):
        return {cut(key): _shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return value


def parsed(name: str, text: str) -> Any:
    """Return the value of a field's canonical *text*: parsed where the field is JSON.

    Live attributes can be text that is no JSON; they stay text.
    """
    if name not in JSON_FIELDS:
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text


def fields(action: Action, texts: Mapping[str, str], bodies: Bodies, salt: str) -> dict[str, Any]:
    """Return the shown value of each field in *texts*, which is `before` or `after` of *action*."""
    if action.awaits:
        texts = {name: fill_placeholders(text, lambda _: KNOWN_AFTER) for name, text in texts.items()}
    return shown_fields(texts, bodies, salt, sensitive=action.sensitive, file=action.file)


def shown_fields(
    texts: Mapping[str, str], bodies: Bodies, salt: str, *, sensitive: Collection[str], file: MediaFile | None
) -> dict[str, Any]:
    """Return the shown value of each field in *texts*; *file* is the media file, if there is one."""
    if bodies is Bodies.FULL and not sensitive and "media" not in texts:  # a whole plan has millions
        values: dict[str, Any] = {**texts}
        for name in JSON_FIELDS:
            if name in values:
                values[name] = parsed(name, texts[name])
        return values
    return {name: _shown(name, text, bodies, salt, sensitive, file) for name, text in texts.items()}


def _shown(
    name: str, text: str, bodies: Bodies, salt: str, sensitive: Collection[str], file: MediaFile | None
) -> Any:
    if name in sensitive:
        return SENSITIVE
    if name == "media":
        return _media(file, text)
    # A digest is made from the text, which is canonical.
    return shown(name, text if bodies is Bodies.HASH else parsed(name, text), bodies, salt)


def changes(action: Action, bodies: Bodies, salt: str) -> Iterator[FieldChange]:
    """Yield the changes of *action* as they may be shown.

    Under `hash` and `none`, and for sensitive attributes, a change inside of attributes is shown as a change
    of the whole field, since the names inside are text of people too.
    """
    whole: set[str] = set()
    for change in action.changes:
        name = str(change.path[0])
        if name in action.sensitive:
            if name not in whole:
                whole.add(name)
                yield FieldChange((name,), SENSITIVE, SENSITIVE)
        elif name == "media":
            yield FieldChange(
                change.path, _media(action.file, change.before), _media(action.file, change.after)
            )
        elif len(change.path) > 1 and bodies in {Bodies.HASH, Bodies.NONE}:
            if name not in whole:
                whole.add(name)
                before, after = action.before.get(name, UNSET), action.after.get(name, UNSET)
                yield FieldChange(
                    (name,), shown(name, before, bodies, salt), shown(name, after, bodies, salt)
                )
        else:
            old, new = change.before, change.after
            if bodies is Bodies.SHORT and isinstance(old, str) and isinstance(new, str):
                old, new = narrowed(old, new)
            yield FieldChange(change.path, shown(name, old, bodies, salt), shown(name, new, bodies, salt))


def _media(file: MediaFile | None, digest: Any) -> str | UnsetType:
    if not isinstance(digest, str):
        return UNSET
    short = f"sha256:{digest[:_SHORT_DIGEST]}"
    if file is not None and file.sha256 == digest:
        return f"{file.filename} ({short})"
    return short
