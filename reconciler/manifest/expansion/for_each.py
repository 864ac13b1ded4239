"""The items of a `for_each`: a list, a mapping, or the rows of a data file, each with a key."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from reconciler.manifest.diagnostics.findings import Refusal
from reconciler.manifest.diagnostics.wording import described
from reconciler.manifest.expansion.data_files import Row, read_rows
from reconciler.model import INSTANCE_KEY
from reconciler.text.suggestions import close_to
from reconciler.text.words import cut

_KEY: Final = re.compile(INSTANCE_KEY)


_KEY_HINT: Final = "a key is 1 to 64 letters, digits, `.`, `_`, `@`, `+`, `:` and `-`"


_DEFAULT_FIELD: Final = "key"


_FILE_FIELDS: Final = frozenset(("file", "key"))


class Items:
    """Finds the items of every `for_each` of one run, and reads each file once."""

    def __init__(self) -> None:
        self._files: dict[tuple[Path, str, str | None], dict[str, Any]] = {}

    def of(self, written: Any, folder: Path) -> dict[str, Any]:
        """Return by key the items of the `for_each` *written*, whose references are resolved.

        A text or number of a list is its own key. A mapping in a list, or a row, has its key in the field
        `key`, or in the one that `key:` beside `file:` names. Paths are relative to *folder*. Raises Refusal.
        """
        if (
            isinstance(written, dict)
            and isinstance(written.get("file"), str)
            and written.keys() <= _FILE_FIELDS
        ):
            return self._of_file(folder, written["file"], written.get("key"))
        if isinstance(written, dict):
            return _checked(written.items())
        if isinstance(written, list):
            return _keyed([Row(0, item) for item in written], _DEFAULT_FIELD, "its list")
        raise Refusal(
            "must be a list, a mapping, or a file",
            "write `[a, b]`, `{a: 1, b: 2}` or `{file: customers.csv, key: id}`",
        )

    def _of_file(self, folder: Path, file: str, key: str | None) -> dict[str, Any]:
        if (folder, file, key) not in self._files:
            rows = read_rows(folder, file)
            if isinstance(rows, dict) and key is None:
                items = _checked(rows.items())
            else:
                listed = [Row(0, item) for item in rows.values()] if isinstance(rows, dict) else rows
                items = _keyed(listed, key or _DEFAULT_FIELD, f"`{file}`")
            self._files[folder, file, key] = items
        return self._files[folder, file, key]


def _keyed(rows: list[Row], field: str, where: str) -> dict[str, Any]:
    return _checked(
        (_key_of(row, field, number, where), row.value) for number, row in enumerate(rows, start=1)
    )


def _key_of(row: Row, field: str, number: int, where: str) -> Any:
    value = row.value
    if not isinstance(value, dict):
        return value
    if field in value:
        return value[field]
    at = f"line {row.line}" if row.line else f"item {number}"
    meant = close_to(field, list(value))
    if not row.line:
        hint = f"give each item a `{cut(field)}`"
    elif meant:
        hint = f"did you mean `key: {meant}`?"
    else:
        hint = f"name the field that tells the items apart: `{{file: …, key: {next(iter(value), 'id')}}}`"
    raise Refusal(f"has no key: {at} of {where} has no `{cut(field)}`", hint)


def _checked(items: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in items:
        text = str(key) if isinstance(key, str | int) and not isinstance(key, bool) else ""
        if not _KEY.fullmatch(text):
            shown = "nothing" if key is None else described(key)
            raise Refusal(f"has an item whose key cannot be part of an address: {shown}", _KEY_HINT)
        if text in found:
            raise Refusal(f"has two items with the key `{text}`", "choose a field that tells them apart")
        found[text] = value
    return found
