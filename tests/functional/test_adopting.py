"""`--adopt` and `--duplicate`, for everything or for the addresses of a glob."""

from __future__ import annotations

import json

import pytest

from tests.support.project import Project

MANIFEST = """\
version: 1
services:
  desk:
    conversations:
      one:
        messages:
          - key: hello
            body: |
              Hello
      two:
        messages:
          - {key: bye, body: Bye}
"""


@pytest.fixture
def lost(served: Project) -> Project:
    """Everything is applied, and the state is lost."""
    served.write("manifests/desk.yaml", MANIFEST)
    served.run("apply", "--auto-approve", check=0)
    (served.folder / "reconciler.state.json").unlink()
    return served


ONE, TWO, FOLDER = "desk/one/hello", "desk/two/bye", "manifests"
ADOPT, CREATE = ["no-op"], ["create"]


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        (["--adopt"], {}, {ONE: ADOPT, TWO: ADOPT}),
        (["--adopt", FOLDER], {}, {ONE: ADOPT, TWO: ADOPT}),
        ([FOLDER, "--adopt", "--bodies", "none"], {}, {ONE: ADOPT, TWO: ADOPT}),
        (["--adopt", "--", FOLDER], {}, {ONE: ADOPT, TWO: ADOPT}),
        (["--adopt=desk/one", "--duplicate=*/bye"], {}, {ONE: ADOPT, TWO: CREATE}),
        (["--adopt", "desk/one", "--duplicate", "*/bye", FOLDER], {}, {ONE: ADOPT, TWO: CREATE}),
        (["--adopt=*", "--duplicate=*/bye"], {}, {ONE: ADOPT, TWO: ADOPT}),
        (["--duplicate"], {}, {ONE: CREATE, TWO: CREATE}),
        ([], {"RECONCILER_ADOPT": "true"}, {ONE: ADOPT, TWO: ADOPT}),
        ([], {"RECONCILER_ADOPT": "1", "RECONCILER_DUPLICATE": "0"}, {ONE: ADOPT, TWO: ADOPT}),
        ([], {"RECONCILER_ADOPT": "desk/one", "RECONCILER_DUPLICATE": TWO}, {ONE: ADOPT, TWO: CREATE}),
        (["--adopt=desk/one"], {}, None),
        ([], {"RECONCILER_ADOPT": "false"}, None),
    ],
)
def test_each_way_on_is_for_all_or_for_some(
    lost: Project, arguments: list[str], environ: dict[str, str], expected: dict[str, list[str]] | None
) -> None:
    """A value is what follows and is no file or folder, or what stands behind `=`."""
    lost.environ |= environ

    ran = lost.run("plan", "--format", "json", *arguments, check=1 if expected is None else 0)

    document = json.loads(ran.out)
    assert document["applyable"] is (expected is not None)
    changes = document["resource_changes"]
    messages = {one["address"]: one["change"]["actions"] for one in changes if one["type"] == "message"}
    if expected is not None:
        assert messages == expected


@pytest.mark.parametrize(
    "arguments",
    [["--adopt", "--duplicate"], ["--adopt", "--duplicate=desk/one"], ["--adopt=*", "--duplicate"]],
)
def test_all_cannot_be_adopted_and_created_again(lost: Project, arguments: list[str]) -> None:
    """Each can have addresses of its own."""
    error = lost.run("plan", *arguments, check=1).err

    assert "`--adopt` and `--duplicate` exclude each other" in error
    assert "`--adopt=GLOB`" in error


def test_a_manifest_beside_a_glob_is_read(lost: Project) -> None:
    """The value of the option does not swallow the path, nor the path the value."""
    lost.write("other.yaml", MANIFEST.replace("bye, body: Bye", "later, body: Later"))

    ran = lost.run("plan", "--adopt", "desk/*", "other.yaml", "--format", "json", check=0)

    changes = json.loads(ran.out)["resource_changes"]
    assert [one["address"] for one in changes if one["type"] == "message"] == [ONE, "desk/two/later"]


def test_help_and_completion_know_the_options(project: Project) -> None:
    """They are listed with what may stand behind them."""
    assert "--adopt [GLOB]" in project.run("plan", "--help", check=0).out
    assert "--duplicate [GLOB]" in project.run("apply", "--help", check=0).out
