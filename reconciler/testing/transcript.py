"""Transcripts as people read them, and how two of them differ."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import unified_diff
from typing import Final, TypeAlias

from reconciler.plans.actions import SENSITIVE
from reconciler.text.inert import escape, quoted

Said: TypeAlias = tuple[str | None, str | None]
"""Author and body of a message."""
_CONTEXT: Final = 2
"""Messages that are shown on either side of a difference."""
_FROM_THE_START: Final = ("@@ -0,", "@@ -1 ", "@@ -1,")
"""How a difference begins that leaves nothing out before it."""


def difference(
    expected: Iterable[Said], live: Iterable[Said], *, sensitive: Collection[str] = ()
) -> list[str]:
    """Return the lines that show where *live* is not *expected*, none if both are equal.

    `-` is expected, `+` is live, and `...` stands for what is equal and further away. Authors and bodies that
    are *sensitive* are not shown, on either side.
    """
    before, after = list(expected), list(live)
    shown = {_line(said): _line(said, sensitive) for said in (*before, *after)}
    lines = unified_diff(list(map(_line, before)), list(map(_line, after)), lineterm="", n=_CONTEXT)
    return [
        "..." if line.startswith("@@") else f"{line[0]} {shown[line[1:]]}"
        for line in list(lines)[2:]
        if not line.startswith(_FROM_THE_START)
    ]


def _line(said: Said, sensitive: Collection[str] = ()) -> str:
    author, body = said
    who = "(no author)" if author is None else SENSITIVE if author in sensitive else escape(author)
    what = "(no body)" if body is None else SENSITIVE if body in sensitive else quoted(body)
    return f"{who}: {what}"
