"""Suggest a known name for a misspelt one, at a bounded cost even for thousands of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count, islice
from typing import Final

MOST_SUGGESTIONS: Final = 200
"""Suggestions of one run at most.

That is twice the number of problems that are shown, as problems are not found in the order of their lines.
"""


_LOOKED_THROUGH: Final = 10_000
"""Known names that are considered for one suggestion at most."""


_COMPARED: Final = 100
"""Known names, the likeliest, that are compared letter by letter for one suggestion."""


_asked: Final[ContextVar[Iterator[int] | None]] = ContextVar("asked", default=None)
"""The counter of suggestions in one run; None outside of `few_suggestions`, where there is no limit."""


@contextmanager
def few_suggestions() -> Iterator[None]:
    """Let `close_to` answer only `MOST_SUGGESTIONS` times inside the block."""
    token = _asked.set(count())
    try:
        yield
    finally:
        _asked.reset(token)


def close_to(given: str, known: Iterable[str]) -> str | None:
    """Return the one of the *known* names that *given* may be a misspelling of, or None."""
    asked = _asked.get()
    if asked is not None and next(asked) >= MOST_SUGGESTIONS:
        return None
    from difflib import get_close_matches  # noqa: PLC0415 - only mistakes need it

    names = list(islice(known, _LOOKED_THROUGH))
    if len(names) > _COMPARED:
        names.sort(key=lambda name: (name[:1] != given[:1], abs(len(name) - len(given))))
    return next(iter(get_close_matches(given, names[:_COMPARED], n=1)), None)
