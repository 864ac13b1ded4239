"""How the mappings of a manifest are declared, in the language of pydantic-core.

They are not classes with annotations, as pydantic itself would need longer to be imported and to derive
this from them than all the rest of `validate` takes for a small manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic_core.core_schema import (
    CoreConfig,
    CoreSchema,
    TypedDictField,
    typed_dict_field,
    typed_dict_schema,
)

_STRICT: Final = CoreConfig(strict=True, extra_fields_behavior="forbid")
"""How every mapping is judged: no conversions, no unknown fields."""


class Shape:
    """A mapping that may have these fields and no others; *title* and *description* are for editors."""

    def __init__(
        self, name: str, description: str, fields: Mapping[str, TypedDictField], *, title: str | None = None
    ) -> None:
        self.fields = dict(fields)
        self.schema = typed_dict_schema(
            self.fields,
            ref=name,
            config=_STRICT,
            metadata={"title": title or name, "description": description},
        )


def field(schema: CoreSchema, description: str, *, required: bool = False, **editors: Any) -> TypedDictField:
    """Return a field of this *schema*; what *editors* are told besides, the JSON Schema says."""
    told = {**schema.get("metadata", {}), "description": description, **editors}
    return typed_dict_field(schema, required=required, metadata=told)
