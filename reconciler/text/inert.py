"""Make foreign text harmless; no other module does.

Bodies, authors, attributes, names and server errors are written by strangers. What passes through
here can neither move a cursor, hide or reorder what a reader sees, start a workflow command in a
CI log, nor come alive in Markdown or a spreadsheet. Escapes are visible (`\u202e`), and `quoted`
and `lines` double the backslash, so that two different texts never look the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from typing import Final


class Hazard(StrEnum):
    """What makes a character, or a sequence of them, dangerous to show."""

    CONTROL = "control"
    """C0, C1 and DEL: the terminal obeys them."""
    BIDI = "bidi"
    """Directional embeddings, overrides, isolates and marks: they reorder what is read."""
    INVISIBLE = "invisible"
    """Format characters and fillers of no width: two texts look the same and are not."""
    SEPARATOR = "separator"
    """Line and paragraph separators: some log viewers start a line there."""
    SURROGATE = "surrogate"
    """Half of a pair: cannot be written as UTF-8."""
    SELECTOR = "selector"
    """Variation selectors and tags: they smuggle unseen text behind a visible character."""
    BLANK = "blank"
    """Spaces that are not U+0020, and characters that look like one."""
    UNASSIGNED = "unassigned"
    """Private and unassigned code points: no two viewers agree on them."""
    STACKED = "stacked"
    """More than three combining marks in a row, which spill over the rows around, or one with no base."""
    COMMAND = "command"
    """`::name::` at the start of a line, which GitHub's runner carries out."""
    LEGACY_COMMAND = "legacy command"
    """`##[name]`, `##vso[…]`, `##teamcity[…]` anywhere in a line."""


_SPECIAL: Final = {
    **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x061C, 0x200E, 0x200F), Hazard.BIDI),
    **dict.fromkeys((0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0), Hazard.INVISIBLE),
    **dict.fromkeys((0x2800, 0x1D159), Hazard.BLANK),
    **dict.fromkeys((*range(0x180B, 0x1810), *range(0xFE00, 0xFE10)), Hazard.SELECTOR),
}
"""Code points whose Unicode category alone does not tell their effect."""


_TAGS: Final = range(0xE0000, 0xE1000)
"""Code points of tags and selectors: as many as 4,096, so they are not among those above."""


_CATEGORIES: Final = {
    "Cc": Hazard.CONTROL,
    "Cf": Hazard.INVISIBLE,
    "Zl": Hazard.SEPARATOR,
    "Zp": Hazard.SEPARATOR,
    "Cs": Hazard.SURROGATE,
    "Zs": Hazard.BLANK,
    "Co": Hazard.UNASSIGNED,
    "Cn": Hazard.UNASSIGNED,
}


_MARKS: Final = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"


# Patterns are texts, which `re` compiles when one is used first: most commands show nothing that needs them.
_STACK: Final = rf"(?:\A|(?<={_MARKS}{{3}})){_MARKS}+"


_ONE_EMOJI: Final = "[\u2190-\u2bff\U0001f000-\U0001faff]\ufe0f?[\U0001f3fb-\U0001f3ff]?"


_EMOJI: Final = rf"({_ONE_EMOJI}(?:\u200d{_ONE_EMOJI})*|[0-9#*]\ufe0f\u20e3)"
"""One emoji as people write it: joined ones, colours of skin, and keys among them."""


_COMMAND: Final = r"\A(\s*):(?=:)"


_LEGACY_COMMAND: Final = r"##(?=[A-Za-z]*\[)"


_BACKTICKS: Final = "`+"


_FORMULA: Final = tuple("=+-@\t\r＝＋－＠")  # noqa: RUF001 - spreadsheets read the full-width forms too


DISARMED: frozenset[Hazard] = frozenset(Hazard)
"""The hazards that are escaped: all. Tests take out one at a time, to see that the corpus notices."""


def hazard_of(character: str) -> Hazard | None:
    """Return why *character* may not be shown as it is, or None if it may."""
    if character == " ":
        return None
    code = ord(character)
    if code in _TAGS:
        return Hazard.SELECTOR
    return _SPECIAL.get(code) or _CATEGORIES.get(unicodedata.category(character))


