"""Plain scalars by the core schema of YAML 1.2: null, booleans, integers, floats, else text.

`yes`, `no`, `on`, `off` and dates are text.
"""

from __future__ import annotations

import math
import re
from typing import Final

MAYBE_NOT_TEXT: Final = frozenset("0123456789+-.~nNtTfF")
"""First characters of plain scalars that may not be texts."""


_ENDS_NUMBER: Final = frozenset("0123456789.abcdefABCDEFnN")
"""Last characters of numbers; texts such as timestamps with `Z` are recognised without a pattern."""


_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


_BEGINS_WORD: Final = frozenset("~nNtTfF")
"""First characters of the words that are no texts; a number begins with none of them."""


_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


_NUMBER: Final = re.compile(
    r"(?P<integer>[-+]?[0-9]+)|0o(?P<octal>[0-7]+)|0x(?P<hex>[0-9a-fA-F]+)"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
)


_LONGEST_NUMBER: Final = 400
"""Digits of the longest number that is read; Python refuses integers of more than 4,300 digits."""


_MOST_DIGITS: Final = 15
"""Digits of an integer that every reader of JSON keeps: many store numbers as 64-bit floats."""
_MOST_DIGITS_OF_FRACTIONS: Final = 17
"""Digits that distinguish all 64-bit floats."""


class NoJsonNumber(ValueError):
    """A number that JSON cannot represent: it is not finite, or has too many digits."""


def plain_value(text: str) -> str | float | bool | None:
    """Return the value of the plain scalar *text*; raises NoJsonNumber."""
    if not text or text[0] in _BEGINS_WORD:
        return _WORDS.get(text, text)
    return _number(text) if text[-1] in _ENDS_NUMBER else text


def _number(text: str) -> str | float:
    """Return the number *text*, or *text* itself if it is none; raises NoJsonNumber."""
    if len(text) <= _MOST_DIGITS and text.isdecimal() and text.isascii():
        return int(text)
    match = _NUMBER.fullmatch(text)
    if match is None:
        if _NOT_FINITE.fullmatch(text):
            raise NoJsonNumber(text)
        return text
    if len(text) > _LONGEST_NUMBER:
        raise NoJsonNumber(text)
    if match["integer"]:
        return int(text)
    if match["octal"]:
        return int(match["octal"], 8)
    if match["hex"]:
        return int(match["hex"], 16)
    number = float(text)
    if not math.isfinite(number):
        raise NoJsonNumber(text)
    return number


def loses_digits(number: str) -> bool:
    """Return whether reading the text *number* as a number drops a `+`, leading zeros or digits."""
    if len(number) <= _MOST_DIGITS and number[0] != "0" and number.isdecimal():
        return False  # as for most
    digits = number.removeprefix("-").lower().partition("e")[0]
    if digits.startswith(("0x", "0o")):
        return False
    most = _MOST_DIGITS_OF_FRACTIONS if "." in digits else _MOST_DIGITS
    is_odd = digits[0] == "+" or (digits[0] == "0" and digits[1:2].isdigit())
    return is_odd or len(digits.replace(".", "").lstrip("0")) > most
