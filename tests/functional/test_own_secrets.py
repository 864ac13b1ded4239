"""A message that holds the secret of the command itself is never shown, saved or sent."""

from __future__ import annotations

import pytest

from reconciler.emulator import Emulator
from tests.support.project import Project

TOKEN = "0123456789abcdef" * 2
MANIFEST = """\
version: 1
services:
  desk:
    conversations:
      c:
        messages:
          - {{key: one, body: One, attributes: {{login: "{}"}}}}
"""


@pytest.mark.parametrize("command", [("plan", "--out", "p"), ("apply", "--auto-approve")], ids=" ".join)
def test_our_own_token_is_not_posted(served: Project, remote: Emulator, command: tuple[str, ...]) -> None:
    """Whoever reads the conversation could use it, and what comes back of it is masked."""
    served.environ["TWILIO_AUTH_TOKEN"] = TOKEN
    served.write("manifests/desk.yaml", MANIFEST.format(f"token {TOKEN}"))

    ran = served.run(*command, check=1)

    assert ran.err == (
        "error: `desk/c/one` would send the secret that this command logs in with (in `attributes`)\n"
        "hint: take it out of the manifest, and make a new one: it may have been seen there\n"
        "Error: `desk/c/one` would send the secret that this command logs in with (in `attributes`)\n"
    )
    assert TOKEN not in ran.out
    assert not (served.folder / "p").exists()
    assert {request.method for request in remote.requests} == {"GET"}


def test_nor_by_a_plan_that_was_saved_under_another_token(served: Project, remote: Emulator) -> None:
    """What is a secret depends on whose command it is."""
    served.write("manifests/desk.yaml", MANIFEST.format(TOKEN))
    served.run("plan", "--out", "p", check=0)
    served.environ["TWILIO_AUTH_TOKEN"] = TOKEN

    ran = served.run("apply", "p", check=1)

    assert "`desk/c/one` would send the secret" in ran.err
    assert {request.method for request in remote.requests} == {"GET"}
