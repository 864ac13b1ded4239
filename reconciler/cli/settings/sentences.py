"""Sentences for a setting of the wrong type, or outside its range."""

from __future__ import annotations

from typing import Final

from pydantic_core import ErrorDetails

from reconciler.manifest.diagnostics.wording import described
from reconciler.manifest.schema.sentences import Sentence, wrong_value

_NUMBERS: Final = {
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "greater_than_equal": "must be at least {ge:g}",
    "greater_than": "must be more than {gt:g}",
    "finite_number": "must be a number",
}
"""By pydantic's type of error: what a number must be."""


def wrong_setting(detail: ErrorDetails) -> Sentence:
    """Return the sentence for the error *detail*, behind the name of the setting, and the hint."""
    if detail["type"] in _NUMBERS and detail["input"] is not None:
        rule = _NUMBERS[detail["type"]].format(**detail.get("ctx", {}))
        return f"{rule}, not {described(detail['input'])}", None
    if detail["type"] == "too_short":
        return "is an empty list", "remove it, or name something"
    return wrong_value(detail)
