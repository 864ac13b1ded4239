r"""Read escaped surrogate pairs, as JSON writes them (`"\ud83d\ude00"`); libyaml refuses both halves.

Each half is written as another character of the same length before libyaml reads the text, and put back in
what it gives, so that every place stays. Those characters are from a part of Unicode that the text does not
use; they differ from the halves in their first digit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from ruamel.yaml.error import MarkedYAMLError, StreamMark

from reconciler.runtime.text_file import place_in

PROBLEM: Final = "found invalid Unicode character escape code"
"""What libyaml says about half of a pair."""
_HALF: Final = r"(\\u)([dD])([89a-fA-F][0-9a-fA-F]{2})"
_FREE: Final = "efabc"
"""First digits of what can stand for a half."""
_TO_HALF: Final = 0xD000


class PairedText:
    """A text that may have surrogate pairs: *text* is what a parser is to read in its place."""

    def __init__(self, text: str) -> None:
        self._written = self.text = text
        self._stand_ins: re.Pattern[str] | None = None
        if not re.search(_HALF, text):
            return
        digit = next((one for one in _FREE if not re.search(_escapes(one) + f"|[{_block(one)}]", text)), "d")
        self._offset = int(digit, 16) * 0x1000 - _TO_HALF
        self._escapes = re.compile(_escapes(digit))
        self._stand_ins = re.compile(f"[{_block(digit)}]")
        self.text = re.sub(_HALF, lambda found: found[1] + _as(digit, found[2]) + found[3], text)

    def events(self, next_event: Callable[[], Any]) -> Callable[[], Any]:
        """Return what gives the events of *next_event* with the pairs put back.

        Raises MarkedYAMLError for a half without the other.
        """
        if self._stand_ins is None:
            return next_event

        def restored() -> Any:
            event = next_event()
            if getattr(event, "value", None):
                event.value = self._restored(event)
            return event

        return restored

    def _restored(self, event: Any) -> str:
        value: str = self._escapes.sub(lambda found: found[1] + _as("d", found[2]) + found[3], event.value)
        if event.style != '"' or self._stand_ins is None or not self._stand_ins.search(value):
            return value
        halves = self._stand_ins.sub(lambda found: chr(ord(found[0]) - self._offset), value)
        try:
            return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            raise MarkedYAMLError(problem=PROBLEM, problem_mark=self._half(event.start_mark)) from None

    def _half(self, start: Any) -> StreamMark:
        """Return the place of the first half without the other behind *start*."""
        pairs_and_halves = re.compile(rf"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>{_HALF})")
        found = pairs_and_halves.finditer(self._written, start.index)
        at = next((one.start("half") for one in found if one["half"]), start.index)
        line, column = place_in(self._written, at)
        return StreamMark(start.name, at, line - 1, column - 1)


def _escapes(digit: str) -> str:
    return rf"(\\u)([{digit}{digit.upper()}])([89a-fA-F][0-9a-fA-F]{{2}})"


def _block(digit: str) -> str:
    """Return the inside of a pattern for the characters whose escapes start with *digit*, as a range."""
    return f"{chr(int(digit + '800', 16))}-{chr(int(digit + 'fff', 16))}"


def _as(digit: str, like: str) -> str:
    return digit.upper() if like.isupper() else digit
