"""Terraform with Twilio's provider makes, changes and deletes objects; then `import` takes them over.

The provider is taken from the PATH, or else built from its Go module.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from tests.clients.as_twilio import as_twilio
from tests.clients.workshop import FOLDER, folder, install, run
from tests.support.project import ACCOUNT, Project, environ_of
from tests.support.sdk import client_at

_PROVIDER: Final = "terraform-provider-twilio"
_MODULE: Final = f"github.com/twilio/{_PROVIDER}@v0.18.46"
_MESSAGES: Final = "twilio_conversations_services_conversations_messages_v1"
_SERVICE: Final = "twilio_conversations_services_v1.support"
_SECRET: Final = "order_1_code_body"
"""The variable that the manifests need for the one sensitive value."""
_ONLY_SERVICE: Final = """\
terraform {
  required_providers {
    twilio = { source = "twilio/twilio" }
  }
}

resource "twilio_conversations_services_v1" "support" {
  friendly_name = "support"
}
"""


def run_terraform(url: str) -> list[str]:
    """Run every step against the emulator at *url*, and return what went wrong."""
    provider = _provider()
    shutil.rmtree(FOLDER / "terraform", ignore_errors=True)
    made = folder("terraform")
    (made / "terraformrc").write_text(
        f'provider_installation {{\n  dev_overrides {{ "twilio/twilio" = "{provider}" }}\n}}\n',
        encoding="utf-8",
    )
    environ = {
        "TF_CLI_CONFIG_FILE": str(made / "terraformrc"),
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
    }
    with as_twilio(url, made) as own:
        walk = _Walk(
            url, made, {**own, **environ, "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "emulator"}
        )
        walk.create()
        walk.change()
        walk.fail()
        walk.take_over()
        walk.leave()
    sys.stdout.write(f"terraform {walk.checks} checks, {len(walk.findings)} failed\n")
    return walk.findings


def _provider() -> Path:
    """Return the folder of the provider's program."""
    found = shutil.which(_PROVIDER)
    if found is not None:
        return Path(found).resolve().parent
    into = folder("terraform-provider")
    if not (into / _PROVIDER).exists():
        install("go", "install", _MODULE, seconds=600, environ={**os.environ, "GOBIN": str(into)})
    return into


class _Walk:
    """One walk from an empty account to manifests; each check that fails is a finding."""

    def __init__(self, url: str, made: Path, environ: Mapping[str, str]) -> None:
        self.checks = 0
        self.findings: list[str] = []
        self._url = url
        self._made = made
        self._given: tuple[str, ...] = ()
        self._environ = environ
        self._twilio = client_at(url).conversations.v1
        self._project = Project(made / "reconciler", environ_of(url))
        self._project.folder.mkdir()

    def create(self) -> None:
        """Terraform makes everything, and then finds nothing to do."""
        self._terraform("get")
        self._apply()
        order, walk_in = self._order(), self._twilio.conversations("walk-in")
        counts = [
            len(one.list())
            for one in (order.messages, order.participants, walk_in.messages, walk_in.participants)
        ]
        self._check("create", counts == [10, 3, 1, 1], counts)
        self._terraform("plan", "-detailed-exitcode")

    def change(self) -> None:
        """Terraform updates a message, replaces a message and a participant, and deletes two messages."""
        before = self._live()
        self._apply("-var", "greeting=Welcome back")
        after = self._live()
        self._check("update", before.keys() == after.keys(), after)
        self._check("update", "Welcome back" in after.values(), after)
        replaced = f"{_MESSAGES}.code"
        self._apply("-var", "greeting=Welcome back", "-var", "phone=+15550101", f"-replace={replaced}")
        now = self._live()
        self._check("replace", len(now) == len(after), now)
        self._check("replace", len(now.keys() - after.keys()) == 2, now.keys() - after.keys())
        self._given = ("-var", "greeting=Welcome back", "-var", "phone=+15550101", "-var", "stages=1")
        self._apply(*self._given)
        self._check("delete", len(self._live()) == len(now) - 2, self._live())

    def fail(self) -> None:
        """A replacement whose deletion is refused leaves a deposed message; another message is tainted."""
        reply = httpx.post(f"{self._url}/_emulator/faults", json={"faults": ["delete_message:1:500"]})
        reply.raise_for_status()
        command = ("terraform", "apply", "-auto-approve", *self._given, f"-replace={_MESSAGES}.code")
        failed = subprocess.run(
            command, cwd=self._made, env=dict(self._environ), capture_output=True, check=False, timeout=300
        )
        self._check("a deletion is refused", failed.returncode == 1, failed)
        self._terraform("taint", f"{_MESSAGES}.welcome")

    def take_over(self) -> None:
        """All but the service gets a manifest, which says what is there; Terraform then forgets it."""
        live, listed = self._live(), self._terraform("state", "list").splitlines()
        state = self._terraform("state", "pull")
        imported = self._project.run("import", "--from-terraform", "-", "--out", "manifests", stdin=state)
        self._check("import", imported.code == 0, imported)
        for named in (f"{_SERVICE} is left out", f"{_MESSAGES}.welcome is tainted", " is deposed there"):
            self._check("import names what is special", named in imported.err, imported.err)
        self._check(
            "import hides what is sensitive", f"RECONCILER_VAR_{_SECRET} " in imported.err, imported.err
        )
        texts = [path.read_text(encoding="utf-8") for path in self._project.folder.rglob("*.yaml")]
        self._check("import hides what is sensitive", not any("4711" in text for text in texts), texts)
        self._project.environ[f"RECONCILER_VAR_{_SECRET}"] = "The code is 4711"
        self._nothing_to_do("after the import")
        forget = self._project.write("forget.sh", imported.out)
        self._check("each command is there", imported.out.count("\n") == len(listed) - 1, imported.out)
        self._run("sh", "-e", str(forget))
        self._check(
            "Terraform has the service alone", self._terraform("state", "list") == f"{_SERVICE}\n", listed
        )
        self._check("nothing changed", self._live() == live, self._live())

    def leave(self) -> None:
        """Without the resources in its files, Terraform has nothing to do, and neither has `plan`."""
        live = self._live()
        (self._made / "main.tf").write_text(_ONLY_SERVICE, encoding="utf-8")
        self._terraform("plan", "-detailed-exitcode")
        self._check("nothing is deleted", self._live() == live, self._live())
        self._nothing_to_do("after Terraform forgot")

    def _order(self) -> Any:
        (service,) = [one for one in self._twilio.services.list() if one.friendly_name == "support"]
        return self._twilio.services(service.sid).conversations("order-1")

    def _live(self) -> dict[str, str]:
        """Return the messages and participants of the order, by sid, with what they say or are reached by."""
        order = self._order()
        said = {one.sid: str(one.body) for one in order.messages.list()}
        return said | {
            one.sid: str(one.identity or one.messaging_binding) for one in order.participants.list()
        }

    def _apply(self, *arguments: str) -> None:
        self._terraform("apply", "-auto-approve", *arguments)

    def _terraform(self, *arguments: str) -> str:
        return self._run("terraform", *arguments)

    def _run(self, *command: str) -> str:
        self.checks += 1  # it ends everything if it fails
        return run(*command, cwd=self._made, environ=self._environ)

    def _nothing_to_do(self, when: str) -> None:
        planned = self._project.run("plan", "--detailed-exitcode")
        self._check(f"an empty plan {when}", planned.code == 0, planned)

    def _check(self, what: str, holds: bool, seen: object) -> None:  # noqa: FBT001 - it is what is checked
        self.checks += 1
        if not holds:
            self.findings.append(f"{what}: {seen}")
