"""The layout of `--help`: lines are broken between words alone, so that options and examples stay whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import click

_HYPHEN: Final = "\ue000"
"""Stands for a hyphen while lines are broken: behind one, they could be."""


class HelpFormatter(click.HelpFormatter):
    """Writes texts and lists as click does, and breaks no line behind a hyphen."""

    def write(self, string: str) -> None:
        """Write *string* as it is."""
        super().write(string.replace(_HYPHEN, "-"))

    def write_text(self, text: str) -> None:
        """Write the paragraphs of *text*."""
        super().write_text(text.replace("-", _HYPHEN))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write a list of terms, each with its text."""
        whole = [(term, text.replace("-", _HYPHEN)) for term, text in rows]
        super().write_dl(whole, col_max, col_spacing)
