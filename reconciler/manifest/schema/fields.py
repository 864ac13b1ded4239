"""The building blocks of the schema: mappings and types of fields, in the language of pydantic-core.

They are not pydantic models: importing pydantic and deriving a schema from annotations takes longer than all
the rest of `validate` for a small manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic_core.core_schema import (
    CoreConfig,
    CoreSchema,
    StringSchema,
    TypedDictField,
    any_schema,
    bool_schema,
    literal_schema,
    str_schema,
    typed_dict_field,
    typed_dict_schema,
)

from reconciler.model import ADDRESS_PART, NAME
from reconciler.model.sids import sid_pattern

_STRICT: Final = CoreConfig(strict=True, extra_fields_behavior="forbid")
"""Rules for every mapping: no conversions, no unknown fields."""


class MappingSchema:
    """The schema of a mapping with *fields* and no others; *title* and *description* are for editors."""

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
    """Return a field of this *schema*; *editors* are further keywords for its JSON Schema."""
    metadata = {**schema.get("metadata", {}), "description": description, **editors}
    return typed_dict_field(schema, required=required, metadata=metadata)


_NAME: Final = f"^{NAME}$"


def _sid(prefix: str) -> StringSchema:
    return str_schema(pattern=_sid_or_reference(prefix))


def _sid_or_reference(prefix: str) -> str:
    return rf"^{sid_pattern(prefix)}$|\$\{{"


ANYTHING: Final = any_schema()


FLAG: Final = bool_schema()


NAME_TEXT: Final = str_schema(pattern=_NAME)


VARIABLE_NAME: Final = str_schema(pattern="^[A-Za-z_][A-Za-z0-9_-]{0,63}$")


LABEL: Final = str_schema(min_length=1, max_length=256)


TEXT: Final = str_schema(min_length=1)


SUBJECT: Final = str_schema(max_length=256)


ACCOUNT_SID: Final = _sid("AC")


SERVICE_SID: Final = _sid("IS")


CONVERSATION_SID: Final = _sid("CH")


MEDIA_SID: Final = _sid("ME")


CONTENT_SID: Final = _sid("HX")


MESSAGING_SERVICE_SID: Final = _sid("MG")


ROLE_SID: Final = _sid("RL")


TEMPLATE_VARIABLE_NAME: Final = str_schema(min_length=1, max_length=16)


TEMPLATE_VARIABLE_VALUE: Final = str_schema(max_length=256)


INSTANT: Final = str_schema(metadata={"format": "date-time", "examples": ["2026-01-05T09:00:00Z"]})


DURATION: Final = str_schema(metadata={"examples": ["PT30M"]})


ORDER: Final = literal_schema(["append", "strict", "any"])


UNMANAGED: Final = literal_schema(["keep", "delete"])


EXPANDED_PATTERNS: Final = {_NAME: f"^{ADDRESS_PART}$"} | {
    _sid_or_reference(prefix): f"^{sid_pattern(prefix)}$"
    for prefix in ("AC", "IS", "CH", "ME", "HX", "MG", "RL")
}
"""By the pattern of a written manifest: the pattern that holds once it is expanded."""
