"""Which service a name means: two names never one, and a name never another than before."""

from __future__ import annotations

import pytest

from reconciler.emulator import Emulator
from tests.support.project import Project

CONVERSATIONS = """\
    conversations:
      order:
        messages:
          - {key: hello, body: Hello}
"""
NAMED = "friendly_name: Support desk"


def manifest(name: str, field: str) -> str:
    """Return a manifest of one service that is found by *field*."""
    return f"version: 1\nservices:\n  {name}:\n    {field}\n{CONVERSATIONS}"


def writes(remote: Emulator) -> set[str]:
    """Return the kinds of requests that can have changed anything."""
    kinds = {request.kind for request in remote.requests}
    return {kind for kind in kinds if not kind.startswith(("fetch_", "list_"))}


@pytest.mark.parametrize("fields", [("sid: {}", NAMED), (NAMED, "sid: {}"), ("sid: {}", "default: true")])
@pytest.mark.parametrize("files", [1, 2])
def test_two_names_of_one_service_are_refused_before_anything_is_sent(
    served: Project, remote: Emulator, fields: tuple[str, str], files: int
) -> None:
    """Each would take the conversations of the other for its own."""
    default = "default: true" in fields
    services = remote.store.services
    sid = services.default().sid if default else services.create({"FriendlyName": "Support desk"}).sid
    first, second = (manifest(name, field.format(sid)) for name, field in zip("ax", fields, strict=True))
    if files == 1:
        served.write("manifests/a.yaml", first + second.removeprefix("version: 1\nservices:\n"))
    else:
        served.write("manifests/a.yaml", first)
        served.write("manifests/x.yaml", second)

    ran = served.run("apply", "--auto-approve", check=1)

    place = "manifests/a.yaml:9:3" if files == 1 else "manifests/x.yaml:3:3"
    assert f"`a` (manifests/a.yaml:3:3) and `x` ({place}) are one service ({sid})" in ran.err
    assert "declare it under one name" in ran.err
    assert writes(remote) == set()


def test_a_service_that_was_made_again_under_its_name_gets_no_twin(served: Project, remote: Emulator) -> None:
    """The error names both, and either way on that it names goes on."""
    services = remote.store.services
    served.write("manifests/a.yaml", manifest("a", NAMED))
    served.run("apply", "--auto-approve", check=0)
    ((old,),) = remote.store._database.all("SELECT sid FROM services", ())
    services.delete(old)
    new = services.create({"FriendlyName": "Support desk"}).sid
    remote.requests.clear()

    ran = served.run("apply", "--auto-approve", "--allow-recreate", check=1)

    assert f"`a` is {old} in the state, which is gone, but the name 'Support desk' now means {new}" in ran.err
    assert "reconciler state rm a" in ran.err
    assert "`sid:` at manifests/a.yaml:3:3" in ran.err
    assert writes(remote) == set()
    another = services.create({"FriendlyName": "Support desk"}).sid
    assert f"now means {new} and {another}" in served.run("plan", check=1).err
    served.run("state", "rm", "a", check=0)
    served.edit("manifests/a.yaml", NAMED, f"sid: {another}")
    served.run("apply", "--auto-approve", check=0)
    assert "No changes" in served.run("plan", check=0).out


def test_a_default_service_that_is_another_now_gets_no_twin(served: Project, remote: Emulator) -> None:
    """Its name is the account's word for it."""
    served.write("manifests/a.yaml", manifest("a", "default: true"))
    served.run("apply", "--auto-approve", check=0)
    remote.store.services.delete(remote.store.services.default().sid)

    ran = served.run("plan", check=1)

    assert f"but the default service now means {remote.store.services.default().sid}" in ran.err


def test_a_service_that_is_only_gone_is_made_again(served: Project, remote: Emulator) -> None:
    """Nobody has its name, so nothing stands against it; a destroy has nothing to do."""
    served.write("manifests/a.yaml", manifest("a", NAMED))
    served.run("apply", "--auto-approve", check=0)
    ((old,),) = remote.store._database.all("SELECT sid FROM services", ())
    remote.store.services.delete(old)

    assert "Plan: 3 to add" in served.run("plan", check=0).out
    remote.store.services.create({"FriendlyName": "Support desk"})
    served.run("destroy", "--auto-approve", check=0)
