"""Name the differences between two sets of fields. No other module uses DeepDiff.

It is called only for fields that are known to differ, to find the paths inside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET

from reconciler.model import JSON_FIELDS
from reconciler.plans.actions import FieldChange


def field_changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[FieldChange, ...]:
    """Return the differences between two sets of fields, sorted by path; JSON fields by what is inside."""
    from deepdiff import DeepDiff  # noqa: PLC0415  # a quarter second to import, and most plans change nothing

    tree = DeepDiff(
        {name: _value(name, text) for name, text in before.items()},
        {name: _value(name, text) for name, text in after.items()},
        view="tree",
        threshold_to_diff_deeper=0,  # the default reports mappings that share little as one change
        ignore_private_variables=False,  # keys such as `__typename` count too
    )
    changes = [
        FieldChange(
            path=tuple(level.path(output_format="list")),
            before=UNSET if kind.endswith("_added") else _restored(level.t1),
            after=UNSET if kind.endswith("_removed") else _restored(level.t2),
        )
        for kind, levels in tree.items()
        for level in levels
    ]
    return tuple(sorted(changes, key=lambda change: [(isinstance(part, str), part) for part in change.path]))


def _value(name: str, text: str) -> Any:
    """Return JSON as JSON, everything else as text; live attributes can be text that is no JSON."""
    if name not in JSON_FIELDS:
        return text
    try:
        return _marked(msgspec.json.decode(text))
    except (ValueError, RecursionError):
        return text


class _True:
    """A placeholder for `true`: DeepDiff equates it with 1 when it pairs the items of lists."""


class _False:
    """A placeholder for `false`."""


_MARKS: Final = {True: _True(), False: _False()}
_VALUES: Final = {mark: value for value, mark in _MARKS.items()}


def _marked(value: Any) -> Any:
    return _each(value, lambda leaf: _MARKS[leaf] if isinstance(leaf, bool) else leaf)


def _restored(value: Any) -> Any:
    return _each(value, lambda leaf: _VALUES[leaf] if isinstance(leaf, _True | _False) else leaf)


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return *value* with *change* applied to everything in it that is no mapping and no list."""
    if isinstance(value, dict):
        return {key: _each(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_each(item, change) for item in value]
    return change(value)
