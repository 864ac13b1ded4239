"""Write single values as YAML: plain where no reader mistakes the text, else quoted or as a literal block."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from reconciler.manifest.yaml.tidy import quoted_again
from reconciler.text import inert


class Plain(str):
    """A text that is written without quotes, as its field is of a type that readers may know: an instant."""

    __slots__ = ()


_EXPONENT_OF_INTEGER: Final = re.compile(r"^(-?\d+)e")
"""The start of a number that YAML 1.1 reads as a text, as it has an exponent but no point."""


_MISREAD: Final = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
"""Words that some version of YAML does not read as texts."""


_SIGNS: Final = (": ", " #")


_SIGNS_WITHIN: Final = (":", "#", ",", "[", "]", "{", "}", "?")
"""Characters that end a plain text early: outside of brackets, and inside brackets or braces."""


_COMMAND: Final = re.compile(r"^\s*::|##(?=[A-Za-z]*\[)", re.MULTILINE)
"""Commands that a CI runner would carry out if its log contained them."""


_WIDTH: Final = 100
"""Most characters of a list or mapping on one line."""


def scalar(value: Any, *, within: bool = False) -> str:
    """Return the YAML of *value*, which is no list and no mapping, on one line.

    *within* tells that it is inside brackets or braces, where plain texts may have fewer characters.
    """
    if isinstance(value, Plain):
        return value
    if isinstance(value, str):
        return value if _is_plain(value, _SIGNS_WITHIN if within else _SIGNS) else _quoted(value)
    return _EXPONENT_OF_INTEGER.sub(r"\1.0e", json.dumps(value))


def inline(value: Any) -> str | None:
    """Return the YAML of a list or mapping on one line, or None if that is too long."""
    if not isinstance(value, dict | list):
        return scalar(value, within=True)
    if isinstance(value, list):
        items = [inline(item) for item in value]
        text = f"[{', '.join(item for item in items if item is not None)}]"
    else:
        items = [inline(item) for item in value.values()]
        pairs = [f"{scalar(key, within=True)}: {item}" for key, item in zip(value, items, strict=True)]
        text = f"{{{', '.join(pairs)}}}"
    return None if None in items or len(text) > _WIDTH else text


def literal(value: str) -> tuple[str, list[str]] | None:
    """Return the header and the lines of a literal block for *value*, or None where that is not safe.

    It is not safe where an editor or a YAML reader may change the text, or a CI runner may obey it. A safe
    text has no white space at the end of a line or at its start, no tabs, and at most one newline at its end.
    """
    lines = value.removesuffix("\n").split("\n")
    if len(lines) == 1 or not lines[-1] or not lines[0] or lines[0].startswith(" "):
        return None
    if any(not inert.is_visible(line) or line.endswith(" ") for line in lines) or _COMMAND.search(value):
        return None
    return ("|" if value.endswith("\n") else "|-"), lines


def _is_plain(value: str, signs: tuple[str, ...]) -> bool:
    return (
        inert.is_visible(value)
        and value[:1].isalpha()
        and not value.endswith((" ", ":"))
        and value.lower() not in _MISREAD
        and not any(sign in value for sign in signs)
        and not _COMMAND.search(value)
    )


def _quoted(value: str) -> str:
    """Return *value* in double quotes, or in single ones where that saves escapes, as `fmt` has it."""
    text = inert.with_escapes(json.dumps(value, ensure_ascii=False)[1:-1], _escape)
    text = _COMMAND.sub(lambda found: found[0].replace("##", r"\x23#"), f'"{text}"')
    return quoted_again(text[1:-1], '"')


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the end of the basic plane
