"""Plain scalars by the core schema of YAML 1.2: null, booleans, integers, floats, else text.

`yes`, `no`, `on`, `off` and dates are text.
"""

from __future__ import annotations

import math
import re
from typing import Final

MAYBE_NOT_TEXT: Final = frozenset("0123456789+-.~nNtTfF")
"""First characters of plain scalars that may be something else than text."""


_ENDS_NUMBER: Final = frozenset("0123456789.abcdefABCDEFnN")
"""Last characters of numbers: a text such as a timestamp with `Z` is told apart without a pattern."""


_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


_NUMBER: Final = re.compile(
    r"(?P<integer>[-+]?[0-9]+)|0o(?P<octal>[0-7]+)|0x(?P<hex>[0-9a-fA-F]+)"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
)


_LONGEST_NUMBER: Final = 400
"""Digits of the longest number read; Python itself refuses integers of more than 4,300."""


_MOST_DIGITS: Final = 15
"""Digits of an integer that every reader of JSON keeps: many hold numbers in 64 bits with a fraction."""
_MOST_DIGITS_OF_FRACTIONS: Final = 17
"""Digits that tell all fractions of 64 bits apart."""


class NoJsonNumber(ValueError):
    """A number that JSON cannot carry: not finite, or absurdly long."""


def plain_value(text: str) -> str | float | bool | None:
    """Return what the plain scalar *text* means; raise NoJsonNumber where JSON cannot carry it."""
    if text in _WORDS:
        return _WORDS[text]
    may_be_number = text[-1] in _ENDS_NUMBER
    match = _NUMBER.fullmatch(text) if may_be_number else None
    if match is None:
        if may_be_number and _NOT_FINITE.fullmatch(text):
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
    """Return whether the text *number* loses something by being one: a `+`, zeros in front, or digits."""
    digits = number.removeprefix("-").lower().partition("e")[0]
    if digits.startswith(("0x", "0o")):
        return False
    most = _MOST_DIGITS_OF_FRACTIONS if "." in digits else _MOST_DIGITS
    is_odd = digits[0] == "+" or (digits[0] == "0" and digits[1:2].isdigit())
    return is_odd or len(digits.replace(".", "").lstrip("0")) > most
