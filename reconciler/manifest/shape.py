"""What pydantic finds wrong with the shape of a manifest, in sentences.

The mistakes are also taken out of the value, so that the rules can be asked about the rest: a
manifest shows all its problems in one run.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from reconciler.manifest import models
from reconciler.manifest.findings import Finding, Loc
from reconciler.manifest.nouns import field_of, noun_of, record_of
from reconciler.manifest.wording import NAME_HINT, close_to, cut, described, one_of, too_long, wrong_value

_SHAPES: Final[dict[str | int, tuple[str, Any]]] = {
    "services": ("a service", models.Service),
    "conversations": ("a conversation", models.Conversation),
    "messages": ("a message", models.Message),
    "participants": ("a participant", models.Participant),
    "media": ("`media`", models.Media),
    "lifecycle": ("`lifecycle`", models.Lifecycle),
    "timers": ("`timers`", models.Timers),
    "bindings": ("`bindings`", models.Bindings),
    "email": ("`bindings.email`", models.EmailBinding),
    "messaging_binding": ("`messaging_binding`", models.MessagingBinding),
}
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
}
_ITEM_STAND_INS: Final[dict[str | int, Any]] = {
    "messages": {"key": "", "body": "-"},
    "participants": {"key": "", "identity": ""},
    "media": {"file": ""},
    "ignore_changes": "body",
}
"""What takes the place of a wrong field or item: rules that ask whether it is there are content,
and an empty text means "unknown" to those that would compare it. Other fields are removed."""


def shape_findings(root: Any) -> list[Finding]:
    """Return what is wrong with the shape of *root*, and take it out of *root*."""
    try:
        models.ADAPTER.validate_python(root)
    except ValidationError as error:
        details = [(_without_branches(one["loc"]), one) for one in error.errors(include_url=False)]
    else:
        return []
    meant = {loc: _meant(loc) for loc, one in details if one["type"] == "extra_forbidden"}
    misspelt = {(*loc[:-1], field) for loc, field in meant.items() if field}
    findings = [
        _finding(loc, one, root, meant)
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


def _finding(loc: Loc, detail: ErrorDetails, root: Any, meant: dict[Loc, str | None]) -> Finding:
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
    if kind == "string_pattern_mismatch" and loc[-1] == "key":
        noun = "message" if "messages" in loc else "participant"
        return Finding(loc, f"`{cut(detail['input'])}` cannot be the key of a {noun}", NAME_HINT)
    text, hint = wrong_value(detail)
    if kind == "dict_type" and loc[-1:] == ("media",):
        hint = "write `media: {file: …}`"
    return Finding(loc, f"{_subject(loc, root)} {text}", hint, on_key=detail["input"] is None)


def _unknown_field(loc: Loc, root: Any, meant: str | None) -> Finding:
    name, holder = str(loc[-1]), loc[:-1]
    homes = [noun for noun, shape in _SHAPES.values() if name in shape.__annotations__]
    if meant:
        hint = f"did you mean `{meant}`?"
    elif homes:
        hint = f"`{name}` is a field of {one_of(homes)}"
    else:
        hint = f"fields here are {', '.join(_shape_at(holder).__annotations__)}"
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
        noun = _SHAPES[loc[-2]][0]
        return Finding(loc, f"`{cut(name)}` cannot be the name of {noun}", NAME_HINT, on_key=True)
    is_empty = detail["type"] == "string_too_short"
    text, hint = ("is empty", "give it a name") if is_empty else too_long(name, detail["ctx"])
    return Finding(loc, f"name `{cut(name)}` in {_subject(loc[:-1], root)} {text}", hint, on_key=True)


def _subject(loc: Loc, root: Any) -> str:
    record = record_of(loc)
    noun, field = noun_of(loc, _value_at(root, record)), field_of(loc)
    if not field:
        return noun
    return f"`{field}` of {noun}" if record else f"`{field}`"


def _meant(loc: Loc) -> str | None:
    """Return the field that the unknown field at *loc* may be a misspelling of."""
    return close_to(str(loc[-1]), list(_shape_at(loc[:-1]).__annotations__))


def _shape_at(loc: Loc) -> Any:
    """Return the shape of the mapping at *loc*."""
    if not loc:
        return models.Manifest
    is_item = isinstance(loc[-1], int) or record_of(loc) == loc
    return _SHAPES[loc[-2] if is_item else loc[-1]][1]


def _take_out(loc: Loc, root: Any, *, missing: bool) -> None:
    """Remove the value at *loc* from *root*, or put a stand-in in its place."""
    holder, last = _value_at(root, loc[:-1]), loc[-1]
    if isinstance(holder, list):
        holder[int(last)] = _ITEM_STAND_INS[loc[-2]]
    elif missing or last in _FIELD_STAND_INS:
        holder[last] = _FIELD_STAND_INS.get(last)
    else:
        holder.pop(last, None)


def _value_at(root: Any, loc: Loc) -> Any:
    for part in loc:
        root = root[part]
    return root


def _without_branches(loc: Loc) -> Loc:
    return tuple(part for part in loc if part not in (models.ONE_FILE, models.MANY_FILES))
