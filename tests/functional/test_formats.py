"""Several formats in one run, and files that cannot be written."""

from __future__ import annotations

import json
import os

import pytest

from reconciler.emulator import Emulator
from tests.functional.conftest import Project

MANIFEST = """\
version: 1
services:
  desk:
    conversations:
      order:
        messages:
          - {key: a, body: Hello}
          - {key: b, body: How are you?}
          - {key: c, body: Bye}
"""


@pytest.fixture
def desk(served: Project) -> Project:
    """A project with three messages to be created."""
    served.write("manifests/desk.yaml", MANIFEST)
    return served


def read(project: Project, name: str) -> str:
    """Return what a file of the project holds."""
    return (project.folder / name).read_text(encoding="utf-8")


def test_validate_writes_every_format(project: Project) -> None:
    """Text is for the screen, the others are in their files."""
    project.write("manifests/desk.yaml", MANIFEST)
    alone = project.run("validate", "--format", "json", check=0)

    ran = project.run(
        "validate", "--format", "text", "--format", "json=v.json", "--format", "github=v", check=0
    )

    assert ran.out == "Success! The manifests are valid: 3 messages in 1 conversation.\n"
    assert read(project, "v.json") == alone.out
    assert read(project, "v") == ran.out


def test_validate_writes_problems_in_every_format(project: Project) -> None:
    """They are in each file, and the screen tells of them too."""
    project.write("manifests/desk.yaml", MANIFEST.replace("Bye", ""))

    ran = project.run(
        "validate", *("--format", "json=v.json", "--format", "github=v", "--format", "text=v.txt"), check=1
    )

    assert "error: " in ran.err
    assert read(project, "v.txt") == ran.err
    assert json.loads(read(project, "v.json"))["error_count"] == 1
    assert read(project, "v").startswith("::error file=manifests/desk.yaml,line=9,")


def test_validate_names_a_folder_that_is_no_text(project: Project) -> None:
    """The name of a folder can be any bytes, and JSON still can be read."""
    folder = os.fsdecode(b"d\xff")
    project.write(f"{folder}/desk.yaml", "version: 2\n")

    document = json.loads(project.run("validate", "--format", "json", folder, check=1).out)

    assert document["diagnostics"][0]["range"]["filename"] == f"{folder}/desk.yaml"


@pytest.mark.parametrize("file", ["nowhere/r.json", "manifests"])
def test_a_file_that_cannot_be_written_is_an_error_before_the_first_request(
    desk: Project, remote: Emulator, file: str
) -> None:
    """Afterwards it would be too late: what was done could no longer be told."""
    ran = desk.run("apply", "--auto-approve", f"--format=json={file}", check=1)

    assert f"error: cannot write `{file}`: " in ran.err
    assert not remote.requests


def test_a_run_without_output_leaves_its_files_as_they_are(desk: Project) -> None:
    """An earlier report stays whole, and no empty one is left beside it."""
    desk.write("old.json", "earlier")
    desk.write("manifests/desk.yaml", "version: 2\n")
    before = desk.files()

    desk.run("plan", "--format", "json=old.json", "--format", "markdown=new.md", check=1)

    assert read(desk, "old.json") == "earlier"
    assert desk.files() == before
