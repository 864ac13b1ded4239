"""Laws of escaping, for any text."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.report.disclosure import SHORT, cut, narrowed
from reconciler.text import inert

texts = st.text(st.characters(), max_size=60)
nasty = st.text('#:[]\\"`\n\r\t \u00a0\u202e\u0301@avsoteamcity|', max_size=40)

EMOJI = "\u2764\ufe0f\u200d\U0001f469\U0001f3fb1"
"""Characters that emoji are made of."""


def test_every_code_point_is_shown_or_escaped() -> None:
    """What Python does not call printable is escaped, over all of Unicode."""
    for start in range(0, 0x110000, 0x1000):
        block = "a".join(map(chr, range(start, start + 0x1000)))
        assert inert.escape(block).isprintable()


@given(texts | nasty)
def test_escaping_is_one_printable_line(text: str) -> None:
    """No text makes a second line or an unprintable character."""
    assert inert.escape(text).isprintable()


@given(texts | nasty)
def test_no_escaped_text_starts_a_command(text: str) -> None:
    """Neither at the start of a line nor inside of one."""
    shown = inert.escape(text)

    assert not shown.lstrip().startswith("::")
    assert not any(opening in shown for opening in ("##[", "##vso[", "##teamcity["))


@given(texts | nasty, texts | nasty)
def test_quoted_texts_are_equal_only_if_the_texts_are(one: str, other: str) -> None:
    """A change is never invisible."""
    assert (inert.quoted(one) == inert.quoted(other)) == (one == other)


@given(nasty.map(lambda text: (text, text.replace("\u00a0", "\\xa0").replace("\n", "\\n"))))
def test_escape_that_was_typed_is_told_from_one_that_was_made(pair: tuple[str, str]) -> None:
    """A text with a backslash and an `n` in it is shown differently from one with a newline."""
    assert (inert.quoted(pair[0]) == inert.quoted(pair[1])) == (pair[0] == pair[1])


@given(texts | nasty)
def test_lines_keep_the_number_of_lines_and_their_prefix(text: str) -> None:
    """Only a newline ends a line, and each has something in front of it."""
    shown = inert.lines(text)

    assert len(shown) == text.count("\n") + 1
    assert all(line.startswith("|") for line in shown)


@given(texts | nasty)
def test_printable_ascii_is_left_alone(text: str) -> None:
    """What harms nobody is shown as it is."""
    harmless = "".join(c for c in unicodedata.normalize("NFKD", text) if " " <= c <= "~" and c not in "#:")

    assert inert.escape(harmless) == harmless


@given(st.text("ab\n", max_size=600), st.text("ab\n", max_size=600))
def test_cutting_never_hides_that_two_texts_differ(one: str, other: str) -> None:
    """What is narrowed to the difference and then cut still differs."""
    before, after = narrowed(one, other)

    assert (cut(before) == cut(after)) == (one == other)


@given(texts)
def test_short_texts_are_not_cut(text: str) -> None:
    """Up to the limit, nothing is taken away."""
    assert cut(text[:SHORT]) == text[:SHORT]


@given(texts | nasty | st.text(f"{EMOJI}\n\u20e3a\u0301\ud83d", max_size=20))
def test_prose_keeps_lines_and_shows_every_other_hazard(text: str) -> None:
    """Only line breaks stay, and the joiners and selectors that stand right behind an emoji."""
    shown = inert.prose(text)

    assert shown.count("\n") == text.count("\n")
    shown.encode()  # raises for half of a surrogate pair
    for before, one in pairwise(" " + shown):
        assert one == "\n" or one.isprintable() or (one in "\ufe0f\u200d" and before in EMOJI)
