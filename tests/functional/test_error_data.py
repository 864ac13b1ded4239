"""Who asks for JSON gets JSON, also where a command fails: Terraform's diagnostics."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Emulator, Fault
from reconciler.emulator.faults import Answer
from reconciler.emulator.server import running
from tests.support.manifests import ONE_OF_EACH
from tests.support.project import Project, environ_of

COMMANDS = {
    "plan": ("plan",),
    "refresh": ("plan", "--refresh-only"),
    "apply": ("apply", "--auto-approve"),
    "destroy": ("destroy", "--auto-approve"),
    "drift": ("drift",),
}


def misspell(project: Project) -> None:
    """Write a field that no message has, behind characters of several bytes."""
    project.edit("manifests/a.yaml", "author: bob, body: 'How", "author: bób, bdy: 'How")


def disconnect(project: Project) -> None:
    """Change nothing: the emulator is gone already."""
    del project


def damage(project: Project) -> None:
    """Cut the state in half."""
    state = project.folder / "reconciler.state.json"
    state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])


def mistype(project: Project) -> None:
    """Give an option a value that it does not take; the variable counts for all commands."""
    project.environ["RECONCILER_PARALLELISM"] = "many"


CAUSES: dict[Callable[[Project], None], tuple[str, str]] = {
    misspell: ("manifest", "unknown field `bdy` in message `how`"),
    disconnect: ("not_sent", "no connection"),
    damage: ("state", "the state `reconciler.state.json` is damaged"),
    mistype: ("usage", "'--parallelism'"),
}
"""By what goes wrong: the code of the diagnostic, and a part of its summary."""


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with three applied messages, whose emulator has ended."""
    with closing(Emulator()) as emulator, running(emulator) as url:
        project = Project(tmp_path_factory.mktemp("past"), {**environ_of(url), "RECONCILER_MAX_WAIT": "0"})
        project.write("manifests/a.yaml", ONE_OF_EACH)
        project.run("apply", "--auto-approve", check=0)
    return project


@pytest.fixture
def applied(past: Project, tmp_path: Path) -> Project:
    """A copy of that project."""
    shutil.copytree(past.folder, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path, {**past.environ})


def events(text: str) -> list[dict[str, Any]]:
    """Return the events of a stream."""
    return [json.loads(line) for line in text.splitlines()]


