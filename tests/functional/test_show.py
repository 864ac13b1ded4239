"""`show`: a state in the shape that Terraform's readers take, and a saved plan as a page."""

from __future__ import annotations

import json

import pytest

from tests.support.manifests import ONE_OF_EACH
from tests.support.project import Project


@pytest.fixture
def applied(project: Project) -> Project:
    """A project with three applied messages."""
    project.write("manifests/a.yaml", ONE_OF_EACH)
    project.run("apply", "--auto-approve", check=0)
    return project


def test_a_state_has_the_shape_of_terraforms(applied: Project) -> None:
    """The version is a text, and each object has its values; parents come first."""
    shown = json.loads(applied.run("show", "--format", "json", check=0).out)
    sids = json.loads(applied.run("output", "--format", "json", check=0).out)

    resources = shown["values"]["root_module"]["resources"]
    assert (shown["format_version"], shown["serial"]) == ("1.0", 2)
    assert [(one["address"], one["type"], one["mode"]) for one in resources] == [
        ("support", "service", "managed"),
        ("support/order-1", "conversation", "managed"),
        ("support/order-1/bye", "message", "managed"),
        ("support/order-1/hello", "message", "managed"),
        ("support/order-1/how", "message", "managed"),
    ]
    assert resources[-1]["values"] == {
        "sid": sids["support/order-1/how"],
        "service_sid": sids["support"],
        "conversation_sid": sids["support/order-1"],
        "index": 1,
    }
    assert resources[0]["created"] is True
    assert resources[-1]["sent"].keys() == {"author", "body"}


def test_an_empty_state_has_no_resources(applied: Project) -> None:
    """As Terraform leaves the list out."""
    applied.run("destroy", "--auto-approve", check=0)

    shown = json.loads(applied.run("show", "--format", "json", check=0).out)

    assert shown["values"] == {"root_module": {}}


def test_a_binding_is_shown_field_by_field(applied: Project) -> None:
    """Texts as they are, and what is no text as JSON: each on one line."""
    name, *lines = applied.run("state", "show", "support", check=0).out.splitlines()

    assert name == "# support (service)"
    assert [line.partition(" = ")[0] for line in lines] == ["sid", "sent", "created"]
    values = [line.partition(" = ")[2] for line in lines]
    assert values[0].startswith("IS")
    assert values[2] == "true"
    assert json.loads(values[1]).keys() == {"friendly_name"}


def test_a_saved_plan_is_shown_as_chats(applied: Project) -> None:
    """The page that `plan --format html` prints, as far as the plan alone has it; a state has no texts."""
    applied.edit("manifests/a.yaml", "How can I help?", "What can I do?")
    applied.run("plan", "--out", "plan.bin", check=0)

    page = applied.run("show", "plan.bin", "--format", "html", check=0).out

    assert page.startswith("<!DOCTYPE html>")
    assert "What can I do?" in page.replace("<ins>", "").replace("</ins>", "")
    assert "a state has no texts" in applied.run("show", "--format", "html", check=1).err


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_saved_plan_that_a_shell_has_re_encoded(applied: Project, encoding: str) -> None:
    """Windows PowerShell writes UTF-16 with its own ends of lines: it is still known, and whole."""
    applied.edit("manifests/a.yaml", "How can I help?", "What can I do?")
    applied.run("plan", "--out", "plan.bin", check=0)
    path = applied.folder / "plan.bin"
    path.write_bytes(path.read_text(encoding="utf-8").replace("\n", "\r\n").encode(encoding))

    assert "Plan: 0 to add, 1 to change" in applied.run("show", "plan.bin", check=0).out
    assert "is a saved plan, not a manifest" in applied.run("plan", "plan.bin", check=1).err
    applied.run("apply", "plan.bin", check=0)
    assert "No changes." in applied.run("plan", check=0).out
