"""The shapes of single values: texts, names, SIDs, moments.

Where a text may hold references (`${var.x}`), it is judged as written here and, once they are resolved,
again by `FINAL_PATTERNS`.
"""

from __future__ import annotations

from typing import Final

from pydantic_core.core_schema import StringSchema, any_schema, bool_schema, literal_schema, str_schema

from reconciler.model import ADDRESS_PART, NAME

_SID: Final = "^{}[0-9a-fA-F]{{32}}$"
_NAME: Final = f"^{NAME}$"


def _sid(prefix: str) -> StringSchema:
    return str_schema(pattern=_sid_or_reference(prefix))


def _sid_or_reference(prefix: str) -> str:
    return _SID.format(prefix) + r"|\$\{"


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

FINAL_PATTERNS: Final = {_NAME: f"^{ADDRESS_PART}$"} | {
    _sid_or_reference(prefix): _SID.format(prefix) for prefix in ("AC", "IS", "CH", "ME", "HX", "MG", "RL")
}
"""What each pattern is once all references are resolved and everything is fanned out."""
