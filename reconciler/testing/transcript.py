"""Compare two transcripts, and show their difference to people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import unified_diff
from typing import Final, TypeAlias
from unicodedata import normalize

from reconciler.errors import UsageError
from reconciler.plans.actions import SENSITIVE
from reconciler.text.inert import escape, quoted

AuthorAndBody: TypeAlias = tuple[str | None, str | None]
"""Author and body of a message; None where it has none."""
_CONTEXT: Final = 2
"""Equal messages that are shown before and after a difference."""
_FROM_THE_START: Final = ("@@ -0,", "@@ -1 ", "@@ -1,")
"""The headings of `unified_diff` for a difference at the start, before which nothing is left out."""


def difference(
    expected: Iterable[AuthorAndBody], live: Iterable[AuthorAndBody], *, sensitive: Collection[str] = ()
) -> list[str]:
    """Return the lines that show where *live* differs from *expected*; none if both are equal.

    `-` marks an expected message, `+` a live one, and `...` equal ones that are left out. Authors and bodies
    in *sensitive* are never shown. Raises UsageError unless *expected* are pairs.
    """
    before, after = _pairs(expected), list(live)
    names = {message: str(number) for number, message in enumerate(dict.fromkeys((*before, *after)))}
    shown = _shown(names, sensitive)
    lines = unified_diff(
        [names[message] for message in before],
        [names[message] for message in after],
        lineterm="",
        n=_CONTEXT,
    )
    return [
        "..." if line.startswith("@@") else f"{line[0]} {shown[line[1:]]}"
        for line in list(lines)[2:]
        if not line.startswith(_FROM_THE_START)
    ]


def _pairs(expected: Iterable[object]) -> list[AuthorAndBody]:
    """Return *expected*; raises UsageError for what is no pair of author and body, texts or None."""
    pairs: list[AuthorAndBody] = []
    for number, one in enumerate(expected, start=1):
        match one:
            case (None | str() as author, None | str() as body):
                pairs.append((author, body))
            case _:
                raise UsageError(
                    f"a transcript is made of pairs of author and body, and number {number} is {one!r:.80}",
                    hint="write `(message.author, message.body)`",
                )
    return pairs


def _shown(names: Mapping[AuthorAndBody, str], sensitive: Collection[str]) -> dict[str, str]:
    """Return by name the line that shows each message; those that look alike are shown in ASCII."""
    plain = {message: _line(message, sensitive) for message in names}
    looks = Counter(normalize("NFC", line) for line in plain.values())
    return {
        name: plain[message]
        if looks[normalize("NFC", plain[message])] == 1
        else _line(message, sensitive, write=ascii)
        for message, name in names.items()
    }


def _line(
    message: AuthorAndBody, sensitive: Collection[str], *, write: Callable[[str], str] | None = None
) -> str:
    """Return the line of a message; *write* writes its texts, else they are as people read them."""
    author, body = message
    who = "(no author)" if author is None else SENSITIVE if author in sensitive else (write or escape)(author)
    what = "(no body)" if body is None else SENSITIVE if body in sensitive else (write or quoted)(body)
    return f"{who}: {what}"
