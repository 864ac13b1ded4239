"""Which known name a misspelt one may mean; cheap also where thousands are misspelt among thousands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count, islice
from typing import Final

MOST_SUGGESTIONS: Final = 200
"""In one run: twice as many as problems are shown, which are not found in the order of their places."""


_LOOKED_THROUGH: Final = 10_000
"""Known names that are looked through for one suggestion."""


_COMPARED: Final = 100
"""Known names that are compared letter by letter for one suggestion: the likeliest."""


_asked: Final[ContextVar[Iterator[int] | None]] = ContextVar("asked", default=None)
"""Counts what was asked in one run; None where there is no bound."""


@contextmanager
def few_suggestions() -> Iterator[None]:
    """Let `close_to` answer only `MOST_SUGGESTIONS` times inside the block."""
    token = _asked.set(count())
    try:
        yield
    finally:
        _asked.reset(token)


def close_to(given: str, known: Iterable[str]) -> str | None:
    """Return which of the *known* names *given* may be a misspelling of, or None."""
    asked = _asked.get()
    if asked is not None and next(asked) >= MOST_SUGGESTIONS:
        return None
    from difflib import get_close_matches  # noqa: PLC0415 - only mistakes need it

    names = list(islice(known, _LOOKED_THROUGH))
    if len(names) > _COMPARED:
        names.sort(key=lambda name: (name[:1] != given[:1], abs(len(name) - len(given))))
    return next(iter(get_close_matches(given, names[:_COMPARED], n=1)), None)
