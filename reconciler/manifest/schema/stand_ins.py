"""Take wrong parts out of a manifest, so that the rules of `build` can be checked on the rest.

A manifest then shows all its problems in one run.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.manifest.diagnostics.findings import Loc, value_at
from reconciler.manifest.schema import manifest, parts
from reconciler.manifest.schema.fields import MappingSchema
from reconciler.manifest.schema.locations import is_name, schema_at

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


_ITEM_STAND_INS: Final[dict[MappingSchema, Any]] = {
    manifest.MESSAGE: {"key": "", "body": "-"},
    manifest.PARTICIPANT: {"key": "", "identity": ""},
    parts.MEDIA: {"file": ""},
    parts.LIFECYCLE: "body",
    parts.IMPORT: {},
    parts.MOVED: {},
    parts.REMOVED: {},
}
"""Values in place of wrong fields and items. Other wrong fields are removed.

Where a rule asks whether a field is given, its stand-in counts as given. Rules that compare values take an
empty text for an unknown one.
"""


def take_out(loc: Loc, root: Any, *, missing: bool) -> None:
    """Remove the wrong value at *loc* from *root*, or replace it; *missing* tells that there is none."""
    holder, last = value_at(root, loc[:-1]), loc[-1]
    if isinstance(holder, list):
        holder[int(last)] = _ITEM_STAND_INS[schema_at(loc[:-1], root)]
    elif (missing or last in _FIELD_STAND_INS) and not is_name(loc):
        holder[last] = _FIELD_STAND_INS.get(last)
    else:
        holder.pop(last, None)


def add_missing(loc: Loc, root: Any) -> None:
    """Give *root* the field at *loc*, which was misspelt, if fields of this name have a stand-in."""
    if loc[-1] in _FIELD_STAND_INS:
        value_at(root, loc[:-1]).setdefault(loc[-1], _FIELD_STAND_INS[loc[-1]])
