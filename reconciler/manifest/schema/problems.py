"""Sentences for a manifest of the wrong shape: unknown and missing fields, and values of the wrong type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import ErrorDetails, ValidationError

from reconciler.manifest.diagnostics.findings import Finding, Loc, value_at
from reconciler.manifest.diagnostics.subjects import field_of, noun_of, record_of
from reconciler.manifest.diagnostics.wording import as_text, described
from reconciler.manifest.schema import manifest, parts
from reconciler.manifest.schema.fields import MappingSchema
from reconciler.manifest.schema.locations import is_name, schema_at, without_branches
from reconciler.manifest.schema.sentences import NAME_HINT, VARIABLE_NAME_HINT, too_long, wrong_value
from reconciler.manifest.schema.stand_ins import add_missing, take_out
from reconciler.manifest.schema.validators import validate_manifest
from reconciler.text.suggestions import close_to
from reconciler.text.words import cut, one_of

_NOUNS: Final[dict[MappingSchema, str]] = {
    manifest.SERVICE: "a service",
    manifest.CONVERSATION: "a conversation",
    manifest.MESSAGE: "a message",
    manifest.PARTICIPANT: "a participant",
    parts.IMPORT: "an entry of `import`",
    parts.MOVED: "an entry of `moved`",
    parts.REMOVED: "an entry of `removed`",
    parts.VARIABLE: "a variable",
    parts.USE: "an item of `messages`",
    parts.TRANSCRIPT: "an item of `messages`",
    manifest.DEFAULTS: "`defaults`",
    manifest.MESSAGE_DEFAULTS: "`defaults`",
    parts.TIMELINE: "`timeline`",
    parts.COLUMNS: "`columns`",
    parts.MEDIA: "`media`",
    parts.LIFECYCLE: "`lifecycle`",
    parts.TIMERS: "`timers`",
    parts.BINDINGS: "`bindings`",
    parts.EMAIL_BINDING: "`bindings.email`",
    parts.MESSAGING_BINDING: "`messaging_binding`",
}


_MOVABLE: Final = {
    schema: noun for schema, noun in _NOUNS.items() if schema not in (parts.VARIABLE, parts.COLUMNS)
}
"""Mappings that a misplaced field may belong to.

