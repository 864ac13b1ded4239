"""What pydantic finds wrong with the shape of a manifest, in sentences.

The mistakes are also taken out of the value, so that the rules can be asked about the rest: a
manifest shows all its problems in one run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import ErrorDetails, ValidationError

from reconciler.manifest.diagnostics.findings import Finding, Loc
from reconciler.manifest.diagnostics.subjects import field_of, noun_of, record_of
from reconciler.manifest.schema import manifest as models
from reconciler.manifest.schema import parts
from reconciler.manifest.schema import parts as block_shapes
from reconciler.manifest.schema import parts as directives
from reconciler.manifest.schema.fields import Shape
from reconciler.manifest.schema.sentences import (
    NAME_HINT,
    VARIABLE_NAME_HINT,
    described,
    too_long,
    wrong_value,
)
from reconciler.text.suggestions import close_to
from reconciler.text.words import cut, one_of

_NOUNS: Final[dict[Shape, str]] = {
    models.SERVICE: "a service",
    models.CONVERSATION: "a conversation",
    models.MESSAGE: "a message",
    models.PARTICIPANT: "a participant",
    block_shapes.IMPORT: "an entry of `import`",
    block_shapes.MOVED: "an entry of `moved`",
    block_shapes.REMOVED: "an entry of `removed`",
    directives.VARIABLE: "a variable",
    directives.USE: "an item of `messages`",
    directives.TRANSCRIPT: "an item of `messages`",
    models.DEFAULTS: "`defaults`",
    models.MESSAGE_DEFAULTS: "`defaults`",
    directives.TIMELINE: "`timeline`",
    directives.COLUMNS: "`columns`",
    parts.MEDIA: "`media`",
    parts.LIFECYCLE: "`lifecycle`",
    parts.TIMERS: "`timers`",
    parts.BINDINGS: "`bindings`",
    parts.EMAIL_BINDING: "`bindings.email`",
    parts.MESSAGING_BINDING: "`messaging_binding`",
}


_MOVABLE: Final = {
    shape: noun for shape, noun in _NOUNS.items() if shape not in (directives.VARIABLE, directives.COLUMNS)
}
"""What a field may have been meant for that stands elsewhere; a `type` belongs to many things of Twilio's,
and `columns` only names fields of others."""


_INSIDE: Final[dict[tuple[Shape, str | int], Shape]] = {
    (models.MANIFEST, "services"): models.SERVICE,
    (models.MANIFEST, "import"): block_shapes.IMPORT,
    (models.MANIFEST, "moved"): block_shapes.MOVED,
    (models.MANIFEST, "removed"): block_shapes.REMOVED,
    (models.MANIFEST, "variables"): directives.VARIABLE,
    (models.MANIFEST, "defaults"): models.DEFAULTS,
    (models.MANIFEST, "templates"): models.MESSAGE,
    (models.SERVICE, "conversations"): models.CONVERSATION,
    (models.SERVICE, "defaults"): models.DEFAULTS,
    (models.CONVERSATION, "messages"): models.MESSAGE,
    (models.CONVERSATION, "participants"): models.PARTICIPANT,
    (models.CONVERSATION, "defaults"): models.MESSAGE_DEFAULTS,
    (models.CONVERSATION, "timers"): parts.TIMERS,
    (models.CONVERSATION, "timeline"): directives.TIMELINE,
    (models.CONVERSATION, "bindings"): parts.BINDINGS,
    (models.DEFAULTS, "timers"): parts.TIMERS,
    (models.DEFAULTS, "timeline"): directives.TIMELINE,
    (models.DEFAULTS, "lifecycle"): parts.LIFECYCLE,
    (models.MESSAGE_DEFAULTS, "lifecycle"): parts.LIFECYCLE,
    (models.MESSAGE, "columns"): directives.COLUMNS,
    (models.MESSAGE, "media"): parts.MEDIA,
    (models.MESSAGE, "lifecycle"): parts.LIFECYCLE,
    (models.PARTICIPANT, "messaging_binding"): parts.MESSAGING_BINDING,
    (parts.BINDINGS, "email"): parts.EMAIL_BINDING,
}


_NAMED: Final = frozenset(("services", "conversations", "variables", "templates"))
"""Fields whose mappings are by names that people choose."""


_FIELD_STAND_INS: Final[dict[str | int, Any]] = {
    "key": "",
    "identity": "",
    "messaging_binding": {"address": ""},
    "address": "",
    "body": "-",
    "media": {"file": ""},
    "file": "",
    "media_sid": "",
    "content_sid": "",
    "content_variables": {},
    "start": "now",
    "use": "",
    "from": "",
}


_ITEM_STAND_INS: Final[dict[Shape, Any]] = {
    models.MESSAGE: {"key": "", "body": "-"},
    models.PARTICIPANT: {"key": "", "identity": ""},
    parts.MEDIA: {"file": ""},
    parts.LIFECYCLE: "body",
    block_shapes.IMPORT: {},
    block_shapes.MOVED: {},
    block_shapes.REMOVED: {},
}
"""What takes the place of a wrong field or item: rules that ask whether it is there are content,
and an empty text means "unknown" to those that would compare it. Other fields are removed."""


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
"""Texts in a notation of their own: a number in quotes would be as wrong as one without."""


_NAMING: Final[dict[str | int, str]] = {"key": "", "use": "name of a template"}
"""Fields that hold a name, and what that is; a key is that of what it stands in."""


def shape_findings(
    root: Any,
    validate: Callable[[Any], object] = models.VALIDATOR.validate_python,
    plain: Mapping[Loc, str] | None = None,
) -> list[Finding]:
    """Return what *validate* finds wrong with the shape of *root*, and take it out of *root*.

    *plain* is what is written for numbers and truth values.
    """
    try:
        validate(root)
    except ValidationError as error:
        details = [(_without_branches(one["loc"]), one) for one in error.errors(include_url=False)]
    else:
        return []
    meant = {loc: _meant(loc, root) for loc, one in details if one["type"] == "extra_forbidden"}
    misspelt = {(*loc[:-1], field) for loc, field in meant.items() if field}
    findings = [
        _finding(loc, one, root, meant, (plain or {}).get(loc))
        for loc, one in details
        if not (one["type"] == "missing" and loc in misspelt)
    ]
    for loc, one in details:
        if loc and loc[-1] != "[key]":
            _take_out(loc, root, missing=one["type"] == "missing")
    for loc in misspelt:
        if loc[-1] in _FIELD_STAND_INS:
            _value_at(root, loc[:-1]).setdefault(loc[-1], _FIELD_STAND_INS[loc[-1]])
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
        what = _NAMING[loc[-1]] or f"key of {_NOUNS[_shape_at(loc[:-1], root)]}"
        return Finding(loc, f"`{cut(detail['input'])}` cannot be the {what}", NAME_HINT)
    text, hint = wrong_value(detail, written)
    if kind == "dict_type" and loc[-1:] == ("media",) and not _is_name(loc):
        hint = "write `media: {file: …}`"
    elif kind == "string_type" and detail["input"] is not None:
        like = _WRITTEN_LIKE.get(field_of(loc).removeprefix("defaults."))
        hint = f"write it like `{like}`" if like else hint
    return Finding(loc, f"{_subject(loc, root)} {text}", hint, on_key=detail["input"] is None)


def _unknown_field(loc: Loc, root: Any, meant: str | None) -> Finding:
    name, holder = str(loc[-1]), loc[:-1]
    homes = list(dict.fromkeys(noun for shape, noun in _MOVABLE.items() if name in shape.fields))
    if meant:
        hint = f"did you mean `{meant}`?"
    elif homes:
        hint = f"`{name}` is a field of {one_of(homes)}"
    else:
        hint = f"fields here are {', '.join(_shape_at(holder, root).fields)}"
    return Finding(loc, f"unknown field `{cut(name)}` in {_subject(holder, root)}", hint, on_key=True)


def _wrong_version(detail: ErrorDetails) -> Finding:
    given = detail["input"]
    if detail["type"] == "missing":
        return Finding((), "`version` is missing", "start the file with `version: 1`")
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
        shape = _shape_at(loc, root)
        rule = VARIABLE_NAME_HINT if shape is directives.VARIABLE else NAME_HINT
        noun = "a template" if loc[0] == "templates" else _NOUNS[shape]
        return Finding(loc, f"`{cut(name)}` cannot be the name of {noun}", rule, on_key=True)
    is_empty = detail["type"] == "string_too_short"
    text, hint = ("is empty", "give it a name") if is_empty else too_long(name, detail["ctx"])
    return Finding(loc, f"name `{cut(name)}` in {_subject(loc[:-1], root)} {text}", hint, on_key=True)


def _subject(loc: Loc, root: Any) -> str:
    record = record_of(loc)
    noun, field = noun_of(loc, _value_at(root, record)), field_of(loc)
    if not field:
        return noun
    return f"`{field}` of {noun}" if record else f"`{field}`"


def _meant(loc: Loc, root: Any) -> str | None:
    """Return the field that the unknown field at *loc* may be a misspelling of."""
    return close_to(str(loc[-1]), list(_shape_at(loc[:-1], root).fields))


def _shape_at(loc: Loc, root: Any) -> Shape:
    """Return the shape of the mapping at *loc*, or of the one that holds the list item there."""
    shape = models.MANIFEST
    is_name = False
    for part in loc:
        if not is_name:
            shape = _INSIDE.get((shape, part), shape)
        is_name = not is_name and part in _NAMED
    if shape is models.MESSAGE and loc[0] == "services":
        value = _value_at(root, loc)
        if isinstance(value, dict):
            return directives.USE if "use" in value else directives.TRANSCRIPT if "from" in value else shape
    return shape


def _take_out(loc: Loc, root: Any, *, missing: bool) -> None:
    """Remove the value at *loc* from *root*, or put a stand-in in its place."""
    holder, last = _value_at(root, loc[:-1]), loc[-1]
    if isinstance(holder, list):
        holder[int(last)] = _ITEM_STAND_INS[_shape_at(loc[:-1], root)]
    elif (missing or last in _FIELD_STAND_INS) and not _is_name(loc):
        holder[last] = _FIELD_STAND_INS.get(last)
    else:
        holder.pop(last, None)


def _is_name(loc: Loc) -> bool:
    """Return whether the last part of *loc* is a name that people chose, which may be that of a field."""
    is_name = False
    for part in loc[:-1]:
        is_name = not is_name and part in _NAMED
    return is_name


def _value_at(root: Any, loc: Loc) -> Any:
    for part in loc:
        root = root[part]
    return root


def _without_branches(loc: Loc) -> Loc:
    return tuple(part for part in loc if part not in models.BRANCHES)
