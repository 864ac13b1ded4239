"""The items of a `for_each`: a list, a mapping, or the rows of a data file, each with a key."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from reconciler.manifest.diagnostics.findings import FileRefusal, Finding, Loc, Refusal
from reconciler.manifest.diagnostics.wording import described
from reconciler.manifest.expansion.data_files import Row, path_of, read_rows
from reconciler.model import INSTANCE_KEY
from reconciler.text.suggestions import close_to
from reconciler.text.words import cut

_KEY: Final = re.compile(INSTANCE_KEY)


_KEY_HINT: Final = "a key is 1 to 64 letters, digits, `.`, `_`, `@`, `+`, `:` and `-`"


_TWICE_HINT: Final = "choose a field that tells them apart"


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
            return _checked((_key_of(item, number), item) for number, item in enumerate(written, start=1))
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
                items = _keyed(rows, key or _DEFAULT_FIELD, path_of(folder, file))
            self._files[folder, file, key] = items
        return self._files[folder, file, key]


def _keyed(rows: list[Row] | dict[str, Any], field: str, path: str) -> dict[str, Any]:
    """Return by key the *rows* of the file *path*; raises FileRefusal with all that are wrong."""
    items: list[tuple[Loc, Any]] = (
        [((name,), value) for name, value in rows.items()]
        if isinstance(rows, dict)
        else [(row.loc(position), row.value) for position, row in enumerate(rows)]
    )
    found: dict[str, Any] = {}
    first: dict[str, Loc] = {}
    wrong: list[Finding] = []
    for loc, value in items:
        if isinstance(value, dict) and field not in value:
            wrong.append(Finding(loc, f"this item has no `{cut(field)}`", _hint_for(field, value)))
            continue
        key = value[field] if isinstance(value, dict) else value
        text = _text_of(key)
        if not text:
            wrong.append(Finding(loc, f"its key cannot be part of an address: {_shown(key)}", _KEY_HINT))
        elif text in found:
            earlier = path, first[text]
            wrong.append(
                Finding(loc, f"the key `{text}` is given twice; first at", _TWICE_HINT, earlier=earlier)
            )
        else:
            found[text], first[text] = value, loc
    if wrong:
        raise FileRefusal(path, wrong)
    return found


def _hint_for(field: str, value: dict[str, Any]) -> str:
    if meant := close_to(field, list(value)):
        return f"did you mean `key: {meant}`?"
    return f"name the field that tells the items apart: `{{file: …, key: {next(iter(value), 'id')}}}`"


def _key_of(value: Any, number: int) -> Any:
    """Return the key of an item of a list in a manifest, the *number*-th, from 1."""
    if not isinstance(value, dict):
        return value
    if _DEFAULT_FIELD not in value:
        text = f"has no key: item {number} of its list has no `{_DEFAULT_FIELD}`"
        raise Refusal(text, f"give each item a `{_DEFAULT_FIELD}`")
    return value[_DEFAULT_FIELD]


def _checked(items: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in items:
        text = _text_of(key)
        if not text:
            raise Refusal(f"has an item whose key cannot be part of an address: {_shown(key)}", _KEY_HINT)
        if text in found:
            raise Refusal(f"has two items with the key `{text}`", _TWICE_HINT)
        found[text] = value
    return found


def _text_of(key: Any) -> str:
    """Return *key* as a part of an address; empty if it cannot be one."""
    text = str(key) if isinstance(key, str | int) and not isinstance(key, bool) else ""
    return text if _KEY.fullmatch(text) else ""


def _shown(key: Any) -> str:
    return "nothing" if key is None else described(key)
