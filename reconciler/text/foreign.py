"""Errors of other libraries: reworded where they give facts, else quoted with the name of the library."""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn

import msgspec

_SHOWN: Final = 200
"""Characters of another library's text that are shown at most."""


_MOST_READ: Final = 4 * 1024 * 1024
"""Bytes of JSON that are parsed again to find the place of an error; that takes ten times the memory."""


_UNCLOSED: Final = re.compile(r'"(?:[^"\\]|\\.)*\\?', re.DOTALL)
"""A string that is not closed before the end of the input."""


def quoted(error: BaseException, who: str = "") -> str:
    """Return `NAME says "TEXT"` about *error*, or `NAME raised CLASS` where it has no text.

    *who* is the name of the library, by default the package that defines the error's class.
    """
    text = " ".join(str(error).split())[:_SHOWN]
    name = who or type(error).__module__.partition(".")[0].strip("_").replace("builtins", "Python")
    return f'{name} says "{text}"' if text else f"{name} raised {type(error).__name__}"


def json_fault(data: bytes | str, error: BaseException) -> str:
    """Return what is wrong with the JSON *data*, which msgspec refused with *error*, as a sentence."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, msgspec.ValidationError):
        return f"it is not what is expected there ({quoted(error)})"
    if len(data) > _MOST_READ:
        return f"it is no JSON ({quoted(error)})"
    try:
        text = data if isinstance(data, str) else data.decode()
        json.loads(text, parse_constant=_refuse)
    except UnicodeDecodeError as wrong:
        return f"it stops being UTF-8 at byte {wrong.start + 1:,}"
    except json.JSONDecodeError as wrong:
        return _no_json(wrong, text)
    except (ValueError, RecursionError):
        pass
    return f"it holds what JSON does not allow ({quoted(error)})"


def _no_json(wrong: json.JSONDecodeError, text: str) -> str:
    text = text.rstrip()
    lines = text.count("\n") + 1
    ends = wrong.pos >= len(text) or _UNCLOSED.fullmatch(text, wrong.pos) is not None
    if lines == 1:
        return "it ends too early" if ends else f"it stops being JSON at character {wrong.pos + 1:,}"
    if ends:
        return f"it ends too early, in line {lines:,}"
    return f"it stops being JSON at line {wrong.lineno:,}, column {wrong.colno:,}"


def _refuse(_: str) -> NoReturn:
    raise ValueError
