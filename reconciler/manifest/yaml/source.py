"""The text of a file, which gives problems their line, column and snippet."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final

from reconciler.errors import Problem
from reconciler.manifest.diagnostics.findings import Finding, Loc
from reconciler.manifest.yaml.faults import Position
from reconciler.manifest.yaml.positions import Positions, read_closely
from reconciler.runtime.text_file import lines_of

_SNIPPET: Final = 200
"""Most characters shown of the line with the mistake."""


class Source:
    """The text of one file, which the user named *path*. It is read closely when a position is needed."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def positions(self) -> Positions:
        """The positions of all keys and values."""
        return read_closely(self.text)

    def _position(self, loc: Loc, *, on_key: bool) -> Position:
        return self.positions.of(loc, on_key=on_key)

    def _written(self, loc: Loc) -> str | None:
        """Return the number at *loc* as the file writes it, or None if there is none."""
        return self.positions.plain.get(loc)

    @cached_property
    def _lines(self) -> list[str]:
        return lines_of(self.text)

    def problem(self, finding: Finding, source_of: Callable[[str], Source]) -> Problem:
        """Return *finding* with its position; *source_of* returns the source of an earlier location."""
        text = finding.text
        if finding.earlier is not None:
            path, loc = finding.earlier
            earlier = source_of(path)._position(loc, on_key=finding.on_key)  # noqa: SLF001 - another source
            text = f"{text} {path}:{earlier.line}:{earlier.column}"
        hint = finding.hint
        if finding.number is not None:
            written = self._written(finding.loc) or finding.number
            text = text.replace(f"`{finding.number}`", f"`{written}`")
            hint = hint and hint.replace(f'"{finding.number}"', f'"{written}"')
        problem = self.problem_at(self._position(finding.loc, on_key=finding.on_key), text, hint)
        return problem._replace(snippet="", snippet_column=0) if finding.without_line else problem

    def problem_at(self, position: Position, text: str, hint: str | None) -> Problem:
        """Return a problem at *position*."""
        snippet = self._lines[position.line - 1] if position.line <= len(self._lines) else ""
        start = max(0, position.column - _SNIPPET // 2)
        if len(snippet) - start > _SNIPPET:
            snippet = f"{snippet[: start + _SNIPPET]}…"
        column = position.column
        if start:
            snippet = f"…{snippet[start:]}"
            column -= start - 1
        return Problem(self.path, position.line, position.column, text, snippet, hint, column)


class DataSource(Source):
    """The text of a CSV or JSON Lines file, whose locations are lines."""

    def _position(self, loc: Loc, *, on_key: bool) -> Position:
        del on_key
        return Position(max(1, int(loc[0])), 1)

    def _written(self, loc: Loc) -> str | None:
        return read_closely(self._lines[int(loc[0]) - 1]).plain.get(loc[1:])
