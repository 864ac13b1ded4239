"""Counts, lists and values as parts of sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

_MOST_NAMED: Final = 20
"""Names that one choice lists at most."""


_SHOWN: Final = 40
"""Characters of a wrong value that are shown at most."""


def cut(text: str) -> str:
    """Return the beginning of *text*, short enough for a sentence."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def one_of(items: Sequence[str]) -> str:
    """Return *items* as a choice, such as `a, b or c`; of more than twenty only the first and a count."""
    if len(items) > _MOST_NAMED:
        return f"{', '.join(items[:_MOST_NAMED])} or one of {len(items) - _MOST_NAMED:,} more"
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"


def quoted(names: Iterable[str]) -> str:
    """Return *names* in backquotes, with commas between."""
    return ", ".join(f"`{name}`" for name in names)


def counted(count: int, noun: str) -> str:
    """Return `1 message` or `2,000 messages`: the count with its thousands apart."""
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def plural(count: int, noun: str, many: str | None = None) -> str:
    """Return `1 message` or `2 messages`; *many* is a plural that is not made by an s."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"
