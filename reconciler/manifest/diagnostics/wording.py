"""How sentences describe a value that is wrong."""

from __future__ import annotations

from typing import Any

from reconciler.text.words import cut


def described(given: Any, written: str | None = None) -> str:
    """Return a noun phrase for the wrong value *given*; *written* is a number as its file has it."""
    if isinstance(given, dict):
        return "a mapping"
    if isinstance(given, list):
        return "a list"
    kind = "" if isinstance(given, bool) else "the text " if isinstance(given, str) else "the number "
    return f"{kind}`{cut(written or as_text(given))}`"


def as_text(given: Any) -> str:
    """Return a text, number or truth value as YAML writes it."""
    return str(given).lower() if isinstance(given, bool) else str(given)
