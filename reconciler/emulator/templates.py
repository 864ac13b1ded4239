"""The content templates that `ContentSid` may name, and the filling of their variables.

    HX00000000000000000000000000000001   Hello {{1}}
    HX00000000000000000000000000000002   Your order {{1}} has shipped and arrives on {{2}}.
    HX00000000000000000000000000000003   Your appointment with {{name}} is at {{time}}.
    HX00000000000000000000000000000004   Your parcel {{1}} is at the door. (with a picture, `parcel.png`)
    HX0123456789abcdef0123456789abcdef   Thank you, {{1}}. Here is your receipt.

A variable without a value stays as it is written. `template_file` reads others from a file.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from reconciler.emulator.errors import ApiError
from reconciler.emulator.fields import Fields, is_sid

TEMPLATES: Final = {
    "HX00000000000000000000000000000001": "Hello {{1}}",
    "HX00000000000000000000000000000002": "Your order {{1}} has shipped and arrives on {{2}}.",
    "HX00000000000000000000000000000003": "Your appointment with {{name}} is at {{time}}.",
    "HX00000000000000000000000000000004": "Your parcel {{1}} is at the door.",
    "HX0123456789abcdef0123456789abcdef": "Thank you, {{1}}. Here is your receipt.",
}


class Picture(NamedTuple):
    """The file of a media template."""

    filename: str
    content_type: str
    content: bytes


PICTURES: Final = {
    "HX00000000000000000000000000000004": Picture(
        "parcel.png",
        "image/png",
        base64.b64decode(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg=="
        ),
    ),
}
VARIABLES: Final = 100
KEY_CHARACTERS: Final = 16
VALUE_CHARACTERS: Final = 256
TOTAL_CHARACTERS: Final = 27_801
_PLACEHOLDER: Final = re.compile(r"\{\{(\w+)\}\}")


class Templates:
    """The templates of one emulator: those above, and those that were added."""

    def __init__(self) -> None:
        self._added: list[Mapping[str, str] | None] = []

    def add(self, templates: Mapping[str, str] | None) -> None:
        """Add *templates*, sid -> text; with None, every sid has a text that stands in for the template's."""
        self._added.append(templates)

    def remove(self, templates: Mapping[str, str] | None) -> None:
        """Remove what was added."""
        self._added.remove(templates)

    def _text(self, sid: str) -> str | None:
        for added in reversed(self._added):
            if added is not None and sid in added:
                return added[sid]
        if sid in TEMPLATES:
            return TEMPLATES[sid]
        return None if None not in self._added else f"(the text of {sid})"

    def render(self, fields: Fields) -> str | None:
        """Return the body made from `ContentSid` and `ContentVariables`, or None without a `ContentSid`."""
        sid = fields.get("ContentSid")
        if sid is None:
            if "ContentVariables" in fields:
                raise ApiError(50528, "Content SID is missing")
            return None
        text = self._text(sid) if is_sid("HX", sid) else None
        if text is None:
            raise ApiError(50526, "Invalid content SID")
        variables = _variables(fields.get("ContentVariables", "{}"))
        return _PLACEHOLDER.sub(lambda match: variables.get(match[1], match[0]), text)


def _variables(text: str) -> dict[str, str]:
    try:
        variables = msgspec.json.decode(text, type=dict[str, str])
    except (msgspec.DecodeError, RecursionError):
        raise ApiError(50527, "Invalid content variables format") from None
    if len(variables) > VARIABLES or len(text) > TOTAL_CHARACTERS:
        raise ApiError(50529, "Content variables are too long")
    if any(len(key) > KEY_CHARACTERS for key in variables):
        raise ApiError(50540, "Content variable key is too long")
    if any(len(value) > VALUE_CHARACTERS for value in variables.values()):
        raise ApiError(50541, "Content variable value is too long")
    return variables
