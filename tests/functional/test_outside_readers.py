"""The JSON plan is read, unchanged, by a tool that was written for Terraform's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.support.manifests import ONE_OF_EACH
from tests.support.project import Project

CHANGED = """\
version: 1
services:
  support:
    conversations:
      order-1:
        messages:
          - {key: greeting, author: alice, body: Hello there, attributes: {importance: low, seen: [1, 2]}}
          - {key: how, author: bob, body: 'What can I do for you?'}
          - {key: new, author: alice, body: New}
"""


def read_by_readtheplan(project: Project) -> str:
    """Return what `readtheplan`, a risk explainer for Terraform plans, reports of `plan.json`."""
    tool = Path(sys.executable).with_name("readtheplan")
    ran = subprocess.run(
        [str(tool), "analyze", "plan.json"], cwd=project.folder, capture_output=True, text=True, check=True
    )
    return ran.stdout


def rows(report: str) -> list[tuple[str, ...]]:
    """Return risk, actions, address and type of each change in its report."""
    return re.findall(r"^\| (\w+) \| (\S+) \| (\S+/\S+) \| (\w+) \|", report, re.MULTILINE)


def test_every_kind_of_change_is_understood(project: Project) -> None:
    """A rename is nothing to it, a deletion cannot be undone, and an update wants a review."""
    project.write("manifests/a.yaml", ONE_OF_EACH)
    project.run("apply", "--auto-approve", check=0)
    project.write("manifests/a.yaml", CHANGED)
    project.run("plan", "--format", "json=plan.json", check=0)

    assert rows(read_by_readtheplan(project)) == [
        ("safe", "no-op", "support/order-1/greeting", "message"),
        ("review", "update", "support/order-1/how", "message"),
        ("safe", "create", "support/order-1/new", "message"),
        ("irreversible", "delete", "support/order-1/bye", "message"),
    ]


def test_a_replacement_is_one(project: Project) -> None:
    """A new message first, then the old one deleted: `create/delete`."""
    project.write("manifests/a.yaml", ONE_OF_EACH)
    project.run("apply", "--auto-approve", check=0)
    project.run("plan", "--replace", "support/order-1/how", "--format", "json=plan.json", check=0)

    assert rows(read_by_readtheplan(project)) == [
        ("dangerous", "create/delete", "support/order-1/how", "message")
    ]
