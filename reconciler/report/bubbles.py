"""An action on a message, or a message without one, as a bubble of a chat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from reconciler.chat.layout import changed_words
from reconciler.chat.page import LARGEST_PICTURE, picture
from reconciler.chat.values import Bubble, Field, Mark, Media, Words
from reconciler.model import MediaFile, RemoteMedia, RemoteMessage
from reconciler.plans.actions import POSTING, SENSITIVE, Action, FieldChange, Reason, Verb
from reconciler.plans.outcome import Result, Status
from reconciler.report import action_text, disclosure
from reconciler.report.disclosure import Bodies
from reconciler.resources.message import live_values
from reconciler.text import inert

MARKS: Final = {
    Verb.CREATE: Mark.ADDED,
    Verb.UPDATE: Mark.CHANGED,
    Verb.REPLACE: Mark.REPOSTED,
    Verb.DELETE: Mark.DELETED,
    Verb.ADOPT: Mark.NOTED,
    Verb.MOVE: Mark.NOTED,
    Verb.FORGET: Mark.NOTED,
    Verb.NO_OP: Mark.SAME,
}
_DONE: Final = {
    Verb.CREATE: "was created",
    Verb.UPDATE: "was updated in-place",
    Verb.REPLACE: "was replaced",
    Verb.DELETE: "was destroyed",
    Verb.ADOPT: "was imported",
    Verb.FORGET: "is no longer managed",
}
_NOT_DONE: Final = {
    Status.FAILED: "failed",
    Status.UNKNOWN: "may or may not have happened",
    Status.NOT_REACHED: "was not reached",
}
_ELSEWHERE: Final = frozenset({"author", "body", "date_created", "date_updated", "media", "media_sid"})
"""Fields that a bubble shows in places of their own, or not at all."""
_NOTHING: Final = frozenset({"", "{}"})
_NOT_KEPT: Final = "(not kept)"
"""Shown for a value of which the state has only the digest."""
_KIB: Final = 1024


class Show(Struct, frozen=True):
    """How much is shown, and what is known besides the plan."""

    bodies: Bodies = Bodies.FULL
    """The value of `--bodies`."""
    salt: str = ""
    """The key of the digests that stand in the place of texts."""
    read: Callable[[MediaFile], bytes | None] | None = None
    """Returns the content of a file of the manifests; None if it is not what it was."""
    results: Mapping[str, Result] = {}
    """What became of each action, by address, once they were carried out."""
    drift: bool = False
    """Whether actions are what others did, and not what is to be done."""

    @property
    def is_open(self) -> bool:
        """Whether texts of people may be read."""
        return self.bodies in {Bodies.FULL, Bodies.SHORT}


def unchanged(address: str, live: RemoteMessage, sensitive: tuple[str, ...]) -> Action:
    """Return the action that does nothing to a live message."""
    values = live_values(live)
    return Action(
        address,
        Verb.NO_OP,
        Reason.IDENTICAL_EXISTS,
        live.sid,
        before=values,
        after=values,
        sensitive=sensitive,
    )


def bubble(
    action: Action, show: Show, *, file: MediaFile | None = None, live: RemoteMessage | None = None
) -> Bubble:
    """Return a message as it will be, with what changes marked; a deleted one as it is.

    *file* is the file that the manifest gives an unchanged message, *live* the message as it was read.
    """
    base = live_values(live) if live is not None and action.verb not in POSTING else {}
    gone = action.verb is Verb.DELETE
    texts = {**base, **(action.before if gone or not action.after else {**action.before, **action.after})}
    shown = disclosure.fields(action, texts, show.bodies, show.salt)
    changes = [] if gone or action.verb is Verb.CREATE else list(changes_of(action, show))
    before, body = _body(shown.get("body"), changes)
    return Bubble(
        author=str(shown.get("author") or "system"),
        instant=texts.get("date_created", "") if "date_created" not in action.sensitive else "",
        body=body,
        before=before,
        fields=tuple(_fields(action, shown, changes, texts)),
        media=tuple(_media(action, show, file or action.file, live)),
        name=action.address.rpartition("/")[2],
        mark=MARKS[action.verb],
        sign=action_text.SIGNS[action.verb],
        status=status(action, show),
        why="" if action.verb is Verb.NO_OP or show.drift else action_text.why(action),
    )


def left_behind(action: Action, show: Show, live: RemoteMessage | None) -> Bubble:
    """Return the old message of a replacement."""
    old = msgspec.structs.replace(action, verb=Verb.DELETE, changes=(), file=None)
    return msgspec.structs.replace(
        bubble(old, show, live=live), why="a new message takes its place, at the end of the conversation"
    )


def status(action: Action, show: Show) -> str:
    """Return what happens to the object of an action, or what became of that; empty for nothing."""
    if action.verb is Verb.NO_OP:
        return ""
    if show.drift:
        return "has been deleted" if action.verb is Verb.DELETE else "has changed"
    result = show.results.get(action.address)
    if result is None:
        return action_text.phrase(action)
    if result.status is Status.DONE:
        return _DONE.get(action.verb) or action_text.phrase(action)
    return ": ".join(filter(None, (f"{action.verb} {_NOT_DONE[result.status]}", result.text)))


def change_field(action: Action, change: FieldChange) -> Field:
    """Return one change of a field."""
    notes = []
    if change.path[0] in action.reset:
        notes.append("not in the manifest")
    if change.path[0] in action.replace_paths:
        notes.append("forces replacement")
    name = action_text.dotted(change.path) + (f" ({', '.join(notes)})" if notes else "")
    before, after = change.before, change.after
    if isinstance(before, str) and isinstance(after, str) and inert.differ_in_blanks_only(before, after):
        before, after = inert.with_visible_blanks(before), inert.with_visible_blanks(after)
    if after is UNSET:
        return Field(name, _value(before), mark=Mark.DELETED)
    if before is UNSET:
        return Field(name, _value(after), mark=Mark.ADDED)
    return Field(name, _value(after), _value(before), Mark.CHANGED)


def changes_of(action: Action, show: Show) -> Iterator[FieldChange]:
    """Yield the changes of an action as they may be shown; of drift, the state may have kept only digests."""
    for change in disclosure.changes(action, show.bodies, show.salt):
        unkept = show.drift and change.path[0] not in action.before and change.after is not UNSET
        yield FieldChange(change.path, _NOT_KEPT, change.after) if unkept else change


def _body(text: Any, changes: list[FieldChange]) -> tuple[tuple[Words, ...], tuple[Words, ...]]:
    """Return the text before a change of it, and the text."""
    for change in changes:
        before, after = change.before, change.after
        if change.path == ("body",) and isinstance(before, str) and isinstance(after, str):
            if inert.differ_in_blanks_only(before, after):
                before, after = inert.with_visible_blanks(before), inert.with_visible_blanks(after)
            return changed_words(before, after)
    return (), (Words(str(text)),) if text else ()


def _fields(
    action: Action, shown: Mapping[str, Any], changes: list[FieldChange], texts: Mapping[str, str]
) -> Iterator[Field]:
    """Yield the changes of fields, and the other fields whose *texts* are not the default."""
    changed = {str(change.path[0]) for change in changes}
    for change in changes:
        if change.path[0] != "body" or change.before is UNSET or change.after is UNSET:
            yield change_field(action, change)
    for name, value in shown.items():
        if name not in _ELSEWHERE and name not in changed and texts[name] not in _NOTHING:
            yield Field(name, _value(value))


def _media(action: Action, show: Show, file: MediaFile | None, live: RemoteMessage | None) -> Iterator[Media]:
    if "media" in action.sensitive:
        yield Media(SENSITIVE)
    elif file is not None:
        yield Media(file.filename, _kind(file.content_type, file.size), _picture(file, show))
    elif live is not None and action.verb is not Verb.REPLACE:
        for one in live.media or ():
            yield media(one, show)


def media(one: RemoteMedia, show: Show) -> Media:
    """Return a live file, which is only named."""
    name = disclosure.shown("filename", one.filename, show.bodies, show.salt) if one.filename else one.sid
    return Media(str(name), _kind(one.content_type, one.size))


def _kind(content_type: str | None, size: int | None) -> str:
    length = "" if size is None else f"{size:,} bytes" if size < _KIB else f"{size / _KIB:,.0f} KiB"
    return ", ".join(filter(None, (content_type, length)))


def _picture(file: MediaFile, show: Show) -> str:
    if show.read is None or not show.is_open or file.size > LARGEST_PICTURE:
        return ""
    data = show.read(file)
    return picture(file.content_type, data) if data is not None else ""


def _value(value: Any) -> str:
    return value if isinstance(value, str) else action_text.inline(value)