def errors(diagnostics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the errors among *diagnostics*."""
    return [one for one in diagnostics if one["severity"] == "error"]


def diagnosed(text: str) -> list[dict[str, Any]]:
    """Return the errors of a stream, which begins with the version."""
    stream = events(text)
    assert [one["type"] for one in stream].index("version") == 0
    assert [one["type"] for one in stream].count("version") == 1
    assert all(one["@level"] == "error" for one in stream if one["type"] == "diagnostic")
    return errors([one["diagnostic"] for one in stream if one["type"] == "diagnostic"])


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.__name__)
def test_each_command_tells_programs_what_went_wrong(
    applied: Project, command: str, cause: Callable[[Project], None]
) -> None:
    """What people read stays on stderr, and the exit code is that of an error."""
    cause(applied)

    document = applied.run(*COMMANDS[command], "--format", "json", check=1)
    stream = applied.run(*COMMANDS[command], "--format", "jsonl", check=1)

    (found,) = json.loads(document.out)["diagnostics"]
    code, words = CAUSES[cause]
    assert (found["severity"], found["code"]) == ("error", code)
    assert words in found["summary"]
    assert diagnosed(stream.out) == [found]
    assert document.err == stream.err
    assert f"error: {found['summary']}\n" in document.err
    assert "Error: " not in document.err


def test_a_mistake_in_a_manifest_has_its_range_and_snippet(applied: Project) -> None:
    """As `validate` shows it; offsets are bytes, and columns characters."""
    misspell(applied)

    told = json.loads(applied.run("plan", "--format", "json", check=1).out)

    validated = json.loads(applied.run("validate", "--format", "json", check=1).out)
    assert told["diagnostics"] == validated["diagnostics"]
    (found,) = told["diagnostics"]
    line = "          - {key: how, author: bób, bdy: 'How can I help?'}"
    assert found["range"] == {
        "filename": "manifests/a.yaml",
        "start": {"line": 8, "column": line.index("bdy") + 1},
        "end": {"line": 8, "column": line.index("bdy") + 2},
    }
    snippet = found["snippet"]
    assert (snippet["code"], snippet["start_line"]) == (line, 8)
    marked = line.encode()[snippet["highlight_start_offset"] : snippet["highlight_end_offset"]]
    assert (marked, snippet["highlight_start_offset"]) == (b"b", line.encode().index(b"bdy"))


def test_the_snippet_of_a_long_line_is_marked_where_it_is_cut(project: Project) -> None:
    """A line may be a whole message."""
    long = f"          - {{key: a, attributes: '{'é' * 400}', bdy: x, body: '{'é' * 400}'}}"
    project.write("manifests/a.yaml", ONE_OF_EACH + f"{long}\n")

    (found,) = json.loads(project.run("plan", "--format", "json", check=1).out)["diagnostics"]

    snippet = found["snippet"]
    code = snippet["code"].encode()
    assert snippet["code"].startswith("…é")
    assert code[snippet["highlight_start_offset"] :].startswith(b"bdy: x")


def test_no_reader_of_plans_takes_an_error_for_a_plan(applied: Project) -> None:
    """They require a `format_version`, and would find no changes."""
    misspell(applied)

    told = json.loads(applied.run("plan", "--format", "json", check=1).out)

    assert "format_version" not in told
    assert (told["errored"], told["valid"], told["error_count"]) == (True, False, 1)


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_plan_that_is_refused_is_shown_with_the_reasons(project: Project, command: str) -> None:
    """One document: the plan, of which `apply` does nothing."""
    project.write("manifests/a.yaml", ONE_OF_EACH)
    project.run("apply", "--auto-approve", check=0)
    project.write("manifests/a.yaml", "version: 1\nservices: {}\n")

    document = project.run(*COMMANDS[command], "--format", "json", check=1)
    stream = project.run(*COMMANDS[command], "--format", "jsonl", check=1)

    told = json.loads(document.out)
    assert (told["applyable"], told["format_version"]) == (False, "1.2")
    assert told["diagnostics"] == diagnosed(stream.out)
    assert [one["summary"] for one in told["diagnostics"]] == [one["text"] for one in told["refusals"]]
    assert told["refusals"]
    assert document.err == stream.err
    assert "error: refusing to delete" in document.err


def test_a_report_in_a_pipe_ends_with_the_word_that_programs_look_for(project: Project) -> None:
    """`Error: ` at the start of a line, as Terraform has it; other commands have no report."""
    project.write("manifests/a.yaml", ONE_OF_EACH.replace("body: 'How", "bdy: 'How"))

    ran = project.run("plan", check=1)
    shown = project.run("show", check=1)

    assert ran.err.endswith(
        "\nerror: 1 problem in the manifests\n"
        "Error: manifests/a.yaml:8:37: unknown field `bdy` in message `how`\n"
    )
    assert "Error: " not in shown.err


def test_an_apply_that_fails_tells_which_action(served: Project, remote: Emulator) -> None:
    """In its own document, or in the stream of what was done before."""
    served.write("manifests/a.yaml", ONE_OF_EACH)
    remote.faults.add(Fault("create_message", Answer(400, message="no such author")))

    told = json.loads(served.run("apply", "--auto-approve", "--format", "json", check=1).out)
    stream = served.run("apply", "--auto-approve", "--format", "jsonl", check=1).out
    report = served.run("apply", "--auto-approve", check=1)

    assert [(one["address"], one["code"]) for one in told["diagnostics"]] == [
        ("support/order-1/hello", "refused")
    ]
    assert diagnosed(stream)
    assert "\nError: create of `support/order-1/hello` failed: " in report.err


def test_other_commands_tell_too(project: Project) -> None:
    """Every command that knows `--format json`."""
    for arguments in (
        ("show",),
        ("output",),
        ("state", "show", "a/b/c"),
        ("transcript", "nobody", "--endpoint", "http://127.0.0.1:1"),
        ("validate",),
    ):
        ran = project.run(*arguments, "--format", "json", check=1)

        (found,) = json.loads(ran.out)["diagnostics"]
        assert f"error: {found['summary']}\n" in ran.err


def test_a_wrong_option_does_not_hide_the_format(project: Project) -> None:
    """Nor does a format from the environment count for less."""
    for arguments in (("--format", "json", "--bogus"), ("--bogus", "--format=json"), ("--bogus",)):
        project.environ["RECONCILER_FORMAT"] = "json" if len(arguments) == 1 else "text"
        told = json.loads(project.run("plan", *arguments, check=1).out)

        assert [one["code"] for one in told["diagnostics"]] == ["usage"]


def test_files_are_left_as_they_are(applied: Project) -> None:
    """The error may be that one of them is not to be written."""
    misspell(applied)
    (applied.folder / "old.json").write_text("earlier", encoding="utf-8")

    ran = applied.run("plan", "--format", "json=old.json", "--format", "jsonl=manifests/a.yaml", check=1)

    assert ran.out == ""
    assert (applied.folder / "old.json").read_text("utf-8") == "earlier"
    assert (applied.folder / "manifests" / "a.yaml").read_text("utf-8").startswith("version: 1\n")


def test_a_plan_that_cannot_be_saved_is_no_plan_to_programs(project: Project) -> None:
    """They would go on with a file that is not there."""
    project.write("manifests/a.yaml", ONE_OF_EACH)

    ran = project.run("plan", "--out", "nowhere/plan.bin", "--format", "json", check=1)

    told = json.loads(ran.out)
    assert "resource_changes" not in told
    assert [one["code"] for one in told["diagnostics"]] == ["plan"]
