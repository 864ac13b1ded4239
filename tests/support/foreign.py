"""Texts that quote other programs, whose words change with their releases and are never asserted."""

from __future__ import annotations

import re


def without_quotes(text: str) -> str:
    """Return *text* with `…` for what another program says in it."""
    return re.sub(r' says "[^\n]*"', ' says "…"', text)