Variables are left out, as `type` is a field of many objects at Twilio. `columns` is left out, as its fields
are named like those of messages.
"""


_INSTANT: Final = "2026-01-05T09:00:00Z"


_WRITTEN_LIKE: Final = {
    "date_created": _INSTANT,
    "date_updated": _INSTANT,
    "at": "+35s",
    "timeline.start": "-3d 09:00",
    "timeline.step": "40s",
    "timers.inactive": "PT30M",
    "timers.closed": "PT12H",
}
"""By the name of a field with a notation of its own: an example. Quotes alone do not correct a number."""


_NAMING: Final[dict[str | int, str]] = {"key": "", "use": "name of a template"}
"""Fields that hold a name, and its noun; a key is called after the mapping that has it."""


def shape_findings(
    root: Any,
    validate: Callable[[Any], object] = validate_manifest,
    written: Mapping[Loc, str] | None = None,
) -> list[Finding]:
    """Return what is wrong with the shape of the manifest *root*, and take the wrong parts out of *root*.

    *validate* is one of `schema.validators`. *written* has numbers and truth values as the
    file writes them, and comments in place of values.
    """
    try:
        validate(root)
    except ValidationError as error:
        details = [(without_branches(one["loc"]), one) for one in error.errors(include_url=False)]
    else:
        return []
    meant = {loc: _meant(loc, root) for loc, one in details if one["type"] == "extra_forbidden"}
    misspelt = {(*loc[:-1], field) for loc, field in meant.items() if field}
    findings = [
        _finding(loc, one, root, meant, (written or {}).get(loc))
        for loc, one in details
        if not (one["type"] == "missing" and loc in misspelt)
    ]
    for loc, one in details:
        if loc and loc[-1] != "[key]":
            take_out(loc, root, missing=one["type"] == "missing")
    for loc in misspelt:
        add_missing(loc, root)
    return findings


def _finding(
    loc: Loc, detail: ErrorDetails, root: Any, meant: dict[Loc, str | None], written: str | None
) -> Finding:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown_field(loc, root, meant[loc])
    if loc == ("version",):
        return _wrong_version(detail)
    if kind == "missing":
        return Finding(
            loc[:-1],
            f"{_subject(loc[:-1], root)} has no `{loc[-1]}`",
            "add a key: a name that stays the same, such as `key: welcome`"
            if loc[-1] == "key"
            else f"add `{loc[-1]}: …`",
            on_key=True,
        )
    if loc[-1:] == ("[key]",):
        return _wrong_name(loc[:-1], detail, root)
    if kind == "string_pattern_mismatch" and loc[-1] in _NAMING:
        what = _NAMING[loc[-1]] or f"key of {_NOUNS[schema_at(loc[:-1], root)]}"
        return Finding(loc, f"`{cut(detail['input'])}` cannot be the {what}", NAME_HINT)
    text, hint = wrong_value(detail, written)
    if kind == "dict_type" and loc[-1:] == ("media",) and not is_name(loc):
        hint = "write `media: {file: …}`"
    elif kind == "string_type" and detail["input"] is not None:
        like = _WRITTEN_LIKE.get(field_of(loc).removeprefix("defaults."))
        hint = f"write it like `{like}`" if like else hint
    given = detail["input"]
    number = as_text(given) if written is None and type(given) in (int, float) else None
    return Finding(loc, f"{_subject(loc, root)} {text}", hint, on_key=given is None, number=number)


def _unknown_field(loc: Loc, root: Any, meant: str | None) -> Finding:
    name, holder = str(loc[-1]), loc[:-1]
    homes = list(dict.fromkeys(noun for schema, noun in _MOVABLE.items() if name in schema.fields))
    if meant:
        hint = f"did you mean `{meant}`?"
    elif homes:
        hint = f"`{name}` is a field of {one_of(homes)}"
    else:
        hint = f"fields here are {', '.join(schema_at(holder, root).fields)}"
    return Finding(loc, f"unknown field `{cut(name)}` in {_subject(holder, root)}", hint, on_key=True)


def _wrong_version(detail: ErrorDetails) -> Finding:
    given = detail["input"]
    if detail["type"] == "missing":
        return Finding((), "`version` is missing", "start the file with `version: 1`")
    if given is None:
        return Finding(("version",), "`version` has no value", "write `version: 1`", on_key=True)
    if type(given) is int and given > 1:
        return Finding(
            ("version",),
            f"this manifest has version {cut(str(given))}, and this release reads version 1",
            "upgrade `reconciler`",
        )
    return Finding(("version",), f"`version` must be `1`, not {described(given)}")


def _wrong_name(loc: Loc, detail: ErrorDetails, root: Any) -> Finding:
    name = str(loc[-1])
    if detail["type"] == "string_pattern_mismatch":
        schema = schema_at(loc, root)
        rule = VARIABLE_NAME_HINT if schema is parts.VARIABLE else NAME_HINT
        noun = "a template" if loc[0] == "templates" else _NOUNS[schema]
        return Finding(loc, f"`{cut(name)}` cannot be the name of {noun}", rule, on_key=True)
    is_empty = detail["type"] == "string_too_short"
    text, hint = ("is empty", "give it a name") if is_empty else too_long(name, detail["ctx"])
    return Finding(loc, f"name `{cut(name)}` in {_subject(loc[:-1], root)} {text}", hint, on_key=True)


def _subject(loc: Loc, root: Any) -> str:
    record = record_of(loc)
    noun, field = noun_of(loc, value_at(root, record)), field_of(loc)
    if not field:
        return noun
    return f"`{field}` of {noun}" if record else f"`{field}`"


def _meant(loc: Loc, root: Any) -> str | None:
    """Return the field that the unknown field at *loc* may be a misspelling of."""
    return close_to(str(loc[-1]), list(schema_at(loc[:-1], root).fields))
