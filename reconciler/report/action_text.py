"""One action as lines of text: the header, why, and the fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from reconciler.model import UNSEEN
from reconciler.plans.actions import KNOWN_AFTER, SENSITIVE, Action, FieldChange, Reason, Verb
from reconciler.report import disclosure as values
from reconciler.report.disclosure import Bodies
from reconciler.text import inert

SIGNS: Final = {
    Verb.CREATE: "+",
    Verb.UPDATE: "~",
    Verb.REPLACE: "-/+",
    Verb.DELETE: "-",
    Verb.FORGET: ".",
    Verb.ADOPT: "",
    Verb.MOVE: "",
    Verb.NO_OP: "",
}


_PHRASES: Final = {
    Verb.CREATE: "will be created",
    Verb.UPDATE: "will be updated in-place",
    Verb.REPLACE: "must be replaced",
    Verb.DELETE: "will be destroyed",
    Verb.FORGET: "will no longer be managed, but will not be destroyed",
    Verb.ADOPT: "will be imported",
    Verb.NO_OP: "stays as it is",
}


_REASONS: Final = {
    Reason.NOT_IN_STATE: "nothing is bound to this address yet",
    Reason.MISSING_REMOTELY: "what it was bound to no longer exists",
    Reason.CHANGED_IN_MANIFEST: "the manifest changed since the last apply",
    Reason.DRIFTED: "changed remotely since the last apply",
    Reason.IMMUTABLE_FIELD: "Twilio cannot update what changes",
    Reason.ORDER: "it stands elsewhere in the manifest, and a message only ever comes last",
    Reason.REMOVED_FROM_MANIFEST: "no longer in the manifest",
    Reason.UNMANAGED: "no key names it, and `unmanaged: delete` is set",
    Reason.IDENTICAL_EXISTS: "a message that equals it is there already",
    Reason.RENAMED: "the same under another address",
    Reason.REQUESTED: "everything that is managed is to go",
    Reason.SUPERSEDED: "it was replaced earlier and is still there",
    Reason.SETTLED: "an earlier run created it, and the reply was lost",
}


_REQUESTED_BY: Final = {
    Verb.ADOPT: "an `import:` block names it",
    Verb.REPLACE: "`--replace` or `--reset` asks for it",
}
"""The meaning of the reason `requested`, except for a destroy."""


_CONTEXT: Final = 2
"""Unchanged lines that are shown around a changed one."""


def header(action: Action) -> str:
    """Return the header of an action, in Terraform's words, without the leading `#`."""
    if action.verb is Verb.MOVE:
        return f"{inert.escape(str(action.previous_address))} has moved to {inert.escape(action.address)}"
    return f"{inert.escape(action.address)} {phrase(action)}"


def phrase(action: Action) -> str:
    """Return what happens to the object of an action, as the end of a sentence that it begins."""
    if action.verb is Verb.MOVE:
        return f"has moved from {inert.escape(str(action.previous_address))}"
    also = "will be imported, and " if action.importing and action.verb is not Verb.ADOPT else ""
    return f"{also}{_PHRASES[action.verb]}"


def in_common(actions: Sequence[Action]) -> str | None:
    """Return header and reason for all *actions* at once, if they are the same for each."""
    texts = {(action.verb, why(action)) for action in actions}
    verb, reason = next(iter(texts))
    return f"each {_PHRASES[verb]} {reason}" if len(texts) == 1 and verb in _PHRASES else None


def why(action: Action) -> str:
    """Return the reason: its code, which is stable for scripts, and its meaning."""
    meaning = _REASONS[action.reason]
    if action.reason is Reason.REQUESTED:
        meaning = _REQUESTED_BY.get(action.verb, meaning)
    if action.with_parent:
        meaning += "; it goes with its conversation"
    if action.previous_address is not None and action.verb is not Verb.MOVE:
        meaning += f"; moved from {inert.escape(action.previous_address)}"
    return f"({action.reason}: {meaning})"


def body(action: Action, bodies: Bodies, salt: str) -> Iterator[tuple[str, str]]:
    """Yield sign and text of each line inside of the action's block."""
    if action.verb is Verb.REPLACE:
        yield "~", f"sid: {inert.quoted(action.sid or '')} -> {KNOWN_AFTER}"
    elif action.sid is not None:
        yield "", f"sid: {inert.quoted(action.sid)}"
    if action.webhooks and action.verb in {Verb.CREATE, Verb.UPDATE, Verb.REPLACE}:
        yield "", "# webhooks are on: Twilio calls the service's webhooks for this"
    if action.verb is Verb.CREATE:
        yield from _all("+", action, action.after, bodies, salt)
    elif action.verb is Verb.DELETE:
        yield from _all("-", action, action.before, bodies, salt)
    else:
        for change in values.changes(action, bodies, salt):
            yield from changed(action, change)
        hidden = len((action.after or action.before).keys() - {change.path[0] for change in action.changes})
        if hidden:
            yield "", f"# ({hidden} unchanged field{'s' if hidden > 1 else ''} hidden)"


