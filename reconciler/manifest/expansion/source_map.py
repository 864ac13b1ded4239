"""Where what was expanded is written: problems point at the text that a person can change."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from reconciler.manifest.diagnostics.findings import Loc
from reconciler.manifest.expansion.transcripts import Line
from reconciler.manifest.unexpanded import Unexpanded, containers


class Locations:
    """Where each mapping and list of the written *files* is, looked up when it is first asked for."""

    def __init__(self, files: Iterable[Unexpanded]) -> None:
        self._files = {file.path: file for file in files}

    @cached_property
    def _by_id(self) -> dict[int, tuple[str, Loc]]:
        found: dict[int, tuple[str, Loc]] = {}
        for file in self._files.values():
            for loc, container in containers(file.value):
                found.setdefault(id(container), (file.path, loc))
        return found

    def of(self, container: object) -> tuple[str, Loc] | None:
        """Return path and location of *container*, or None if no file holds it; of a `Line`, its own."""
        if isinstance(container, Line):
            return container.path, container.loc
        return self._by_id.get(id(container))

    def value(self, path: str, loc: Loc) -> Any:
        """Return what stands at *loc* of the file *path*."""
        value: Any = self._files[path].value
        for part in loc:
            value = value[part]
        return value


class SourceMap:
    """Which containers of the files those of one expanded manifest were made from."""

    def __init__(self, file: Unexpanded, locations: Locations) -> None:
        self._file = file
        self._locations = locations
        self._made: dict[int, tuple[object, object]] = {}
        """By id: what was made, which must live as long as its id counts, and what it was made from."""
        self._lines: dict[int, int] = {}
        self._borrowed: dict[tuple[int, str], Any] = {}
        self._sensitive: dict[int, tuple[str, ...]] = {}
        self.value: dict[str, Any] = {}

    def note(self, made: object, source: object, line: int | None = None) -> None:
        """Remember what *made* was made from; its line is that of *source* unless *line* is given."""
        self._made[id(made)] = (made, source)
        self._lines[id(made)] = self._file.line_of(source) if line is None else line

    def borrow(self, made: object, field: str, source: object) -> None:
        """Remember that *made* has *field* from the defaults *source*."""
        self._borrowed[id(made), field] = source

    def hide(self, made: object, fields: tuple[str, ...]) -> None:
        """Remember that *fields* of *made* hold sensitive values."""
        self._sensitive[id(made)] = fields

    def line_of(self, container: object) -> int:
        """Return the line of an expanded mapping or list."""
        line = self._lines.get(id(container))
        return self._file.line_of(container) if line is None else line

    def sensitive_of(self, container: object) -> tuple[str, ...]:
        """Return the fields of an expanded mapping that hold sensitive values."""
        return self._sensitive.get(id(container), ())

    def is_sensitive(self, loc: Loc) -> bool:
        """Return whether the value at *loc* of the expanded manifest holds a sensitive one."""
        value: Any = self.value
        for part in loc:
            if part in self.sensitive_of(value):
                return True
            value = _child(value, part)
        return False

    def located(self, loc: Loc) -> tuple[str, Loc]:
        """Return the file, and where in it, of what stands at *loc* in the expanded manifest."""
        where: tuple[str, Loc] = (self._file.path, ())
        value: Any = self.value
        for part in loc:
            lender = self._borrowed.get((id(value), str(part)))
            path, base = where if lender is None else self._locations.of(lender) or where
            where = (path, (*base, part))
            value = _child(value, part)
            if isinstance(value, dict | list):
                _, source = self._made.get(id(value), (None, value))
                where = self._locations.of(source) or where
        return where


def _child(value: Any, part: str | int) -> Any:
    try:
        return value[part]
    except (LookupError, TypeError):
        return None
