"""What other programs find wrong: in our words where they give facts, else quoted under their name."""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn

import msgspec

_SHOWN: Final = 200
"""Characters that are shown of another program's text."""


_MOST_READ: Final = 4 * 1024 * 1024
"""Bytes of JSON that are read once more, to say where they go wrong: that takes ten times their memory."""


_UNCLOSED: Final = re.compile(r'"(?:[^"\\]|\\.)*\\?', re.DOTALL)
"""The start of a text up to the end of all."""


def quoted(error: BaseException, who: str = "") -> str:
    """Return `NAME says "TEXT"` about *error*, or `NAME raised CLASS` where it has no text.

    *who* is the program's name, by default the package that the error's class comes from.
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
