"""The hostile corpus comes alive in no format, and each class of escaping is needed for that."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.manifest.dump import dump
from reconciler.manifest.yaml import writer as scalar_text
from reconciler.report import github
from reconciler.report import json as report_json
from reconciler.report.outcome import render_outcome
from reconciler.text import inert
from reconciler.text.inert import Hazard
from tests.support.hostile import (
    CORPUS,
    annotations_of,
    captured,
    comments_of,
    documents_of,
    events_of,
    logs_of,
    outcome_of,
)
from tests.support.judges import (
    annotations_come_alive,
    cells_come_alive,
    characters_come_alive,
    events_come_alive,
    fence_comes_alive,
    json_comes_alive,
    manifest_comes_alive,
    markdown_comes_alive,
    poses_of,
    runner_comes_alive,
    terminal_comes_alive,
)

ALL = tuple(dict.fromkeys(text for texts in CORPUS.values() for text in texts))
BENIGN = "hello"
NOTHING = re.compile(r"(?!)")
ON_SCREEN = ("text short", "outcome", "error", "problem", "progress", "drift", "export")
"""What stands on a terminal as it is; the other formats are its lines again, or go to programs."""


def test_corpus_is_large_and_covers_every_hazard() -> None:
    """At least 200 different strings, and five or more of each class."""
    texts = {text for strings in CORPUS.values() for text in strings}

    assert len(texts) >= 200
    assert CORPUS.keys() >= set(Hazard)
    assert all(len(strings) >= 5 for strings in CORPUS.values())


def in_logs(text: str) -> list[str]:
    """Return what acts in the output of any format, or is taken for a command by a CI runner."""
    return [
        f"{name}: {line}"
        for name, output in logs_of(text).items()
        for line in (*characters_come_alive(output), *runner_comes_alive(output))
    ]


def on_a_terminal(text: str) -> list[str]:
    """Return what a terminal makes of *text* beside showing it."""
    logs = logs_of(text)
    return terminal_comes_alive("\n".join(logs[name] for name in ON_SCREEN))


def in_markdown(text: str) -> list[str]:
    """Return what a Markdown parser finds in comments, or in a fence of the bare text."""
    comments = zip(comments_of(text), comments_of(BENIGN), strict=True)
    found = [line for comment, benign in comments for line in markdown_comes_alive(comment, benign)]
    return found + fence_comes_alive(inert.fence(text), text) if text in CORPUS["fence"] else found


def in_json(text: str) -> list[str]:
    """Return what a JSON parser finds to be other than what was said."""
    return [
        *json_comes_alive(documents_of(text), text),
        *events_come_alive(events_of(text), events_of(BENIGN)),
    ]


def in_annotations(text: str) -> list[str]:
    """Return the annotations that GitHub's runner would misread."""
    return annotations_come_alive(annotations_of(text), inert.escape(text))


def as_a_pose(text: str) -> list[str]:
    """Return the lines that pose as the report's own, for tools that look for those."""
    expected, found = (
        [line.split("support")[0] for line in poses_of(logs_of(one)["text"])] for one in (BENIGN, text)
    )
    return found if len(found) != len(expected) else []


def in_a_cell(text: str) -> list[str]:
    """Return the cells that a spreadsheet would calculate."""
    return cells_come_alive(render_outcome(outcome_of(text)))


def in_a_manifest(text: str) -> list[str]:
    """Return a manifest that a YAML reader does not take for what was exported, or what it cannot say."""
    service, left_out = captured(text)
    if left_out and text.isprintable():
        return [one.reason for one in left_out]
    bodies = {one.key: one.body for one in service.conversations[0].messages}
    return manifest_comes_alive(dump((service,)), bodies)


JUDGES = (
    in_logs,
    on_a_terminal,
    in_markdown,
    in_json,
    in_annotations,
    as_a_pose,
    in_a_cell,
    in_a_manifest,
)


@pytest.mark.parametrize("judge", JUDGES)
def test_nothing_comes_alive(judge: Callable[[str], list[str]]) -> None:
    """Whatever a stranger wrote, no parser of any format finds more in it than text."""
    assert {text: found for text in ALL if (found := judge(text))} == {}


