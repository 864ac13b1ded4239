"""Manifests of strangers, as in a pull request from outside: their texts and file names stay inert."""

from __future__ import annotations

import json
import os

import pytest

from tests.support.hostile import CORPUS
from tests.support.judges import characters_come_alive, runner_comes_alive, terminal_comes_alive
from tests.support.project import Project, Ran


@pytest.fixture
def outsiders(project: Project) -> Project:
    """A project with a broken manifest for each text of the corpus, which is its file's name too."""
    texts = sorted({text for strings in CORPUS.values() for text in strings if _can_be_written(text)})
    for number, text in enumerate(texts):
        name = f"{number:03} {text[:60]}.yaml".replace("/", "_").replace("\0", "_")
        written = json.dumps(text, ensure_ascii=False)
        project.write(
            f"manifests/{name}",
            f"version:  1\nservices:\n  s:\n    conversations:\n      c{number}: {{state: {written}}}\n",
        )
    return project


def _can_be_written(text: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in text)


def shown(ran: Ran) -> str:
    """Return all that a command printed."""
    return ran.out + ran.err


@pytest.mark.parametrize("command", ["validate", "validate --format json", "fmt --check", "fmt --diff"])
def test_what_a_stranger_wrote_stays_text(outsiders: Project, command: str) -> None:
    """No character acts on the terminal, and no line is a command for the runner."""
    ran = outsiders.run(*command.split())

    assert len(shown(ran)) > 10_000
    assert characters_come_alive(shown(ran)) == []
    assert runner_comes_alive(shown(ran)) == []
    assert terminal_comes_alive(shown(ran)) == []


def test_annotations_are_ours_alone(outsiders: Project) -> None:
    """Each command in the log is one of the annotations: one a problem shown, and one that counts them."""
    ran = outsiders.run("validate", "--format", "github", check=1)
    problems = ran.err.count("\nerror: ") + ran.err.startswith("error: ")

    commands = runner_comes_alive(shown(ran))

    assert characters_come_alive(shown(ran)) == []
    assert len(commands) == problems
    assert all(line.startswith("::error file=manifests/") for line in commands[:-1])
    assert commands[-1].endswith(" of which the first 100 are shown")


def test_a_pipe_is_no_file(project: Project) -> None:
    """Opening it would wait for ever, so rows and transcripts come from regular files alone."""
    os.mkfifo(project.folder / "pipe.csv")
    project.write(
        "pipes.yaml",
        """\
version: 1
services:
  s:
    conversations:
      rows: {for_each: {file: pipe.csv}}
      lines: {messages: [{from: pipe.csv}]}
""",
    )

    ran = project.run("validate", "pipes.yaml", check=1)

    assert ran.err.partition("\nError: ")[0].count("names a pipe or a device, not a file: `pipe.csv`") == 2
