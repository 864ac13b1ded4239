"""Arrange messages for a reader: who stands on which side, and what is folded away."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from difflib import SequenceMatcher
from itertools import groupby
from operator import itemgetter
from typing import Final

from reconciler.chat.values import Bubble, Mark, Person, Run, Words

_SYSTEM: Final = "system"
"""The author of a message that was posted without one."""
NEIGHBOURS: Final = 3
"""Unchanged messages that are shown on each side of a changed one."""
_FEWEST: Final = 2
"""Unchanged messages that are worth folding away."""
_WORDS: Final = re.compile(r"\w+|\s+|[^\w\s]")
_MOST_COMPARED: Final = 4_000
"""Words of two texts together that are compared; longer ones are shown one after the other."""


def people(authors: Iterable[str]) -> dict[str, int]:
    """Return the number of each author, in the order in which they first speak; `system` comes last."""
    names = list(dict.fromkeys(authors))
    names.sort(key=_SYSTEM.__eq__)
    return {author: number for number, author in enumerate(names)}


def on_the_right(authors: Iterable[str], crowd: Collection[Person]) -> frozenset[str]:
    """Return the authors on the right: those who serve, and not who is served.

    People outside the chat stand on the left. If none of them speaks, the first participant who speaks does,
    and if no participant speaks, the first author but `system`. All others stand on the right.
    """
    names = [name for name in dict.fromkeys(authors) if name != _SYSTEM]
    outside = {one.name for one in crowd if one.outside}.intersection(names)
    inside = {one.name for one in crowd if not one.outside}
    first = next((name for name in names if name in inside), next(iter(names), ""))
    return frozenset({_SYSTEM, *names} - (outside or {first}))


def runs(bubbles: Sequence[Bubble]) -> tuple[Run, ...]:
    """Fold the messages away that have no change within `NEIGHBOURS`; without a change, all of them."""
    shown = [False] * len(bubbles)
    for at, one in enumerate(bubbles):
        if one.mark is not Mark.SAME:
            start, end = max(0, at - NEIGHBOURS), min(len(bubbles), at + NEIGHBOURS + 1)
            shown[start:end] = [True] * (end - start)
    found: list[Run] = []
    for visible, pairs in groupby(zip(shown, bubbles, strict=True), key=itemgetter(0)):
        run = tuple(bubble for _, bubble in pairs)
        folded = not visible and len(run) >= _FEWEST
        if found and not folded and not found[-1].folded:
            found[-1] = Run((*found[-1].bubbles, *run))
        else:
            found.append(Run(run, folded=folded))
    return tuple(found)


def changed_words(before: str, after: str) -> tuple[tuple[Words, ...], tuple[Words, ...]]:
    """Return both texts with the words marked that are in one of them only."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) + len(new) > _MOST_COMPARED:
        return (Words(before, Mark.DELETED),), (Words(after, Mark.ADDED),)
    left: list[Words] = []
    right: list[Words] = []
    for tag, old_start, old_end, new_start, new_end in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        same = tag == "equal"
        if old_end > old_start:
            left.append(Words("".join(old[old_start:old_end]), Mark.SAME if same else Mark.DELETED))
        if new_end > new_start:
            right.append(Words("".join(new[new_start:new_end]), Mark.SAME if same else Mark.ADDED))
    return tuple(left), tuple(right)


def day(text: str) -> str:
    """Return the day of an instant in UTC, in words; empty if it is none."""
    found = _instant(text)
    return f"{found:%A}, {found.day} {found:%B} {found.year}" if found is not None else ""


def time_of_day(text: str) -> str:
    """Return the time of day of an instant in UTC; the text itself if it is none."""
    found = _instant(text)
    return f"{found:%H:%M} UTC" if found is not None else text


def _instant(text: str) -> datetime | None:
    """Return the moment of an instant; None if it is none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
