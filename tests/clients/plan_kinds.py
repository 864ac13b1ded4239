"""One small project for each kind of plan, as reconciler's own commands make it at an emulator."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from tests.clients.workshop import folder
from tests.support.project import ROOT, environ_of
from tests.support.sdk import client_at

SECRET: Final = "a-code-that-nobody-reads"
"""The sensitive value: no reader may show it."""
_MANIFEST: Final = """\
version: 1
variables:
  code: {{type: string, sensitive: true, default: {secret}}}
services:
  {kind}:
    conversations:
      order:
        messages:
          - {{key: hello, author: alice, body: Hello}}
          - {{key: bye, author: bob, body: Bye}}
"""


class Desk(Struct, frozen=True):
    """A folder with manifests, whose service is called like the kind of its plan."""

    kind: str
    folder: Path
    url: str

    @property
    def environ(self) -> dict[str, str]:
        """The variables of its commands."""
        return {**os.environ, **environ_of(self.url), "PYTHONPATH": str(ROOT), "GITHUB_TOKEN": "none"}

    def command(self, *arguments: str) -> list[str]:
        """Return the words of a command of reconciler."""
        return [sys.executable, "-m", "reconciler", *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of reconciler, and return how it ended."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )

    def edit(self, old: str, new: str) -> None:
        """Replace the one place where the manifest says *old*."""
        path = self.folder / "manifests" / "desk.yaml"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, (self.kind, old)
        path.write_text(text.replace(old, new), encoding="utf-8")

    def remote(self, body: str) -> None:
        """Let a stranger edit the first message."""
        services = client_at(self.url).conversations.v1.services.list()
        (service,) = (one for one in services if one.friendly_name == self.kind)
        (conversation,) = service.conversations.list()
        conversation.messages.list()[0].update(body=body)


class Kind(Struct, frozen=True):
    """A kind of plan: how its project comes to need it, and what is right to say of it."""

    prepare: Callable[[Desk], object]
    """What is done after everything was applied."""
    changes: dict[str, list[str]] = {}
    """Actions by key of the message that changes."""
    arguments: tuple[str, ...] = ()
    """Further arguments of `plan`."""
    is_refused_by_policy: bool = False
    """Whether the rules of examples/policy refuse it."""


def _nothing(desk: Desk) -> None:
    del desk


def _add(desk: Desk, body: str, author: str = "alice") -> None:
    last = "          - {key: bye, author: bob, body: Bye}\n"
    desk.edit(last, f"{last}          - {{key: new, author: {author}, body: {body}}}\n")


KINDS: Final = {
    "create": Kind(lambda desk: _add(desk, "New"), {"new": ["create"]}),
    "update": Kind(lambda desk: desk.edit("body: Bye", "body: See you"), {"bye": ["update"]}),
    "delete": Kind(
        lambda desk: desk.edit("          - {key: bye, author: bob, body: Bye}\n", ""),
        {"bye": ["delete"]},
        is_refused_by_policy=True,
    ),
    "replace": Kind(_nothing, {"bye": ["create", "delete"]}, ("--replace", "replace/order/bye")),
    "move": Kind(lambda desk: desk.edit("key: bye", "key: farewell"), {"farewell": ["no-op"]}),
    "forget": Kind(
        lambda desk: desk.edit(
            "          - {key: bye, author: bob, body: Bye}\n", "removed: [{from: forget/order/bye}]\n"
        ),
        {"bye": ["forget"]},
    ),
    "import": Kind(
        lambda desk: (desk.folder / "reconciler.state.json").unlink(),
        {"hello": ["no-op"], "bye": ["no-op"]},
        ("--adopt",),
    ),
    "no-op": Kind(_nothing),
    "sensitive": Kind(lambda desk: _add(desk, "'Your code: ${var.code}'"), {"new": ["create"]}),
    "drift": Kind(lambda desk: desk.remote("Hello, edited"), {"hello": ["update"]}),
    "foreign author": Kind(
        lambda desk: _add(desk, "New", "mallory"), {"new": ["create"]}, is_refused_by_policy=True
    ),
    "error": Kind(lambda desk: desk.edit("body: Bye", "bdy: Bye"), is_refused_by_policy=True),
}
"""By name; each is planned in a service of that name."""


def desk_of(name: str, url: str) -> Desk:
    """Return the project of a kind, with its plan as `plan.json`."""
    kind, service = KINDS[name], name.replace(" ", "-")
    desk = Desk(service, folder("readers") / "plans" / service, url)
    shutil.rmtree(desk.folder, ignore_errors=True)
    (desk.folder / "manifests").mkdir(parents=True)
    text = _MANIFEST.format(kind=service, secret=SECRET)
    (desk.folder / "manifests" / "desk.yaml").write_text(text, encoding="utf-8")
    applied = desk.run("apply", "--auto-approve")
    assert applied.returncode == 0, applied.stderr
    kind.prepare(desk)
    planned = desk.run("plan", *kind.arguments, "--format", "json")
    assert planned.returncode == (1 if name == "error" else 0), (name, planned.stderr)
    (desk.folder / "plan.json").write_text(planned.stdout, encoding="utf-8")
    return desk
