"""The shapes of single values: texts, names, SIDs, moments.

Where a text may hold references (`${var.x}`), it is judged as written here and, once they are resolved,
again by `FINAL_PATTERNS`.
"""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from reconciler.model import ADDRESS_PART, NAME

SHAPE: Final = ConfigDict(strict=True, extra="forbid")
"""How every mapping is judged: no conversions, no unknown fields."""

_SID: Final = "^{}[0-9a-fA-F]{{32}}$"
_NAME: Final = f"^{NAME}$"


def _sid(prefix: str) -> str:
    return _SID.format(prefix) + r"|\$\{"


Name = Annotated[str, Field(pattern=_NAME)]
VariableName = Annotated[str, Field(pattern="^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]
Label = Annotated[str, Field(min_length=1, max_length=256)]
Text = Annotated[str, Field(min_length=1)]
AccountSid = Annotated[str, Field(pattern=_sid("AC"))]
ServiceSid = Annotated[str, Field(pattern=_sid("IS"))]
ConversationSid = Annotated[str, Field(pattern=_sid("CH"))]
MediaSid = Annotated[str, Field(pattern=_sid("ME"))]
ContentSid = Annotated[str, Field(pattern=_sid("HX"))]
MessagingServiceSid = Annotated[str, Field(pattern=_sid("MG"))]
RoleSid = Annotated[str, Field(pattern=_sid("RL"))]
TemplateVariableName = Annotated[str, Field(min_length=1, max_length=16)]
TemplateVariableValue = Annotated[str, Field(max_length=256)]
Instant = Annotated[
    str,
    Field(
        json_schema_extra={"format": "date-time"},
        examples=["2026-01-05T09:00:00Z"],
    ),
]
Duration = Annotated[str, Field(examples=["PT30M"])]

FINAL_PATTERNS: Final = {_NAME: f"^{ADDRESS_PART}$"} | {
    _sid(prefix): _SID.format(prefix) for prefix in ("AC", "IS", "CH", "ME", "HX", "MG", "RL")
}
"""What each pattern is once all references are resolved and everything is fanned out."""
