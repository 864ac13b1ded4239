"""`fmt`: canonical white space, and nothing else."""

from __future__ import annotations

import pytest

from reconciler.errors import ReconcilerError
from reconciler.manifest.yaml import format as formatting
from reconciler.manifest.yaml.format import format_text
from reconciler.manifest.yaml.reader import Irregular

CASES = {
    "indentation": ("a:\n    b:\n       - c\n", "a:\n  b:\n    - c\n"),
    "list in the column of its key": ("a:\n- b: 1\n  c: 2\n", "a:\n  - b: 1\n    c: 2\n"),
    "list in a list": ("-  - a\n   - b\n", "- - a\n  - b\n"),
    "value on the next line": ("a:\n 'b'\n", "a:\n  'b'\n"),
    "spaces between tokens": ("a  :   1\n", "a: 1\n"),
    "inside brackets": ('a: { b : 1,"c":[ 1,2 ,] }\n', 'a: {b: 1, "c": [1, 2,]}\n'),
    "brackets over several lines": (
        "a: {\n      b: 1,\n  c: [\n1]\n }\n",
        "a: {\n  b: 1,\n  c: [\n    1]\n}\n",
    ),
    "trailing blanks": ("a: 1  \nb: 2\t\n", "a: 1\nb: 2\n"),
    "blank lines": ("\n\na: 1\n\n\n\nb: 2\n\n", "a: 1\n\nb: 2\n"),
    "final newline": ("a: 1", "a: 1\n"),
    "line ends": ("a: 1\r\nb:\r- 2\r\n", "a: 1\nb:\n  - 2\n"),
    "texts in brackets": ("a:   {b: -3d 09:00,c: d:e }\n", "a: {b: -3d 09:00, c: d:e}\n"),
    "question marks in brackets": ("a:   {b: why?,c: [ x?, y? ]}\n", "a: {b: why?, c: [x?, y?]}\n"),
    "quotes stay": ("a: 'b'\nc: \"d\"\n", "a: 'b'\nc: \"d\"\n"),
    "order stays": ("b: 1\na: 2\n", "b: 1\na: 2\n"),
    "anchors": ("a:   &x  {b: 1}\nc:  *x\n", "a: &x {b: 1}\nc: *x\n"),
    "explicit key": ("?   a\n:   b\n", "? a\n: b\n"),
    "document marks": ("%YAML 1.2\n---\na:   1\n...\n", "%YAML 1.2\n---\na: 1\n...\n"),
    "literal block": (
        "a: |\n     x\n       y  \n\n     z\n\n\nb: 1\n",
        "a: |\n  x\n    y  \n\n  z\n\nb: 1\n",
    ),
    "kept newlines": ("a:   |+\n   x\n\n\nb: 1\n", "a: |+\n  x\n\n\nb: 1\n"),
    "told indentation": ("a:\n- |2\n    x\n   y\n", "a:\n  - |2\n      x\n     y\n"),
    "block at the end of the file": ("a: |\n    x", "a: |\n  x"),
    "blank block": ("a: |\n   \n", "a: |\n"),
    "folded block": ("a:\n   b: >-\n     x\n     y\n", "a:\n  b: >-\n    x\n    y\n"),
    "text over several lines": ('a: "x  \n y\n\n       z"\n', 'a: "x  \n  y\n\n  z"\n'),
    "comment behind a value": ("a:   1   # one\n", "a: 1   # one\n"),
    "comment behind a block's header": ("a:   |  # text\n    x\n", "a: |  # text\n  x\n"),
    "comment above": ("a:\n    # of b\n    b: 1\n", "a:\n  # of b\n  b: 1\n"),
    "comment at the end of its block": ("a:\n    b: 1\n    # last\nc: 2\n", "a:\n  b: 1\n  # last\nc: 2\n"),
    "comment between items": ("a:\n- b\n# next\n- c\n", "a:\n  - b\n  # next\n  - c\n"),
    "comment in brackets": ("a: [\n# one\n1]\n", "a: [\n  # one\n  1]\n"),
    "comment at either end": ("   # first\na: 1\n   # last\n", "# first\na: 1\n# last\n"),
    "lines of Windows": ("a:   1\r\n\r\n\r\nb: |\r\n    x\r\n", "a: 1\r\n\r\nb: |\r\n  x\r\n"),
    "mixed line ends": ("a:   1\r\nb: 2\n", "a: 1\nb: 2\n"),
    "surrogate pairs": ('{"a":   "\\ud83d\\ude00"}\n', '{"a": "\\ud83d\\ude00"}\n'),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_white_space_becomes_canonical(before: str, after: str) -> None:
    """Each case has one canonical form, which is its own."""
    assert (format_text(before), format_text(after)) == (after, after)


def test_what_is_no_plain_data_is_refused() -> None:
    """A duplicate key, a tag, broken YAML or a raw line separator is for the reader to explain."""
    with pytest.raises(Irregular):
        format_text("a: 1\na: 2\n")


def test_a_change_of_meaning_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the layout ever be wrong, the text is read again, and no file is written."""
    monkeypatch.setattr(formatting._Layout, "lines", lambda _: iter(["a: 2\n"]))

    with pytest.raises(ReconcilerError, match="cannot be formatted without changing what it says"):
        format_text("a: 1\n")


def test_a_lost_comment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The value alone would not notice."""
    monkeypatch.setattr(formatting._Layout, "lines", lambda _: iter(["a: 1\n"]))

    with pytest.raises(ReconcilerError, match="cannot be formatted"):
        format_text("a: 1  # one\n")


def test_true_is_not_one() -> None:
    """Values that Python calls equal are told apart."""
    assert not formatting._says("a: 1\n", {"a": True})
