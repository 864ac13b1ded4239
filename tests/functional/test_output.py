"""`reconciler output`: the sids of everything, for other programs."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.support.project import Project

DESK = """\
version: 1
services:
  support:
    conversations:
      order-4711:
        messages:
          - {key: welcome, body: Welcome!}
          - {key: v1.0, body: Out now}
"""


@pytest.fixture
def desk(project: Project) -> Project:
    """A project whose manifest is applied."""
    project.write("manifests/desk.yaml", DESK)
    project.run("apply", "--auto-approve", check=0)
    return project


def sids(project: Project) -> dict[str, str]:
    """Return what `--format json` prints."""
    loaded: dict[str, str] = json.loads(project.run("output", "--format", "json", check=0).out)
    return loaded


def test_json_maps_addresses_to_sids(desk: Project) -> None:
    """Parents and messages, each with a sid of its kind."""
    assert {address: sid[:2] for address, sid in sids(desk).items()} == {
        "support": "IS",
        "support/order-4711": "CH",
        "support/order-4711/v1.0": "IM",
        "support/order-4711/welcome": "IM",
    }


def test_the_table_has_a_line_for_each_address(desk: Project) -> None:
    """Columns stand under each other, and hold what JSON holds."""
    lines = desk.run("output", check=0).out.splitlines()

    assert dict(line.split() for line in lines) == sids(desk)
    assert len({line.index(" " + sid) for line, sid in zip(lines, sids(desk).values(), strict=True)}) == 1


def test_a_glob_that_matches_nothing_is_an_error(desk: Project) -> None:
    """A script that reads a sid must not go on with an empty one."""
    ran = desk.run("output", "support/*", "suport/*", check=1)

    assert ran.out == ""
    assert ran.err == (
        "error: nothing is bound to `suport/*`\nhint: `reconciler state list` shows what is bound\n"
    )


def test_env_is_read_by_a_shell(desk: Project) -> None:
    """What is printed can be sourced; a name is the address in capitals."""
    desk.write("sids.env", desk.run("output", "--format", "env", check=0).out)

    read = subprocess.run(
        ["sh", "-c", '. ./sids.env && echo "$SID_SUPPORT_ORDER_4711_WELCOME $SID_SUPPORT_ORDER_4711_V1_0"'],
        cwd=desk.folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    known = sids(desk)
    assert read == [known["support/order-4711/welcome"], known["support/order-4711/v1.0"]]


def test_globs_choose(desk: Project) -> None:
    """Only what matches is printed."""
    assert desk.run("output", "*/welcome", "--format", "env", check=0).out.startswith(
        "SID_SUPPORT_ORDER_4711_WELCOME=IM"
    )


def test_two_addresses_with_one_name_are_an_error(desk: Project) -> None:
    """`v1.0` and `v1-0` cannot both be a variable: nothing is printed, and both are named."""
    desk.edit("manifests/desk.yaml", "- {key: welcome, body: Welcome!}", "- {key: v1-0, body: Soon}")
    desk.run("apply", "--auto-approve", check=0)

    ran = desk.run("output", "--format", "env", check=1)

    assert ran.out == ""
    assert "`support/order-4711/v1-0` and `support/order-4711/v1.0` would both be" in ran.err
    assert desk.run("output", check=0).out.count("\n") == 4


def test_names_and_values_are_safe(desk: Project) -> None:
    """A name never begins with a digit, and a state that was tampered with prints nothing to be run."""
    state = desk.folder / "reconciler.state.json"
    document = json.loads(state.read_text(encoding="utf-8"))
    document["bindings"] = {"4711": {"sid": "IS01"}}
    state.write_text(json.dumps(document), encoding="utf-8")

    assert desk.run("output", "--format", "env", "--prefix", "", check=0).out == "_4711=IS01\n"
    state.write_text(state.read_text(encoding="utf-8").replace("IS01", "IS0; touch owned"), encoding="utf-8")
    refused = desk.run("output", "--format", "env", check=1)

    assert refused.out == ""
    assert "is damaged: what `4711` stands for is no sid" in refused.err


@pytest.mark.parametrize(
    "name",
    [
        "path",
        "home",
        "ld-preload",
        "ld.audit",
        "bash-env",
        "ENV",
        "pythonstartup",
        "node-options",
        "https.proxy",
    ],
)
def test_no_name_that_a_shell_or_loader_owns_arises(project: Project, name: str) -> None:
    """A service may have any name; with the prefix it is nobody's variable, and without it it is refused."""
    document = {"bindings": {name: {"sid": "IS01"}}, "intents": {}, "in_flight": {}, "used_plans": []} | {
        "format_version": 2,
        "lineage": "x",
        "serial": 1,
        "tool_version": "0",
        "account_sid": "AC1",
        "origin": "o",
    }
    project.write("reconciler.state.json", json.dumps(document))
    shouted = name.upper().replace("-", "_").replace(".", "_")

    assert project.run("output", "--format", "env", check=0).out == f"SID_{shouted}=IS01\n"
    assert project.run("output", "--format", "env", "--prefix", "DEMO_", check=0).out.startswith("DEMO_")
    refused = project.run("output", "--format", "env", "--prefix", "", check=1)

    assert refused.out == ""
    assert f"`{name}` would be {shouted}, which shells or other programs act on" in refused.err


@pytest.mark.parametrize("prefix", ["LD_", "RECONCILER_", "TWILIO_", "GIT_", "DYLD_"])
def test_a_prefix_does_not_lead_into_a_family_that_is_owned(desk: Project, prefix: str) -> None:
    """A prefix is judged by the names that it makes."""
    assert desk.run("output", "--format", "env", "--prefix", prefix, check=1).out == ""


@pytest.mark.parametrize("prefix", ["1_", "a b", "X=1;", "x_", "Ä_"])
def test_a_prefix_is_the_beginning_of_a_name(desk: Project, prefix: str) -> None:
    """Anything else could end the name and begin a command."""
    ran = desk.run("output", "--format", "env", "--prefix", prefix, check=1)

    assert (ran.out, "`--prefix` is no beginning of a variable's name" in ran.err) == ("", True)


def test_without_a_state_there_is_nothing_to_print(project: Project) -> None:
    """The error names the file and what makes one."""
    ran = project.run("output", check=1)

    assert "there is no state at `reconciler.state.json`" in ran.err
    assert "`reconciler apply`" in ran.err
