"""The hostile corpus comes alive in no format, and each class of escaping is needed for that."""

from __future__ import annotations

import json

import pytest
from markdown_it import MarkdownIt

from reconciler.report import inert
from reconciler.report.inert import Hazard
from reconciler.report.outcome import render_outcome
from tests.unit.hostile import (
    CORPUS,
    annotations_of,
    cells_come_alive,
    characters_come_alive,
    comments_of,
    documents_of,
    events_of,
    json_comes_alive,
    logs_of,
    markdown_comes_alive,
    outcome_of,
    poses_of,
    runner_comes_alive,
    terminal_comes_alive,
)

ALL = [
    pytest.param(text, id=f"{kind} {number}") for kind in CORPUS for number, text in enumerate(CORPUS[kind])
]
BENIGN = "hello"


def test_corpus_is_large_and_covers_every_hazard() -> None:
    """At least 200 different strings, and five or more of each hazard that inert.py knows."""
    texts = {text for strings in CORPUS.values() for text in strings}

    assert len(texts) >= 200
    assert all(len(CORPUS[hazard]) >= 5 for hazard in Hazard)


@pytest.mark.parametrize("text", ALL)
def test_no_log_shows_an_acting_character_or_starts_a_command(text: str) -> None:
    """Whatever a stranger wrote, every format holds plain visible characters and no command."""
    for name, output in logs_of(text).items():
        assert (name, characters_come_alive(output)) == (name, [])
        assert (name, runner_comes_alive(output)) == (name, [])


@pytest.mark.parametrize("kind", CORPUS)
def test_terminal_shows_the_lines_and_nothing_else(kind: str) -> None:
    """A terminal ends with each line in its row, the cursor below, its title and modes untouched."""
    for text in CORPUS[kind]:
        logs = logs_of(text)
        shown = "\n".join(logs[name] for name in ("text short", "outcome", "error", "problem", "progress"))
        assert terminal_comes_alive(shown) == []


@pytest.mark.parametrize("text", ALL)
def test_nothing_comes_alive_in_markdown(text: str) -> None:
    """A stranger's text changes nothing about a comment's structure: no link, mention or HTML."""
    for comment, benign in zip(comments_of(text), comments_of(BENIGN), strict=True):
        assert markdown_comes_alive(comment, benign) == []


@pytest.mark.parametrize("text", ALL)
def test_json_is_ascii_and_parses_back_to_the_same_values(text: str) -> None:
    """JSON escapes what acts on a terminal, and loses nothing by it."""
    assert json_comes_alive(documents_of(text), text) == []


@pytest.mark.parametrize("text", ALL)
def test_events_are_one_object_a_line(text: str) -> None:
    """No text can end an event early or start another."""
    kinds = [json.loads(line)["type"] for line in events_of(text).splitlines()]

    assert kinds == [json.loads(line)["type"] for line in events_of(BENIGN).splitlines()]


@pytest.mark.parametrize("text", ALL)
def test_annotations_are_one_command_a_line(text: str) -> None:
    """A line is one annotation whose properties and text strangers cannot leave."""
    lines = annotations_of(text)

    assert [runner_comes_alive(line) for line in lines] == [[line] for line in lines]
    assert not any(characters_come_alive(line) for line in lines)
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::warning", "::error"]
    assert all(line.count("=") >= 1 and "::" in line[2:] for line in lines)


@pytest.mark.parametrize("text", ALL)
def test_no_line_poses_as_one_of_the_reports_own(text: str) -> None:
    """Tools that read headers and summary lines find exactly those that the plan has."""
    expected = [line.split("support")[0] for line in poses_of(logs_of(BENIGN)["text"])]
    found = [line.split("support")[0] for line in poses_of(logs_of(text)["text"])]

    assert len(found) == len(expected)


@pytest.mark.parametrize("text", CORPUS["formula"])
def test_no_cell_is_a_formula(text: str) -> None:
    """The table of an outcome can be pasted into a spreadsheet."""
    assert cells_come_alive(render_outcome(outcome_of(text))) == []


def without(monkeypatch: pytest.MonkeyPatch, hazard: Hazard) -> None:
    """Take *hazard* out of what is disarmed."""
    monkeypatch.setattr(inert, "DISARMED", inert.DISARMED - {hazard})
    monkeypatch.setattr(inert, "_ESCAPES", type(inert._ESCAPES)())


@pytest.mark.parametrize("hazard", Hazard)
def test_each_hazard_that_is_not_disarmed_is_noticed(hazard: Hazard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were its escaping taken away, the checks above would fail."""
    without(monkeypatch, hazard)
    noticed = [
        text
        for text in CORPUS[hazard]
        if any(characters_come_alive(log) or runner_comes_alive(log) for log in logs_of(text).values())
    ]

    assert noticed


def test_terminal_notices_control_characters_that_are_not_disarmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were control characters let through, the terminal would obey most of the corpus."""
    without(monkeypatch, Hazard.CONTROL)
    noticed = [text for text in CORPUS["control"] if terminal_comes_alive(logs_of(text)["error"])]

    assert len(noticed) > len(CORPUS["control"]) / 2


@pytest.mark.parametrize("kind", ["html", "mention", "reference", "link", "markdown"])
def test_markdown_notices_text_outside_of_code(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were names put into comments as plain text, each class would come alive."""
    monkeypatch.setattr(inert, "code_span", inert.escape)
    monkeypatch.setattr(inert, "fence", lambda content, _language="": content)

    assert noticed_in_markdown(kind)


@pytest.mark.parametrize("text", CORPUS["fence"])
def test_no_content_closes_its_fence(text: str) -> None:
    """A fence holds lines of backticks even where nothing stands in front of them."""
    block, *rest = MarkdownIt("commonmark").parse(inert.fence(text))

    assert (block.content, rest) == (text + "\n", [])


def test_markdown_notices_spans_that_can_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were code spans of fixed length, backticks in a text would end them."""
    monkeypatch.setattr(inert, "longest_run", lambda _text: 0)

    assert noticed_in_markdown("span")


def noticed_in_markdown(kind: str) -> list[str]:
    """Return the texts of *kind* that come alive in a comment."""
    benign = comments_of(BENIGN)
    return [text for text in CORPUS[kind] if any(map(markdown_comes_alive, comments_of(text), benign))]


def test_table_notices_formulas_that_are_not_disarmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were cells shown like other text, a spreadsheet would calculate."""
    monkeypatch.setattr(inert, "cell", inert.escape)

    assert any(cells_come_alive(render_outcome(outcome_of(text))) for text in CORPUS["formula"])