def without(hazard: Hazard) -> Callable[[pytest.MonkeyPatch], None]:
    """Return what takes *hazard* out of what is disarmed."""

    def remove(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(inert, "DISARMED", inert.DISARMED - {hazard})
        patch.setattr(inert, "_ESCAPES", type(inert._ESCAPES)())
        if hazard is Hazard.STACKED:
            patch.setattr(inert, "_STACK", NOTHING)

    return remove


def setting(target: Any, name: str, value: Any) -> Callable[[pytest.MonkeyPatch], None]:
    """Return what puts *value* in the place of a function that escapes."""
    return lambda patch: patch.setattr(target, name, value)


def outside_of_code(patch: pytest.MonkeyPatch) -> None:
    """Let names and texts stand in comments as they are."""
    patch.setattr(inert, "code_span", inert.escape)
    patch.setattr(inert, "fence", lambda content, _language="": content)


def json_made_by(dumps: Callable[[Any], str]) -> Callable[[pytest.MonkeyPatch], None]:
    """Return what lets JSON be made in another way."""
    return setting(report_json, "json", SimpleNamespace(dumps=lambda document, **_: dumps(document)))


def plain_json(document: Any) -> str:
    """Return JSON with characters as they are."""
    return json.dumps(document, ensure_ascii=False)


def unescaped_json(document: Any) -> str:
    """Return JSON as somebody would write it who forgets that texts hold quotes."""
    return json.dumps(document).replace('\\"', '"')


REMOVALS: dict[str, dict[str, Callable[[pytest.MonkeyPatch], None]]] = {
    **{hazard: {"escaped": without(hazard)} for hazard in Hazard},
    "fence": {"longer fences": setting(inert, "longest_run", lambda _: 0)},
    "span": {"longer spans": setting(inert, "longest_run", lambda _: 0)},
    **{
        kind: {"within code": outside_of_code}
        for kind in ("html", "mention", "reference", "link", "markdown")
    },
    "formula": {"marked": setting(inert, "cell", inert.escape)},
    "pose": {"behind a bar": setting(inert, "lines", lambda text: text.split("\n"))},
    "json": {
        "quotes": json_made_by(unescaped_json),
        "quotes of manifests": setting(scalar_text, "_quoted", lambda value: f'"{value}"'),
        "plain manifests": setting(scalar_text, "_is_plain", lambda *_: True),
    },
    "shell": {"percent signs": setting(github, "_data", lambda text: text)},
}
REMOVALS["bidi"]["ASCII in JSON"] = json_made_by(plain_json)
REMOVALS["invisible"]["quoted in manifests"] = setting(inert, "is_visible", lambda _: True)
REMOVALS["command"] |= {
    "properties": setting(github, "_property", github._data),
    "quoted in manifests": setting(scalar_text, "_COMMAND", NOTHING),
}
REMOVALS["legacy command"] |= {
    "escaped in JSON": setting(report_json, "encode", lambda document: json.dumps(document).encode() + b"\n"),
    "escaped in manifests": setting(scalar_text, "_COMMAND", NOTHING),
}


def test_every_class_has_a_removal() -> None:
    """No class of the corpus is escaped by something whose loss would go unnoticed."""
    assert REMOVALS.keys() == CORPUS.keys()


@pytest.mark.parametrize(
    ("kind", "escaping"),
    [pytest.param(kind, name, id=f"{kind}: {name}") for kind in REMOVALS for name in REMOVALS[kind]],
)
def test_what_escapes_a_class_cannot_be_removed(
    kind: str, escaping: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it taken away, the test above would fail for a text of that class."""
    REMOVALS[kind][escaping](monkeypatch)

    assert any(is_noticed(judge, text) for text in CORPUS[kind] for judge in JUDGES)


def is_noticed(judge: Callable[[str], list[str]], text: str) -> bool:
    """Return whether *judge* finds anything, or cannot even read what came out."""
    try:
        return judge(text) != []
    except Exception:  # noqa: BLE001 - whatever a parser stumbles over
        return True


def test_terminal_notices_most_control_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a terminal that judges, not only a list of characters."""
    without(Hazard.CONTROL)(monkeypatch)
    noticed = [text for text in CORPUS["control"] if terminal_comes_alive(logs_of(text)["error"])]

    assert len(noticed) > len(CORPUS["control"]) / 2
