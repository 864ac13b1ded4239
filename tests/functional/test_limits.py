"""Limits of what is read and made: each says so in a sentence, and an option or a variable raises it."""

from __future__ import annotations

import os

import pytest

from tests.support.project import Project

ONE = """version: 1
services:
  desk:
    conversations:
      c:
        messages: [{key: a, body: Hello}]
"""
MANY = """version: 1
services:
  desk:
    conversations:
      c:
        for_each: [a, b, c]
        messages: [{key: one, body: x}, {for_each: [x, y, z], key: two, body: x}, {use: t}]
templates:
  t: [{key: three, body: x}, {key: four, body: x}]
"""
MADE = 3 * 6


@pytest.fixture
def desk(project: Project) -> Project:
    """A project with a small manifest."""
    project.write("manifests/desk.yaml", ONE)
    return project


def error(project: Project, *arguments: str) -> list[str]:
    """Return the lines of the error that a command prints, but for the last one, which is for programs."""
    *lines, last = project.run(*arguments, check=1).err.splitlines()
    return lines if last.startswith("Error: ") else [*lines, last]


@pytest.mark.parametrize("command", ["validate", "plan", "fmt"])
def test_a_sparse_file_is_refused_by_its_size(desk: Project, command: str) -> None:
    """Ten gigabytes of nothing cost nothing to commit, and are not read."""
    os.truncate(desk.write("manifests/large.yaml", ""), 10_000_000_000)

    assert error(desk, command) == [
        "error: `manifests/large.yaml` has more than 100 MB",
        "hint: split it, or pass a larger `--max-manifest-size`",
    ]


def test_a_sparse_file_that_might_be_a_plan_is_not_read(desk: Project) -> None:
    """Its first bytes tell that it is none."""
    os.truncate(desk.write("large.yaml", ""), 10_000_000_000)

    complaint = error(desk, "apply", "large.yaml", "--auto-approve")
    assert complaint[0] == "error: `large.yaml` has more than 100 MB"


@pytest.mark.parametrize("suffix", ["", ".journal"])
@pytest.mark.parametrize("command", ["plan", "drift", "show", "apply --auto-approve"])
def test_a_sparse_state_is_not_read(desk: Project, command: str, suffix: str) -> None:
    """It is refused by its size, like a manifest."""
    desk.run("apply", "--auto-approve", check=0)
    with (desk.folder / f"reconciler.state.json{suffix}").open("ab") as file:
        file.truncate(10_000_000_000)

    assert error(desk, *command.split()) == [
        f"error: cannot read `reconciler.state.json{suffix}`: it has more than 2,000,000,000 bytes",
        "hint: no state is that large: put a backup back, or correct `--state`",
    ]


def test_a_file_of_values_has_the_same_limit(desk: Project) -> None:
    """It is read as a whole as well."""
    os.truncate(desk.write("values.yaml", ""), 10_000_000_000)

    complaint = error(desk, "validate", "--var-file", "values.yaml")
    assert complaint[0] == "error: `values.yaml` has more than 100 MB"


@pytest.mark.parametrize("command", ["validate", "fmt"])
def test_a_larger_manifest_may_be_allowed(desk: Project, command: str) -> None:
    """By an option, or by its variable."""
    desk.write("manifests/large.yaml", ONE.replace("desk", "other") + "# comment\n" * 150_000)
    desk.environ["RECONCILER_MAX_MANIFEST_SIZE"] = "1"

    assert error(desk, command)[0] == "error: `manifests/large.yaml` has more than 1 MB"
    desk.run(command, "--max-manifest-size", "2", check=0)


def test_all_manifests_together_have_a_limit(desk: Project) -> None:
    """Many small ones are as much as a large one."""
    for number in range(3):
        desk.write(f"manifests/{number}.yaml", ONE.replace("desk", f"s{number}") + "# comment\n" * 50_000)

    assert error(desk, "validate", "--max-total-size", "1") == [
        "error: the manifests have more than 1 MB together",
        "hint: give fewer of them, or pass a larger `--max-total-size`",
    ]
    desk.environ["RECONCILER_MAX_TOTAL_SIZE"] = "2"
    desk.run("validate", check=0)


def test_messages_that_are_made_have_a_limit(desk: Project) -> None:
    """What `for_each` and templates make is counted, across services; it is said once."""
    desk.write("manifests/many.yaml", MANY.replace("desk", "many"))

    problem = error(desk, "validate", "--max-messages", str(MADE - 1))
    assert len([line for line in problem if "messages in all" in line]) == 1
    assert problem[-1] == "error: 1 problem in the manifests"
    assert "hint: fan out less, or pass a larger `--max-messages`" in problem
    desk.environ["RECONCILER_MAX_MESSAGES"] = str(MADE)
    desk.run("validate", check=0)


def test_messages_that_are_written_are_not_counted(desk: Project) -> None:
    """A manifest of a million lines is as long as its author made it, also where it has variables."""
    messages = "".join(f'          - {{key: k{n}, body: "${{var.v}}"}}\n' for n in range(20))
    head = ONE.partition("        messages:")[0].replace("services", "variables: {v: {default: x}}\nservices")
    desk.write("manifests/desk.yaml", f"{head}        messages:\n{messages}")

    desk.run("validate", "--max-messages", "1", check=0)


@pytest.mark.parametrize("deep", ["[" * 20 + "]" * 20, "{a: " * 20 + "1" + "}" * 20])
def test_nesting_has_a_limit(desk: Project, deep: str) -> None:
    """What is read in depth takes a stack."""
    desk.write("manifests/desk.yaml", ONE.replace("Hello", f"Hello, attributes: {{a: {deep}}}"))
    desk.environ["RECONCILER_MAX_NESTING"] = "15"

    assert error(desk, "validate")[0] == "error: more than 15 lists and mappings inside one another"
    desk.run("validate", "--max-nesting", "40", check=0)


def test_no_manifest_can_raise_a_limit(desk: Project) -> None:
    """They come with the pull request that they are to be held against."""
    for name in ("max_messages", "max-messages", "limits"):
        desk.write("manifests/desk.yaml", f"{ONE}{name}: 10\n")
        assert error(desk, "validate")[0] == f"error: unknown field `{name}` in the manifest"
