"""Which mapping of the schema a location in a manifest is in."""

from __future__ import annotations

from typing import Any, Final

from reconciler.manifest.diagnostics.findings import Loc, value_at
from reconciler.manifest.schema import manifest, parts
from reconciler.manifest.schema.fields import MappingSchema

_INSIDE: Final[dict[tuple[MappingSchema, str | int], MappingSchema]] = {
    (manifest.MANIFEST, "services"): manifest.SERVICE,
    (manifest.MANIFEST, "import"): parts.IMPORT,
    (manifest.MANIFEST, "moved"): parts.MOVED,
    (manifest.MANIFEST, "removed"): parts.REMOVED,
    (manifest.MANIFEST, "variables"): parts.VARIABLE,
    (manifest.MANIFEST, "defaults"): manifest.DEFAULTS,
    (manifest.MANIFEST, "templates"): manifest.MESSAGE,
    (manifest.SERVICE, "conversations"): manifest.CONVERSATION,
    (manifest.SERVICE, "defaults"): manifest.DEFAULTS,
    (manifest.CONVERSATION, "messages"): manifest.MESSAGE,
    (manifest.CONVERSATION, "participants"): manifest.PARTICIPANT,
    (manifest.CONVERSATION, "defaults"): manifest.MESSAGE_DEFAULTS,
    (manifest.CONVERSATION, "timers"): parts.TIMERS,
    (manifest.CONVERSATION, "timeline"): parts.TIMELINE,
    (manifest.CONVERSATION, "bindings"): parts.BINDINGS,
    (manifest.DEFAULTS, "timers"): parts.TIMERS,
    (manifest.DEFAULTS, "timeline"): parts.TIMELINE,
    (manifest.DEFAULTS, "lifecycle"): parts.LIFECYCLE,
    (manifest.MESSAGE_DEFAULTS, "lifecycle"): parts.LIFECYCLE,
    (manifest.MESSAGE, "columns"): parts.COLUMNS,
    (manifest.MESSAGE, "media"): parts.MEDIA,
    (manifest.MESSAGE, "lifecycle"): parts.LIFECYCLE,
    (manifest.PARTICIPANT, "messaging_binding"): parts.MESSAGING_BINDING,
    (parts.BINDINGS, "email"): parts.EMAIL_BINDING,
}
"""By a mapping and the name of one of its fields: the mapping inside that field."""


_NAMED: Final = frozenset(("services", "conversations", "variables", "templates"))
"""Fields that hold mappings by names that people choose."""


def schema_at(loc: Loc, root: Any) -> MappingSchema:
    """Return the schema of the mapping at *loc*, or of the mapping around the list item at *loc*."""
    schema = manifest.MANIFEST
    named = False
    for part in loc:
        if not named:
            schema = _INSIDE.get((schema, part), schema)
        named = not named and part in _NAMED
    if schema is manifest.MESSAGE and loc[0] == "services":
        value = value_at(root, loc)
        if isinstance(value, dict):
            return parts.USE if "use" in value else parts.TRANSCRIPT if "from" in value else schema
    return schema


def is_name(loc: Loc) -> bool:
    """Return whether the last part of *loc* is a name that people chose; it may equal the name of a field."""
    named = False
    for part in loc[:-1]:
        named = not named and part in _NAMED
    return named


def without_branches(loc: Loc) -> Loc:
    """Return *loc* as it is in the file, without the branches that pydantic adds."""
    return tuple(part for part in loc if part not in manifest.BRANCHES)
