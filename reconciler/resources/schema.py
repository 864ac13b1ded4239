"""What all types of resources have in common: fields, defaults, digests and ignored paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from reconciler.model.canonical import canonical_json
from reconciler.state.digests import Digests

Digest = Digests
"""(field name, canonical text) -> digest; `State.digest`."""


Paths = tuple[tuple[str, ...], ...]
"""`ignore_changes`: whole fields, or paths inside attributes."""


class ResourceSchema(Struct, frozen=True):
    """How the fields of one type of resource behave."""

    unseen: frozenset[str]
    """Fields that no reply shows, or only where it shows that they changed."""
    immutable: frozenset[str]
    """Fields that need a new resource to change."""
    defaults: dict[str, str]
    """What the API sets where nothing was sent, and what a dropped field is set back to."""
    carried: tuple[str, ...] = ()
    """Fields that a replacement takes over from the old object where the manifest does not declare them."""

    @property
    def shown_defaults(self) -> dict[str, str]:
        """The defaults of the fields that a reply shows."""
        return {name: text for name, text in self.defaults.items() if name not in self.unseen}


def wholly_ignored(ignored: Paths) -> set[str]:
    """Return the fields that `ignore_changes` names as a whole."""
    return {path[0] for path in ignored if len(path) == 1}


def managed_part(name: str, text: str, ignored: Paths) -> str:
    """Return *text* without the attribute paths that `ignore_changes` names.

    An object without other values is removed too: `{"seen": {}}` equals `{}` where `seen.at` is ignored.
    """
    value = _inside(name, text, ignored)
    if value is None:
        return text
    for path in _within(name, ignored):
        _remove(value, path)
    return canonical_json(value)


def with_ignored_from(name: str, ours: str, theirs: str, ignored: Paths) -> str:
    """Return *ours* with the values that *theirs* has at the ignored paths."""
    value, live = _inside(name, managed_part(name, ours, ignored), ignored), _inside(name, theirs, ignored)
    if value is None or live is None:
        return ours
    for path in _within(name, ignored):
        _copy(live, value, path)
    return canonical_json(value)


def _within(name: str, ignored: Paths) -> list[tuple[str, ...]]:
    """Return the paths of *ignored* that lead into a field, without its name."""
    return [path[1:] for path in ignored if path[0] == name and len(path) > 1]


def _inside(name: str, text: str, ignored: Paths) -> dict[str, Any] | None:
    """Return *text* as a JSON object, or None if it is none or no ignored path leads into it."""
    if not _within(name, ignored):
        return None
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _remove(value: dict[str, Any], path: tuple[str, ...]) -> None:
    first, rest = path[0], path[1:]
    if not rest:
        value.pop(first, None)
    elif isinstance(child := value.get(first), dict):
        _remove(child, rest)
        if not child:
            del value[first]


def _copy(source: dict[str, Any], target: dict[str, Any], path: tuple[str, ...]) -> None:
    *parents, last = path
    for part in parents:
        child = source.get(part)
        if not isinstance(child, dict):
            return
        source = child
    if last not in source:
        return
    for part in parents:
        child = target.setdefault(part, {})
        if not isinstance(child, dict):
            return
        target = child
    target[last] = source[last]


def sent_digests(managed: Mapping[str, str], digest: Digest, *, ignored: Paths = ()) -> dict[str, str]:
    """Return the digest of what is sent in each *managed* field, but for its ignored paths."""
    return digest.of({name: managed_part(name, text, ignored) for name, text in managed.items()})


def digests(
    schema: ResourceSchema,
    managed: Mapping[str, str],
    live: Mapping[str, str],
    digest: Digest,
    *,
    ignored: Paths = (),
) -> tuple[dict[str, str], dict[str, str]]:
    """Return what a binding remembers: *sent* for each managed field, *observed* where it differs."""
    ours: dict[str, str] = {}
    theirs: dict[str, str] = {}
    for name, value in managed.items():
        ours[name] = managed_part(name, value, ignored)
        if name not in schema.unseen or name in live:
            shown = managed_part(name, live.get(name, schema.defaults.get(name, "")), ignored)
            if shown != ours[name]:
                theirs[name] = shown
    return digest.of(ours), digest.of(theirs) if theirs else {}
