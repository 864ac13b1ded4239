"""`fmt`: canonical white space, quotes and brackets, and nothing else."""

from __future__ import annotations

import pytest

from reconciler.errors import ReconcilerError
from reconciler.manifest.yaml import format as formatting
from reconciler.manifest.yaml.format import format_text
from reconciler.manifest.yaml.reader import Irregular
from tests.support.yaml_texts import CASES


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_a_text_becomes_canonical(before: str, after: str) -> None:
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
