"""Compare two transcripts, and show their difference to people."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import unified_diff
from typing import Final, TypeAlias

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
    in *sensitive* are never shown.
    """
    before, after = list(expected), list(live)
    shown = {_line(message): _line(message, sensitive) for message in (*before, *after)}
    lines = unified_diff(list(map(_line, before)), list(map(_line, after)), lineterm="", n=_CONTEXT)
    return [
        "..." if line.startswith("@@") else f"{line[0]} {shown[line[1:]]}"
        for line in list(lines)[2:]
        if not line.startswith(_FROM_THE_START)
    ]


def _line(message: AuthorAndBody, sensitive: Collection[str] = ()) -> str:
    author, body = message
    who = "(no author)" if author is None else SENSITIVE if author in sensitive else escape(author)
    what = "(no body)" if body is None else SENSITIVE if body in sensitive else quoted(body)
    return f"{who}: {what}"
