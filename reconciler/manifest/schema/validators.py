"""The validators of a manifest's shape: as it is written, and as it is after expansion."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from pydantic_core import SchemaValidator

from reconciler.manifest.schema.fields import EXPANDED_PATTERNS
from reconciler.manifest.schema.manifest import MANIFEST

validate_manifest: Final[Callable[[Any], object]] = SchemaValidator(MANIFEST.schema).validate_python
"""Raises pydantic-core's ValidationError for a manifest of the wrong shape."""


@cache
def expanded_validator() -> Callable[[Any], object]:
    """Return the validator of expanded manifests: a text may not refer, and a name may have `[key]`."""
    validate: Callable[[Any], object] = SchemaValidator(_expanded(MANIFEST.schema)).validate_python
    return validate


def _expanded(schema: Any) -> Any:
    """Return *schema* with each pattern replaced by the one for expanded manifests."""
    if isinstance(schema, dict):
        return {
            name: EXPANDED_PATTERNS.get(value, value) if name == "pattern" else _expanded(value)
            for name, value in schema.items()
        }
    return [_expanded(item) for item in schema] if isinstance(schema, list) else schema
