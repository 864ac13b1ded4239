"""Parts that are applied by processes side by side, with one state in PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from reconciler.emulator import Emulator
from tests.crash.parts import kill
from tests.support.project import Project, Ran
from tests.support.rich_world import manifest, rooms
from tests.support.suites import services

NAMES = [f"order-{number}" for number in range(12)]
PARTS = ("1/3", "2/3", "3/3")


def wanted(*bodies: str, service: str = "desk") -> str:
    """Return a manifest of all conversations in a service, each with messages of these *bodies*."""
    return manifest({service: rooms(NAMES, *bodies)})


def side_by_side(project: Project, *arguments: str) -> list[Ran]:
    """Run a command for every part at once; the locks of others are waited for."""
    with ThreadPoolExecutor(len(PARTS)) as threads:
        given = ("--lock-timeout", "60")
        return [*threads.map(lambda part: project.run(*arguments, "--shard", part, *given, check=0), PARTS)]


def test_parts_make_a_world_and_take_it_away(project: Project, emulator: Emulator) -> None:
    """The service is made by one of them, and deleted by whoever finds nothing left in it."""
    project.write("manifests/a.yaml", wanted("one", "two"))
    side_by_side(project, "apply", "--auto-approve")
    assert services(emulator) == ["desk"]
    project.run("plan", "--detailed-exitcode", check=0)
    project.write("manifests/a.yaml", wanted("one", service="office"))
    side_by_side(project, "apply", "--auto-approve", "--max-delete", "100%")
    assert services(emulator) == ["office"]
    project.run("plan", "--detailed-exitcode", check=0)


def test_parts_of_a_saved_plan_are_applied_side_by_side(project: Project, emulator: Emulator) -> None:
    """Each is a use of its own, services and their removal included."""
    project.write("manifests/a.yaml", wanted("one", "two"))
    project.run("plan", "--out", "first.plan", check=0)
    side_by_side(project, "apply", "first.plan")
    assert services(emulator) == ["desk"]
    project.write("manifests/a.yaml", wanted("one", service="office"))
    project.run("plan", "--max-delete", "100%", "--out", "second.plan", check=0)
    side_by_side(project, "apply", "second.plan")
    assert services(emulator) == ["office"]
    project.run("plan", "--detailed-exitcode", check=0)
    for part in PARTS:
        again = project.run("apply", "second.plan", "--shard", part, check=1)
        assert "applied already" in again.err


def test_processes_of_the_same_parts_that_are_killed() -> None:
    """Nothing is lost, doubled or out of order; `python -m tests.crash.parts --kills 200` kills more."""
    killed, _, wrong = kill(6, seed=3)

    assert killed == 6
    assert not wrong
