"""What other programs find wrong is told in our words, or quoted under their name."""

from __future__ import annotations

import csv
import sqlite3

import httpx
import msgspec
import pytest

from reconciler.text.foreign import json_fault, quoted


class Shape(msgspec.Struct):
    """Anything with a type."""

    number: int


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (csv.Error("odd quotes"), 'csv says "odd quotes"'),
        (sqlite3.OperationalError("disk full"), 'sqlite3 says "disk full"'),
        (httpx.ReadTimeout(""), "httpx raised ReadTimeout"),
        (ValueError("two\nlines"), 'Python says "two lines"'),
        (msgspec.DecodeError("x" * 300), f'msgspec says "{"x" * 200}"'),
    ],
)
def test_a_quotation_names_who_speaks(error: Exception, text: str) -> None:
    """On one line, and bounded: it is another program's text."""
    assert quoted(error) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"<html>", "it stops being JSON at character 1"),
        (b'{"number": 1', "it ends too early"),
        (b'{"number": "on', "it ends too early"),
        (b'{"number": "a\\"', "it ends too early"),
        (b'{\n  "number": 1\n  x\n}', "it stops being JSON at line 3, column 3"),
        (b'{\n  "number": 1,\n  "name', "it ends too early, in line 3"),
        (b'{"number": 1, "\xff": 2}', "it stops being UTF-8 at byte 16"),
        (b'{"number": ' + b"[" * 100_000, "it is nested too deeply"),
    ],
)
def test_wrong_json_has_a_place(data: bytes, text: str) -> None:
    """It is found without a look at the decoder's words."""
    with pytest.raises((ValueError, RecursionError)) as caught:
        msgspec.json.decode(data)

    assert json_fault(data, caught.value) == text


@pytest.mark.parametrize(
    ("data", "start"),
    [
        (b'{"number": "1"}', "it is not what is expected there (msgspec says "),
        (b'{"number": NaN}', "it holds what JSON does not allow (msgspec says "),
        (b'{"number": 1, "x": "\\ud83d"}', "it holds what JSON does not allow (msgspec says "),
        (b"x" * 5_000_000, "it is no JSON (msgspec says "),
    ],
)
def test_what_only_the_decoder_knows_is_quoted(data: bytes, start: str) -> None:
    """So is what is wrong with much data: reading it once more would take its memory ten times."""
    with pytest.raises(msgspec.DecodeError) as caught:
        msgspec.json.decode(data, type=Shape)

    assert json_fault(data, caught.value).startswith(start)
