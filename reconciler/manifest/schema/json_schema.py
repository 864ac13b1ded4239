"""How pydantic's JSON Schema is made fit for editors."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema


class EditorSchema(GenerateJsonSchema):
    """A schema for people: with what `declare` says to editors, and without names of other grammar."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic calls it
        """Return False: the description says more."""
        return False

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> dict[str, Any]:
        """Return the schema of a mapping, with its title and description."""
        return {**super().typed_dict_schema(schema), **schema["metadata"]}

    def typed_dict_field_schema(self, schema: core_schema.TypedDictField) -> dict[str, Any]:
        """Return the schema of a field, with its description."""
        return {**super().typed_dict_field_schema(schema), **schema["metadata"]}

    def dict_schema(self, schema: core_schema.DictSchema) -> dict[str, Any]:
        """Return the schema of a mapping, where only keys of the right pattern are allowed."""
        found = super().dict_schema(schema)
        return {**found, "additionalProperties": False} if "patternProperties" in found else found
