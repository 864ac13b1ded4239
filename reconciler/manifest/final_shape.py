"""The shape of a manifest once its references are resolved: no text may refer, and keys may have items."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from pydantic_core import SchemaValidator

from reconciler.manifest.models import MANIFEST
from reconciler.manifest.scalar_shapes import FINAL_PATTERNS


@cache
def final_validation() -> Callable[[Any], object]:
    """Return what raises ValidationError for a resolved manifest of the wrong shape."""
    validate: Callable[[Any], object] = SchemaValidator(_final(MANIFEST.schema)).validate_python
    return validate


def _final(schema: Any) -> Any:
    """Return *schema* with each pattern replaced by the one that holds in the end."""
    if isinstance(schema, dict):
        return {
            name: FINAL_PATTERNS.get(value, value) if name == "pattern" else _final(value)
            for name, value in schema.items()
        }
    return [_final(item) for item in schema] if isinstance(schema, list) else schema
