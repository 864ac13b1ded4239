"""Which mapping of the schema a location in a manifest is in."""

from __future__ import annotations

from typing import Any, Final

from reconciler.manifest.diagnostics.findings import Loc, value_at
from reconciler.manifest.schema import manifest as models
from reconciler.manifest.schema import parts
from reconciler.manifest.schema.fields import MappingSchema

_INSIDE: Final[dict[tuple[MappingSchema, str | int], MappingSchema]] = {
    (models.MANIFEST, "services"): models.SERVICE,
    (models.MANIFEST, "import"): parts.IMPORT,
    (models.MANIFEST, "moved"): parts.MOVED,
    (models.MANIFEST, "removed"): parts.REMOVED,
    (models.MANIFEST, "variables"): parts.VARIABLE,
    (models.MANIFEST, "defaults"): models.DEFAULTS,
    (models.MANIFEST, "templates"): models.MESSAGE,
    (models.SERVICE, "conversations"): models.CONVERSATION,
    (models.SERVICE, "defaults"): models.DEFAULTS,
    (models.CONVERSATION, "messages"): models.MESSAGE,
    (models.CONVERSATION, "participants"): models.PARTICIPANT,
    (models.CONVERSATION, "defaults"): models.MESSAGE_DEFAULTS,
    (models.CONVERSATION, "timers"): parts.TIMERS,
    (models.CONVERSATION, "timeline"): parts.TIMELINE,
    (models.CONVERSATION, "bindings"): parts.BINDINGS,
    (models.DEFAULTS, "timers"): parts.TIMERS,
    (models.DEFAULTS, "timeline"): parts.TIMELINE,
    (models.DEFAULTS, "lifecycle"): parts.LIFECYCLE,
    (models.MESSAGE_DEFAULTS, "lifecycle"): parts.LIFECYCLE,
    (models.MESSAGE, "columns"): parts.COLUMNS,
    (models.MESSAGE, "media"): parts.MEDIA,
    (models.MESSAGE, "lifecycle"): parts.LIFECYCLE,
    (models.PARTICIPANT, "messaging_binding"): parts.MESSAGING_BINDING,
    (parts.BINDINGS, "email"): parts.EMAIL_BINDING,
}
"""By a mapping and the name of one of its fields: the mapping inside that field."""


_NAMED: Final = frozenset(("services", "conversations", "variables", "templates"))
"""Fields that hold mappings by names that people choose."""


def schema_at(loc: Loc, root: Any) -> MappingSchema:
    """Return the schema of the mapping at *loc*, or of the mapping around the list item at *loc*."""
    schema = models.MANIFEST
    named = False
    for part in loc:
        if not named:
            schema = _INSIDE.get((schema, part), schema)
        named = not named and part in _NAMED
    if schema is models.MESSAGE and loc[0] == "services":
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
    return tuple(part for part in loc if part not in models.BRANCHES)
