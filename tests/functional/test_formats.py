"""Several formats in one run, files that cannot be written, and annotations of outcomes and drift."""

from __future__ import annotations

import json
import os

import pytest

from reconciler.emulator import Emulator, Fault
from reconciler.emulator.faults import Answer
from tests.support.project import Project
from tests.support.sdk import client_at

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
    assert ran.err == read(project, "v.txt") + (
        "Error: manifests/desk.yaml:9:22: `body` of message `c` has no value\n"  # for programs
    )
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


def test_what_is_not_done_is_annotated_where_it_is_declared(desk: Project, remote: Emulator) -> None:
    """Failed and not reached are errors at their lines."""
    remote.faults.add(Fault("create_message", Answer(400, message="no, ::error::such"), nth=2))

    ran = desk.run("apply", "--auto-approve", "--format", "github", check=1)

    failed, not_reached = ran.out.splitlines()
    assert failed.startswith(
        "::error file=manifests/desk.yaml,line=8,title=failed::desk/order/b: Creation errored: "
    )
    assert not_reached.startswith("::error file=manifests/desk.yaml,line=9,title=not_reached::desk/order/c: ")


def test_nothing_is_annotated_where_all_is_done(desk: Project) -> None:
    """The file is there all the same, for the step that reads it."""
    ran = desk.run("apply", "--auto-approve", "--format", "github=done", check=0)

    assert ran.out.endswith("Apply complete! Resources: 5 added, 0 changed, 0 destroyed.\n")
    assert read(desk, "done") == ""


def test_drift_is_annotated_where_it_is_declared(desk: Project) -> None:
    """With the fields that changed, and without a place where no manifest is there."""
    desk.run("apply", "--auto-approve", check=0)
    (service,) = client_at(desk.environ["RECONCILER_ENDPOINT"]).conversations.v1.services.list()
    (conversation,) = service.conversations.list()
    changed, gone, _ = conversation.messages.list()
    changed.update(body="Hello there")
    gone.delete()

    placed = desk.run("drift", "--format", "github", check=0).out
    (desk.folder / "manifests" / "desk.yaml").unlink()
    (desk.folder / "manifests").rmdir()
    unplaced = desk.run("drift", "--format", "github", check=0).out

    assert sorted(placed.splitlines()) == [
        "::warning file=manifests/desk.yaml,line=7,title=drifted::desk/order/a has changed remotely: body",
        "::warning file=manifests/desk.yaml,line=8,title=drifted::desk/order/b has been deleted remotely",
    ]
    assert sorted(unplaced.splitlines()) == [
        "::warning title=drifted::desk/order/a has changed remotely: body",
        "::warning title=drifted::desk/order/b has been deleted remotely",
    ]
