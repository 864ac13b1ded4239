"""The map from an expanded manifest back to what is written, which is what a person can correct."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from reconciler.manifest.diagnostics.findings import Loc, value_at
from reconciler.manifest.expansion.transcripts import Line
from reconciler.manifest.unexpanded import Unexpanded, containers


class Locations:
    """The locations of all mappings and lists of the written *files*; they are found on first use."""

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
        """Return path and location of *container*, or None if no file has it; of a `Line`, its own."""
        if isinstance(container, Line):
            return container.path, container.loc
        return self._by_id.get(id(container))

    def value(self, path: str, loc: Loc) -> Any:
        """Return the written value at *loc* of the file *path*."""
        return value_at(self._files[path].value, loc)


class SourceMap:
    """One expanded manifest, and the written mapping or list that each of its own was made from."""

    def __init__(self, file: Unexpanded, locations: Locations) -> None:
        self._file = file
        self._locations = locations
        self._made: dict[int, tuple[object, object]] = {}
        """By the id of what was made: itself, which keeps the id valid, and its source."""
        self._lines: dict[int, int] = {}
        """By the id of what was made."""
        self._borrowed: dict[tuple[int, str], Any] = {}
        """By the id of what was made and a field of it: the `defaults` that gave the field."""
        self._sensitive: dict[int, tuple[str, ...]] = {}
        """By the id of what was made: its sensitive fields."""
        self.value: dict[str, Any] = {}
        """The expanded manifest."""

    def note(self, made: object, source: object, line: int | None = None) -> None:
        """Note that *made* was made from *source*; its line is that of *source* unless *line* is given."""
        self._made[id(made)] = (made, source)
        self._lines[id(made)] = self._file.line_of(source) if line is None else line

    def borrow(self, made: object, field: str, source: object) -> None:
        """Note that *made* has *field* from the defaults *source*."""
        self._borrowed[id(made), field] = source

    def hide(self, made: object, fields: tuple[str, ...]) -> None:
        """Note that *fields* of *made* hold sensitive values."""
        self._sensitive[id(made)] = fields

    def line_of(self, container: object) -> int:
        """Return the line of an expanded mapping or list."""
        line = self._lines.get(id(container))
        return self._file.line_of(container) if line is None else line

    def sensitive_of(self, container: object) -> tuple[str, ...]:
        """Return the fields of an expanded mapping that hold sensitive values."""
        return self._sensitive.get(id(container), ())

    def is_sensitive(self, loc: Loc) -> bool:
        """Return whether *loc* of the expanded manifest is in a sensitive field."""
        value: Any = self.value
        for part in loc:
            if part in self.sensitive_of(value):
                return True
            value = _child(value, part)
        return False

    def located(self, loc: Loc) -> tuple[str, Loc]:
        """Return path and location where the value at *loc* of the expanded manifest is written."""
        where: tuple[str, Loc] = (self._file.path, ())
        value: Any = self.value
        source: object = None
        for part in loc:
            lender = self._borrowed.get((id(value), str(part)))
            path, base = where if lender is None else self._locations.of(lender) or where
            if lender is None and isinstance(source, Line):
                where = (path, source.loc_of(part))
            else:
                where = (path, (*base, part))
            value, source = _child(value, part), None
            if isinstance(value, dict | list):
                _, source = self._made.get(id(value), (None, value))
                where = self._locations.of(source) or where
        return where


def _child(value: Any, part: str | int) -> Any:
    try:
        return value[part]
    except (LookupError, TypeError):
        return None
