"""Encryption as its users meet it: from a key in the environment to a key that is lost."""

from __future__ import annotations

import json
import sys
from base64 import b64decode
from pathlib import Path

import pytest

from reconciler.state.keys import Key, generate
from tests.support.project import Project

MANIFEST = """\
version: 1
variables:
  code: {type: string, sensitive: true}
services:
  desk:
    conversations:
      order:
        messages:
          - {key: hello, body: Hello there}
          - {key: code, body: "${var.code}"}
"""
VARIABLE = "RECONCILER_ENCRYPTION_KEY"


@pytest.fixture
def desk(served: Project) -> Project:
    """A project with a key and a sensitive message."""
    served.write("manifests/desk.yaml", MANIFEST)
    served.environ |= {VARIABLE: served.run("state", "rekey", "--generate", check=0).out.strip()}
    served.environ["RECONCILER_VAR_code"] = "4711"
    return served


def key_id(project: Project) -> str:
    """Return the id of the first key of a project."""
    return Key(b64decode(project.environ[VARIABLE].split(",")[0])).id


def clear_files(project: Project) -> list[str]:
    """Return the files, but for manifests, that hold an address or a text in the clear."""
    return [
        name
        for name in project.files()
        if (path := project.folder / name).is_file()
        and "manifests" not in name
        and (b"desk/" in path.read_bytes() or b"Hello" in path.read_bytes())
    ]


def test_a_run_with_a_key_leaves_nothing_clear(desk: Project) -> None:
    """Plan, apply of the plan, and every command that reads: the same as without a key."""
    desk.run("plan", "--out", "plan.bin", check=0)
    assert "Hello there" in desk.run("show", "plan.bin", check=0).out
    assert "Apply complete! Resources: 4 added" in desk.run("apply", "plan.bin", "manifests", check=0).out
    assert "No changes." in desk.run("plan", check=0).out
    assert "desk/order/hello" in desk.run("state", "list", check=0).out
    desk.run("state", "mv", "desk/order/hello", "desk/order/hi", check=0)
    assert clear_files(desk) == []
    assert {"reconciler.state.json", "reconciler.state.json.backup", "plan.bin"} <= desk.files()

    pulled = desk.run("state", "pull", check=0).out
    assert json.loads(pulled)["bindings"]["desk/order/hi"]
    (desk.folder / "reconciler.state.json").unlink()
    desk.write("pulled.json", pulled)
    desk.run("state", "push", "pulled.json", check=0)
    (desk.folder / "pulled.json").unlink()
    assert clear_files(desk) == []


def test_digests_of_sensitive_values_are_keyed(desk: Project) -> None:
    """In state and plan; a state of before with slow ones is read, and written anew by the next apply."""
    key = desk.environ.pop(VARIABLE)
    desk.run("apply", "--auto-approve", check=0)
    assert '"body":"scrypt:' in desk.run("state", "pull", check=0).out
    desk.environ[VARIABLE] = key
    assert "No changes." in desk.run("plan", check=0).out
    desk.run("apply", "--auto-approve", check=0)
    assert f'"body":"keyed:{key_id(desk)}:' in desk.run("state", "pull", check=0).out

    desk.environ[VARIABLE] = f"{generate()},{key}"
    assert "No changes." in desk.run("plan", check=0).out
    desk.run("apply", "--auto-approve", check=0)
    pulled = desk.run("state", "pull", check=0).out
    assert f'"body":"keyed:{key_id(desk)}:' in pulled
    assert "scrypt" not in pulled
    desk.environ[VARIABLE] = desk.environ[VARIABLE].split(",")[0]
    assert "No changes." in desk.run("plan", check=0).out


def test_a_new_key(desk: Project) -> None:
    """Both keys read, the first seals; nothing that the old one opens is left behind."""
    desk.run("apply", "--auto-approve", check=0)
    desk.run("state", "mv", "desk/order/hello", "desk/order/hi", check=0)
    old = desk.environ[VARIABLE]
    new = generate()
    desk.environ[VARIABLE] = f"{new},{old}"
    ran = desk.run("state", "rekey", check=0)
    assert f"Encrypted the state with key {key_id(desk)}" in ran.out
    assert "reconciler.state.json.backup" not in desk.files()
    desk.environ[VARIABLE] = old
    assert "is encrypted with key" in desk.run("state", "list", check=1).err
    desk.environ[VARIABLE] = new
    assert "desk/order/hi" in desk.run("state", "list", check=0).out


