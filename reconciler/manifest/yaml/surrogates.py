r"""Read escaped surrogate pairs, as JSON writes them (`"\ud83d\ude00"`), which libyaml refuses.

Before libyaml reads the text, the escape of each half is replaced by another one of the same length, so that
all positions stay. In the values, the halves are put back. The other escapes have another first digit, of
characters that the text does not use.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from ruamel.yaml.error import MarkedYAMLError, StreamMark

from reconciler.runtime.text_file import place_in

PROBLEM: Final = "found invalid Unicode character escape code"
"""Libyaml's error for half of a pair."""
_HALF: Final = r"(\\u)([dD])([89a-fA-F][0-9a-fA-F]{2})"
_FREE: Final = "efabc"
"""First digits of the escapes that can replace a half."""
_TO_HALF: Final = 0xD000


class PairedText:
    """A text that may have surrogate pairs; its attribute *text* is for the parser."""

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
        """Return a function that returns the events of *next_event* with the pairs put back.

        That function raises MarkedYAMLError for a half without the other half.
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
        """Return the position of the first half without the other half behind *start*."""
        pairs_and_halves = re.compile(rf"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>{_HALF})")
        found = pairs_and_halves.finditer(self._written, start.index)
        at = next((one.start("half") for one in found if one["half"]), start.index)
        line, column = place_in(self._written, at)
        return StreamMark(start.name, at, line - 1, column - 1)


def _escapes(digit: str) -> str:
    return rf"(\\u)([{digit}{digit.upper()}])([89a-fA-F][0-9a-fA-F]{{2}})"


def _block(digit: str) -> str:
    """Return the range, for a pattern, of the characters whose escapes start with *digit*."""
    return f"{chr(int(digit + '800', 16))}-{chr(int(digit + 'fff', 16))}"


def _as(digit: str, like: str) -> str:
    return digit.upper() if like.isupper() else digit
