"""Compare what is wanted with what exists and with what was last applied.

Three sides decide about each managed field: the manifest's value M, the live value L, and the
digests of what was last *sent* and of what the reply then showed (*observed*, the same as *sent*
unless recorded). M = L needs nothing; M = sent and L = observed needs nothing either, as the
server keeps rewriting it; only M = sent means drift; otherwise the manifest changed. Fields that
no reply shows compare M with *sent* alone. Equality is tried first; DeepDiff is asked only about
what differs, to name the paths inside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec import Struct

from reconciler.canonical import canonical_attributes, canonical_date, canonical_json
from reconciler.model import IMMUTABLE, JSON_FIELDS, MESSAGE_FIELDS, UNSEEN, Message, RemoteMessage
from reconciler.plan.actions import FieldChange, Reason
from reconciler.state.model import Binding

Digest = Callable[[str, str], str]
"""(field name, canonical text) -> digest; `State.digest`."""
Paths = tuple[tuple[str, ...], ...]
"""`ignore_changes`: whole fields, or paths inside attributes."""


class Kind(Struct, frozen=True):
    """How the fields of one type of resource behave.

    *unseen* fields are in no reply; *immutable* ones need a new resource; *defaults* are what the
    API sets where nothing was sent, and what a dropped field is set back to.
    """

    unseen: frozenset[str]
    immutable: frozenset[str]
    defaults: dict[str, str]


MESSAGE: Final = Kind(
    unseen=UNSEEN | {"media"},  # the file's digest: a reply shows that there is media, not its bytes
    immutable=IMMUTABLE,
    defaults={"author": "system", "attributes": "{}", "subject": ""},
)
CONVERSATION: Final = Kind(
    unseen=frozenset({"timers_inactive", "timers_closed", "email_address", "email_name"}),
    immutable=frozenset(),
    defaults={"attributes": "{}", "friendly_name": ""},
)
PARTICIPANT: Final = Kind(
    unseen=frozenset(),
    immutable=frozenset({"identity", "address", "proxy_address", "projected_address"}),
    defaults={"attributes": "{}"},
)


class Difference(Struct):
    """What a comparison found.

    *fields* maps each field to change to its new text; *reset* are those of them that were dropped
    from the manifest; *drifted* and *changed* say who changed what, *released* is given up as it
    is, *rewritten* keeps being changed by the server, *assumed* could not be seen. *stale* is true
    if the binding's digests no longer say what is there.
    """

    fields: dict[str, str] = {}
    reset: tuple[str, ...] = ()
    drifted: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    rewritten: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    stale: bool = False


def live_values(live: RemoteMessage) -> dict[str, str]:
    """Return the canonical texts of what a reply shows of a message."""
    values = {
        "author": live.author or "",
        "body": live.body or "",
        "attributes": canonical_attributes(live.attributes or "{}"),
        "date_created": canonical_date(live.date_created) or "",
        "date_updated": canonical_date(live.date_updated or live.date_created) or "",
    }
    if live.content_sid:
        values["content_sid"] = live.content_sid
    if live.media:
        values["media_sid"] = live.media[0].sid
    return values


def desired_values(message: Message) -> dict[str, str]:
    """Return the fields that *message* declares, with their canonical texts."""
    return {name: value for name in MESSAGE_FIELDS if (value := getattr(message, name)) is not None}


def is_unchanged(message: Message, live: RemoteMessage, binding: Binding) -> bool:
    """Return True if it is plain at first sight that nothing is to be done: the common case.

    False only means that a full comparison must decide.
    """
    if message.subject is not None or message.content_variables is not None or message.media is not None:
        return False
    for name in binding.sent:
        if getattr(message, name) is None:
            return False
    return (
        (message.body is None or message.body == live.body)
        and (message.author is None or message.author == live.author)
        and (message.attributes is None or message.attributes == live.attributes)
        and (message.date_created is None or message.date_created == live.date_created)
        and (message.date_updated is None or message.date_updated == (live.date_updated or live.date_created))
        and (message.content_sid is None or message.content_sid == live.content_sid)
        and (message.media_sid is None or (bool(live.media) and message.media_sid == live.media[0].sid))  # type: ignore[index]
    )


def compare(
    kind: Kind,
    desired: Mapping[str, str],
    live: Mapping[str, str],
    binding: Binding,
    digest: Digest,
    *,
    ignored: Paths = (),
) -> Difference:
    """Return what must change so that *live* says what *desired* says; *ignored* paths are left alone."""
    comparison = _Comparison(kind, live, binding, digest, ignored)
    whole = {path[0] for path in ignored if len(path) == 1}
    for name, value in desired.items():
        if name in whole:
            continue
        if name in kind.unseen:
            comparison.unseen(name, value)
        else:
            comparison.seen(name, value)
    for name in binding.sent:
        if name not in desired and name not in whole:
            comparison.dropped(name, desired)
    return comparison.found


@dataclass(slots=True)
class _Comparison:
    """One resource under comparison; each method decides about one field."""

    kind: Kind
    live: Mapping[str, str]
    binding: Binding
    digest: Digest
    ignored: Paths
    found: Difference = field(default_factory=Difference)

    def unseen(self, name: str, value: str) -> None:
        """Compare with what was sent, as no reply shows the field."""
        sent = self.binding.sent.get(name)
        if sent == self.digest(name, value):
            return
        if sent is None and self.binding.imported and (name != "media" or "media_sid" in self.live):
            self.found.assumed += (name,)
            self.found.stale = True
            return
        self._change(name, value)

    def seen(self, name: str, value: str) -> None:
        """Compare manifest, live and what was last applied."""
        live = self.live.get(name, self.kind.defaults.get(name, ""))
        ours, theirs = managed_part(name, value, self.ignored), managed_part(name, live, self.ignored)
        sent = self.binding.sent.get(name)
        wanted = self.digest(name, ours)
        if ours == theirs:
            self.found.stale = self.found.stale or sent != wanted or name in self.binding.observed
            return
        seen_before = self.binding.observed.get(name, sent)
        same_as_seen = seen_before is not None and self.digest(name, theirs) == seen_before
        if sent == wanted and same_as_seen:
            self.found.rewritten += (name,)
            return
        if seen_before is not None and not same_as_seen:
            self.found.drifted += (name,)
        if sent == wanted:
            self.found.fields = {
                **self.found.fields,
                name: with_ignored_from(name, value, live, self.ignored),
            }
        else:
            self._change(name, with_ignored_from(name, value, live, self.ignored))

    def dropped(self, name: str, desired: Mapping[str, str]) -> None:
        """Decide about a field that was sent once and is no longer in the manifest."""
        if name in self.kind.immutable:
            if not _same_media(name, desired, self.live):
                self._change(name, "")
                self.found.reset += (name,)
            self.found.stale = True
            return
        self.found.stale = True
        default = self.kind.defaults.get(name)
        if default is None:
            self.found.released += (name,)
            return
        value = self.live.get(name, default)
        as_observed = self.digest(name, value) == self.binding.observed.get(name, self.binding.sent[name])
        if name in self.kind.unseen or (value != default and as_observed):
            self._change(name, default)
            self.found.reset += (name,)
        elif value != default:
            self.found.released += (name,)

    def _change(self, name: str, value: str) -> None:
        self.found.fields = {**self.found.fields, name: value}
        self.found.changed += (name,)


def _same_media(name: str, desired: Mapping[str, str], live: Mapping[str, str]) -> bool:
    """Return True if only the spelling changed: `media: {file}` became the sid of what was sent."""
    return (
        name == "media"
        and desired.get("media_sid") is not None
        and desired["media_sid"] == live.get("media_sid")
    )


def reason_of(found: Difference) -> Reason:
    """Return why an update is needed: drift only if nothing changed in the manifest."""
    return Reason.CHANGED_IN_MANIFEST if found.changed else Reason.DRIFTED


def managed_part(name: str, text: str, ignored: Paths) -> str:
    """Return *text* without the attribute paths that `ignore_changes` names."""
    paths = [path[1:] for path in ignored if path[0] == name and len(path) > 1]
    if not paths:
        return text
    value = _parsed(text)
    for path in paths:
        _remove(value, path)
    return canonical_json(value)


def with_ignored_from(name: str, ours: str, theirs: str, ignored: Paths) -> str:
    """Return *ours* with the values that *theirs* has at the ignored paths."""
    paths = [path[1:] for path in ignored if path[0] == name and len(path) > 1]
    if not paths:
        return ours
    value, live = _parsed(ours), _parsed(theirs)
    for path in paths:
        _remove(value, path)
        _copy(live, value, path)
    return canonical_json(value)


def field_changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[FieldChange, ...]:
    """Return the differences between two sets of fields, sorted by path; JSON fields by what is inside."""
    from deepdiff import DeepDiff  # noqa: PLC0415  # a quarter second to import, and most plans change nothing

    tree = DeepDiff(
        {name: shown(name, text) for name, text in before.items()},
        {name: shown(name, text) for name, text in after.items()},
        view="tree",
        threshold_to_diff_deeper=0,
    )
    changes = [
        FieldChange(
            path=tuple(level.path(output_format="list")),
            before=None if kind.endswith("_added") else level.t1,
            after=None if kind.endswith("_removed") else level.t2,
        )
        for kind, levels in tree.items()
        for level in levels
    ]
    return tuple(sorted(changes, key=lambda change: [(str(type(part)), part) for part in change.path]))


def shown(name: str, text: str) -> Any:
    """Return what people are shown of a field: JSON as JSON, everything else as text."""
    if name not in JSON_FIELDS:
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _parsed(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _remove(value: Any, path: tuple[str, ...]) -> None:
    for part in path[:-1]:
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value.pop(path[-1], None)


def _copy(source: Any, target: Any, path: tuple[str, ...]) -> None:
    for part in path[:-1]:
        if not isinstance(source, dict) or not isinstance(target, dict) or part not in source:
            return
        source, target = source[part], target.setdefault(part, {})
    if isinstance(source, dict) and isinstance(target, dict) and path[-1] in source:
        target[path[-1]] = source[path[-1]]


def digests(
    kind: Kind,
    managed: Mapping[str, str],
    live: Mapping[str, str],
    digest: Digest,
    *,
    ignored: Paths = (),
) -> tuple[dict[str, str], dict[str, str]]:
    """Return what a binding remembers: *sent* for each managed field, *observed* where it differs."""
    sent: dict[str, str] = {}
    observed: dict[str, str] = {}
    for name, value in managed.items():
        ours = managed_part(name, value, ignored)
        sent[name] = digest(name, ours)
        if name not in kind.unseen:
            theirs = managed_part(name, live.get(name, kind.defaults.get(name, "")), ignored)
            if theirs != ours:
                observed[name] = digest(name, theirs)
    return sent, observed