def test_a_lost_key(desk: Project) -> None:
    """The message says what can still be done, and that does it."""
    desk.run("apply", "--auto-approve", check=0)
    desk.run("plan", "--out", "plan.bin", check=0)
    ours = key_id(desk)
    desk.environ[VARIABLE] = generate()
    for command in (("plan",), ("state", "list"), ("drift",), ("apply", "--auto-approve")):
        err = desk.run(*command, check=1).err
        assert f"is encrypted with key {ours}, and none of the keys given is that one" in err
        assert "If the key is lost, move the state away: `reconciler plan --adopt`" in err
    assert "run `reconciler plan --out FILE` again" in desk.run("show", "plan.bin", check=1).err
    del desk.environ[VARIABLE]
    assert "and no key is given" in desk.run("plan", check=1).err
    assert "set RECONCILER_ENCRYPTION_KEY to it" in desk.run("apply", "plan.bin", check=1).err

    desk.environ[VARIABLE] = generate()
    (desk.folder / "reconciler.state.json").rename(desk.folder / "lost.json")
    assert "Plan: 2 to import" in desk.run("plan", "--adopt", check=0).out


def test_encryption_can_be_required(desk: Project) -> None:
    """By the option or the settings file, of the state and of a saved plan."""
    key = desk.environ.pop(VARIABLE)
    desk.run("apply", "--auto-approve", check=0)
    desk.run("plan", "--out", "clear.bin", check=0)
    assert "no key is given" in desk.run("plan", "--encryption", "required", check=1).err
    desk.environ[VARIABLE] = key
    refused = "is not encrypted, and encryption is required"
    assert refused in desk.run("plan", "--encryption", "required", check=1).err
    desk.write("reconciler.yaml", "encryption: required\n")
    assert refused in desk.run("state", "list", check=1).err
    assert refused in desk.run("show", "clear.bin", check=1).err
    assert refused in desk.run("apply", "clear.bin", check=1).err
    (desk.folder / "reconciler.yaml").unlink()
    desk.run("state", "rekey", check=0)
    desk.write("reconciler.yaml", "encryption: required\n")
    assert "desk/order/hello" in desk.run("state", "list", check=0).out


def test_a_command_gives_the_key(desk: Project) -> None:
    """It is run without a shell, and prints what the variable would hold."""
    key = desk.environ.pop(VARIABLE)
    script = desk.write("give key.py", f"print({key!r})\n")
    desk.environ[f"{VARIABLE}_COMMAND"] = f"{sys.executable} '{script}'"
    desk.run("apply", "--auto-approve", check=0)
    del desk.environ[f"{VARIABLE}_COMMAND"]
    desk.environ[VARIABLE] = key

    assert "desk/order/hello" in desk.run("state", "list", check=0).out


def test_without_the_extra(desk: Project) -> None:
    """The error says which extra to install, and nothing was written; without a key none is needed."""
    blocked = desk.write("blocked/cryptography/__init__.py", "raise ImportError('not installed')\n")
    desk.environ["PYTHONPATH"] = f"{blocked.parents[1]}:{Path(__file__).parents[2]}"
    before = desk.files()
    err = desk.run("apply", "--auto-approve", check=1).err

    assert "encryption needs a package that is not installed" in err
    assert "conversations-reconciler[encryption]" in err
    assert {one for one in desk.files() - before if "__pycache__" not in one} <= {
        "reconciler.state.json.lock"
    }
    del desk.environ[VARIABLE]
    desk.run("apply", "--auto-approve", check=0)


def test_a_sealed_file_is_no_manifest(desk: Project) -> None:
    """It is named, like a clear one."""
    desk.run("plan", "--out", "plan.bin", check=0)
    desk.run("apply", "--auto-approve", check=0)

    assert "is a saved plan, not a manifest" in desk.run("validate", "plan.bin", check=1).err
    assert "is a state, not a manifest" in desk.run("validate", "reconciler.state.json", check=1).err