def _all(
    sign: str, action: Action, texts: Mapping[str, str], bodies: Bodies, salt: str
) -> Iterator[tuple[str, str]]:
    for name, value in values.fields(action, texts, bodies, salt).items():
        if name in action.sensitive:
            yield sign, f"{name}: {SENSITIVE}"
        else:
            yield from _one_sided(sign, name, value)


def changed(action: Action, change: FieldChange) -> Iterator[tuple[str, str]]:
    """Yield sign and text of each line that shows *change*."""
    name = str(change.path[0])
    if name in action.sensitive:
        yield "~", f"{name}: {SENSITIVE} -> {SENSITIVE}"
        return
    notes = []
    if name in action.reset:
        notes.append("not in the manifest")
    if name in action.replace_paths:
        notes.append("forces replacement")
    path, before, after = dotted(change.path), change.before, change.after
    if before is UNSET and name not in UNSEEN:
        yield from _one_sided("+", path, after, notes)
    elif after is UNSET:
        yield from _one_sided("-", path, before, notes)
    elif isinstance(before, str) and isinstance(after, str):
        yield from _changed_text(path, before, after, notes)
    else:
        old = "(cannot be read)" if before is UNSET else inline(before)
        yield "~", f"{path}: {old} -> {inline(after)}{_comment(notes)}"


def _one_sided(sign: str, path: str, value: Any, notes: list[str] | None = None) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and "\n" in value:
        yield sign, f"{path}:{_comment(notes)}"
        for line in inert.lines(value):
            yield "", f"    {line}"
    else:
        yield sign, f"{path}: {inline(value)}{_comment(notes)}"


def _changed_text(path: str, before: str, after: str, notes: list[str]) -> Iterator[tuple[str, str]]:
    if inert.differ_in_blanks_only(before, after):
        notes = ["white space only", *notes]
        before, after = inert.with_visible_blanks(before), inert.with_visible_blanks(after)
    if "\n" not in before and "\n" not in after:
        yield "~", f"{path}: {inline(before)} -> {inline(after)}{_comment(notes)}"
        return
    yield "~", f"{path}:{_comment(notes)}"
    yield from _text_diff(before.split("\n"), after.split("\n"))


def _text_diff(before: list[str], after: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the changed lines with some around them; each with its sign before `| `."""
    from difflib import SequenceMatcher  # noqa: PLC0415 - only changes of long texts need it

    seen = 0
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(_CONTEXT):
        yield from _hidden_lines(group[0][1] - seen)
        for tag, old_start, old_end, new_start, new_end in group:
            old, new = before[old_start:old_end], after[new_start:new_end]
            if tag == "equal":
                yield from (("", f"    {line}") for line in inert.lines("\n".join(old)))
                continue
            if inert.differ_in_blanks_only("\n".join(old), "\n".join(new)):
                old, new = [[inert.with_visible_blanks(line) for line in side] for side in (old, new)]
            for sign, side in (("-", old), ("+", new)):
                if side:
                    yield from (("", f"  {sign} {line}") for line in inert.lines("\n".join(side)))
        seen = group[-1][2]
    yield from _hidden_lines(len(before) - seen)


def _hidden_lines(count: int) -> Iterator[tuple[str, str]]:
    if count:
        yield "", f"    # ({count} unchanged line{'s' if count > 1 else ''} hidden)"


def inline(value: Any) -> str:
    """Return a JSON value on one line."""
    if isinstance(value, str):
        return inert.quoted(value)
    return inert.escape(json.dumps(value, ensure_ascii=False, sort_keys=True))


def dotted(path: tuple[str | int, ...]) -> str:
    """Return `attributes.tags[0]`; a name that is no plain word is quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isascii() and part.replace("_", "").replace("-", "").isalnum():
            text += f".{part}" if text else part
        else:
            text += f"[{inert.quoted(part)}]"
    return text


def _comment(notes: list[str] | None) -> str:
    return f" # {', '.join(notes)}" if notes else ""
