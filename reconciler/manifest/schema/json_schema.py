"""The JSON Schema of a manifest, and of files described like it, for editors."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from reconciler.manifest.schema.fields import MappingSchema
from reconciler.manifest.schema.manifest import MANIFEST


def manifest_schema() -> dict[str, Any]:
    """Return the JSON Schema of a manifest file."""
    return schema_for_editors(MANIFEST, "manifest:1")


def schema_for_editors(mapping: MappingSchema, name: str) -> dict[str, Any]:
    """Return the JSON Schema of a file that is a *mapping*; *name* ends its identifier."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:conversations-reconciler:schema:{name}",
        **_EditorSchema().generate(mapping.schema),
    }


class _EditorSchema(GenerateJsonSchema):
    """Pydantic's JSON Schema, with the metadata that `schema.fields` gives for editors."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic calls it
        """Return False: the description of a field is enough."""
        return False

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> dict[str, Any]:
        """Return the schema of a mapping, with its title and description."""
        return {**super().typed_dict_schema(schema), **schema["metadata"]}

    def typed_dict_field_schema(self, schema: core_schema.TypedDictField) -> dict[str, Any]:
        """Return the schema of a field, with its description."""
        return {**super().typed_dict_field_schema(schema), **schema["metadata"]}

    def dict_schema(self, schema: core_schema.DictSchema) -> dict[str, Any]:
        """Return the schema of a mapping with chosen names, which must match the pattern."""
        found = super().dict_schema(schema)
        return {**found, "additionalProperties": False} if "patternProperties" in found else found
