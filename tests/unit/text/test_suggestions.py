"""Thousands of mistakes among thousands of names: few are shown, and few are thought about."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import ManifestError
from reconciler.manifest.load import load
from reconciler.report.errors import MOST_SHOWN, render_error
from reconciler.report.github import problem_annotations
from reconciler.text.suggestions import MOST_SUGGESTIONS, close_to, few_suggestions

MANY = 600


def manifest(reference: str, head: str = "", inside: str = "") -> str:
    """Return a manifest of many messages, each with the text *reference*, in which N is its number."""
    messages = [f"          - {{key: k{n}, body: '{reference.replace('N', str(n))}'}}" for n in range(MANY)]
    lines = ["version: 1", head, "services:", "  desk:", "    conversations:", "      c:"]
    return "\n".join([*lines, inside, "        messages:", *messages])


NAMES = [f"customer_{n}_name" for n in range(MANY)]
VARIABLES = "variables:\n" + "\n".join(f"  {name}: {{type: string, default: x}}" for name in NAMES)
ITEM = ", ".join(f"{name}: x" for name in NAMES)


@pytest.mark.parametrize(
    "text",
    [
        manifest("${var.custmer_N_name}", head=VARIABLES),
        manifest("${each.value.custmer_N_name}", inside=f"        for_each: {{one: {{{ITEM}}}}}"),
    ],
    ids=["variables", "items"],
)
def test_what_is_shown_has_a_suggestion_and_little_else_has(tmp_path: Path, text: str) -> None:
    """Each is looked for among all names, so that to look for all would take the square of the time."""
    file = tmp_path / "a.yaml"
    file.write_text(text)

    with pytest.raises(ManifestError) as raised:
        load([file])

    problems = raised.value.problems
    assert len(problems) == MANY
    assert all("did you mean" in (problem.hint or "") for problem in problems[:MOST_SHOWN])
    assert sum("did you mean" in (problem.hint or "") for problem in problems) <= MOST_SUGGESTIONS


def test_a_hint_that_lists_what_there_is_does_not_list_everything(tmp_path: Path) -> None:
    """A line per mistake with every name in it is the square of the manifest."""
    file = tmp_path / "a.yaml"
    file.write_text(manifest("${each.value.zzz}", inside=f"        for_each: {{one: {{{ITEM}}}}}"))

    with pytest.raises(ManifestError) as raised:
        load([file])

    assert raised.value.problems[0].hint is not None
    assert raised.value.problems[0].hint.endswith(f"or one of {MANY - 20} more")


def test_one_more_problem_than_is_shown_is_counted(tmp_path: Path) -> None:
    """The rest is named by its number, with the command that shows it."""
    file = tmp_path / "a.yaml"
    file.write_text("\n".join(["version: 1", *(f"wrong{n}: x" for n in range(MOST_SHOWN + 1))]))

    with pytest.raises(ManifestError) as raised:
        load([file])
    shown = render_error(raised.value)

    assert shown.count("error: unknown field") == MOST_SHOWN
    assert shown.endswith(
        "error: 101 problems in the manifests, of which the first 100 are shown\n"
        "hint: `reconciler validate --format json` shows them all\n"
    )
    annotations = list(problem_annotations(raised.value))
    assert len(annotations) == MOST_SHOWN + 1
    assert annotations[-1] == ("::error::101 problems in the manifests, of which the first 100 are shown")


def test_the_likeliest_of_very_many_names_is_found() -> None:
    """Names that begin alike and are as long are compared, wherever they stand."""
    names = [f"{letter}{n}" for letter in "abcdefg" for n in range(1000)]

    assert close_to("welcme", [*names, "welcome"]) == "welcome"


def test_suggestions_are_counted_by_run() -> None:
    """One run that used them up leaves the next one its own."""
    for _ in range(2):
        with few_suggestions():
            found = [close_to("bdoy", ("body",)) for _ in range(MOST_SUGGESTIONS + 1)]
        assert found == ["body"] * MOST_SUGGESTIONS + [None]