def _visible(characters: str) -> str:
    return characters.encode("unicode_escape").decode("ascii")


class _Escapes(dict[int, str]):
    """A table for `str.translate` that computes the escape of each character once per process."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        shown = _visible(character) if hazard_of(character) in DISARMED else character
        self[code] = shown
        return shown


_ESCAPES: Final = _Escapes()


def escape(text: str) -> str:
    """Return *text* as one harmless line: for terminals, logs and error messages."""
    if text.isascii() and text.isprintable() and "##" not in text and "::" not in text:
        return text
    if Hazard.COMMAND in DISARMED:
        # This runs before blanks are escaped, as the runner skips blanks of every kind.
        text = re.sub(_COMMAND, r"\1\\:", text)
    text = _shown(text)
    return re.sub(_LEGACY_COMMAND, r"#\\#", text) if Hazard.LEGACY_COMMAND in DISARMED else text


def _shown(text: str) -> str:
    """Return *text* with every character escaped that cannot be shown as it is."""
    if Hazard.STACKED in DISARMED:
        text = re.sub(_STACK, lambda run: _visible(run[0]), text)
    return text.translate(_ESCAPES)


def is_visible(text: str) -> bool:
    """Return whether every character of *text* can be shown as it is."""
    if text.isascii():
        return text.isprintable()
    return not any(hazard_of(one) in DISARMED for one in text) and not re.search(_STACK, text)


def with_escapes(text: str, escaped: Callable[[str], str]) -> str:
    """Return *text* with each character that cannot be shown as it is *escaped*: for other notations."""
    unstacked = re.sub(_STACK, lambda run: "".join(map(escaped, run[0])), text)
    return "".join(escaped(one) if hazard_of(one) in DISARMED else one for one in unstacked)


def quoted(text: str) -> str:
    """Return *text* on one line in double quotes; two different texts never look the same."""
    return '"' + escape(_doubled(text).replace('"', '\\"')) + '"'


def prose(text: str) -> str:
    """Return *text* with its line breaks, harmless on a page.

    No runner looks for commands there, so these stay as they are. An emoji keeps its joiners and selectors.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    parts = re.split(_EMOJI, text)  # at odd places what matches
    return "".join(
        part if at % 2 else "\n".join(map(_shown, part.split("\n"))) for at, part in enumerate(parts)
    )


def lines(text: str) -> list[str]:
    """Return the lines of *text*, each harmless, each behind `| ` so that none can start a command.

    The prefix also keeps a line from posing as one of the report's own. A text that ends with a
    newline has an empty last line.
    """
    return ["| " + escape(_doubled(line)) if line else "|" for line in text.split("\n")]


def differ_in_blanks_only(before: str, after: str) -> bool:
    """Return whether two different texts become equal once their white space is taken out."""
    return before != after and "".join(before.split()) == "".join(after.split())


def with_visible_blanks(text: str) -> str:
    """Return *text* with its white space shown: `·` space, `→` tab, `⏎` at the end of a line."""
    return text.replace(" ", "·").replace("\t", "→").replace("\n", "⏎\n")


def code_span(text: str) -> str:
    """Return *text* as Markdown code on one line.

    Inside code no mention, issue reference, link, image or HTML comes alive, on GitHub and GitLab alike.
    """
    shown = escape(text)
    ticks = "`" * (longest_run(shown) + 1)
    pad = " " if shown.startswith(("`", " ")) or shown.endswith(("`", " ")) or not shown else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def fence(content: str, language: str = "") -> str:
    """Return harmless lines as a fenced Markdown block that none of them can close."""
    ticks = "`" * max(3, longest_run(content) + 1)
    return f"{ticks}{language}\n{content}\n{ticks}"


def cell(text: str) -> str:
    """Return *text* for one cell of a table that people paste into spreadsheets: never a formula."""
    shown = escape(text)
    return "'" + shown if shown.startswith(_FORMULA) else shown


def longest_run(text: str) -> int:
    """Return the length of the longest run of backticks."""
    return max(map(len, re.findall(_BACKTICKS, text)), default=0)


def _doubled(text: str) -> str:
    return text.replace("\\", "\\\\")
