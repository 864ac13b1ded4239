"""Text files that a user hands in: encoded as their byte order mark says, with lines as editors count."""

from __future__ import annotations

import codecs

import pytest

from reconciler.runtime.text_file import NotText, as_utf8, decoded, lines_of

TEXT = "Grüße 😀\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
    ],
)
def test_the_byte_order_mark_names_the_encoding(data: bytes) -> None:
    """Spreadsheets and shells of Windows write UTF-16; without a mark a file is UTF-8."""
    assert decoded(data) == TEXT
    assert decoded(as_utf8(data)) == TEXT


@pytest.mark.parametrize(
    ("data", "text", "place"),
    [
        (b"a\r\nb\rGr\xfc\xdfe\n", "is not UTF-8: it holds the byte 0xfc", (3, 3)),
        (codecs.BOM_UTF8 + b"a\nb\xff", "is not UTF-8: it holds the byte 0xff", (2, 2)),
        (b"a\xc3", "is not UTF-8: it ends inside a character", (1, 2)),
        (codecs.BOM_UTF16_LE + b"a\0b", "is not UTF-16: it ends inside a character", (1, 2)),
        ("a\nb".encode("utf-16-be"), "is UTF-16 without a byte order mark", (1, 1)),
        (TEXT.encode("utf-16-le"), "is UTF-16 without a byte order mark", (1, 1)),
    ],
)
def test_what_is_no_text_is_named(data: bytes, text: str, place: tuple[int, int]) -> None:
    """The sentence names the encoding, and where the text ends."""
    with pytest.raises(NotText) as caught:
        decoded(data)

    assert (caught.value.text, (caught.value.line, caught.value.column)) == (text, place)


def test_no_other_character_ends_a_line() -> None:
    """Vertical tab, form feed, NEL and the separators of Unicode stand inside a line for every editor."""
    assert lines_of("a\vb\fc\x1cd\x85e\u2028f\u2029g\r\nh\ri\n") == [
        "a\vb\fc\x1cd\x85e\u2028f\u2029g",
        "h",
        "i",
        "",
    ]
