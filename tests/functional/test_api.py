"""The Python API: the commands as functions, over an emulator that the application shares."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler import api
from reconciler.emulator import Emulator
from reconciler.emulator.database import Start
from reconciler.emulator.fault_text import parse_fault
from reconciler.errors import ManifestError, PlanError, StateError, UsageError
from reconciler.plans.outcome import Status
from reconciler.state.stores.holder import this_process
from reconciler.state.stores.lock import lock

HELLO = """\
version: 1
services:
  support:
    conversations:
      order-1:
        messages:
          - {key: hello, author: alice, body: Hello}
          - {key: bye, author: bob, body: Bye}
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest of two messages."""
    path = tmp_path / "support.yaml"
    path.write_text(HELLO, encoding="utf-8")
    return path


@pytest.fixture
def demo(remote: Emulator, tmp_path: Path) -> api.Settings:
    """Settings for *remote*, in this process."""
    return api.settings(remote, state=tmp_path / "state.json", settle=0)


def services(remote: Emulator) -> int:
    """Return how many services an emulator holds."""
    return len(remote.store.services.page(Start(), 10).rows)


def test_apply_and_destroy(manifest: Path, demo: api.Settings, remote: Emulator) -> None:
    """What the manifest says is there after the one call, and gone after the other."""
    outcome = api.apply(api.load(manifest), demo)

    assert [result.status for result in outcome.results] == [Status.DONE] * 4
    api.destroy(demo)
    assert services(remote) == 0


def test_a_plan_changes_nothing(manifest: Path, demo: api.Settings, remote: Emulator) -> None:
    """Planning tells the numbers, and neither the account nor the state is touched."""
    made = api.plan(api.load(manifest), demo)

    assert (made.plan.counts.add, made.plan.applyable) == (4, True)
    assert {one.method for one in remote.requests} <= {"GET"}
    assert not Path(demo.state).exists()


def test_a_plan_is_applied_as_it_was_made(manifest: Path, demo: api.Settings) -> None:
    """Looking at a plan and applying it are two steps; used up or overtaken, it is refused."""
    desired = api.load(manifest)
    made = api.plan(desired, demo)

    api.apply(made, demo)

    assert not api.plan(desired, demo).plan.actions
    with pytest.raises(PlanError, match="applied already"):
        api.apply(made, demo)


def test_a_plan_that_must_not_be_applied_is_refused_with_its_reason(
    manifest: Path, demo: api.Settings, tmp_path: Path
) -> None:
    """After a lost state nothing is doubled, whether the plan was made before or is made now."""
    desired = api.load(manifest)
    api.apply(desired, demo)
    forgetful = api.settings(demo.endpoint, state=tmp_path / "other.json")  # type: ignore[arg-type]

    with pytest.raises(PlanError, match="not applyable") as raised:
        api.apply(desired, forgetful)

    assert "--adopt" in (raised.value.hint or "")
    made = api.plan(desired, forgetful)
    with pytest.raises(PlanError, match="not applyable"):
        api.apply(made, forgetful)
    assert api.apply(desired, forgetful, api.Options(adopt=True)).results


def test_what_fails_is_raised_with_the_outcome(manifest: Path, demo: api.Settings, remote: Emulator) -> None:
    """The error says what became of each action, and applying again does the rest."""
    remote.faults.add(parse_fault("create_message:2:400"))

    with pytest.raises(api.Incomplete) as raised:
        api.apply(api.load(manifest), demo)

    assert [one.status for one in raised.value.outcome.results if one.status is not Status.DONE] == [
        Status.FAILED
    ]
    assert len(api.apply(api.load(manifest), demo).results) == 1


def test_protected_messages_are_not_destroyed(manifest: Path, demo: api.Settings) -> None:
    """With the manifest at hand, `prevent_destroy` holds."""
    protected = HELLO.replace("key: bye,", "key: bye, lifecycle: {prevent_destroy: true},")
    manifest.write_text(protected, encoding="utf-8")
    desired = api.load(manifest)
    api.apply(desired, demo)

    with pytest.raises(PlanError, match="order-1/bye"):
        api.destroy(demo, desired=desired)


def test_manifests_are_checked(manifest: Path) -> None:
    """What `validate` finds is raised, place by place."""
    manifest.write_text(HELLO.replace("author", "autor"), encoding="utf-8")

    with pytest.raises(ManifestError) as raised:
        api.load(manifest)

    assert [problem.line for problem in raised.value.problems] == [7, 8]


def test_the_lock_is_taken(manifest: Path, demo: api.Settings) -> None:
    """While another run holds the state, nothing is done."""
    holder = this_process("apply", {}, datetime.now(UTC))

    with lock(Path(demo.state), holder=holder, timeout=0), pytest.raises(StateError, match="is locked by"):
        api.apply(api.load(manifest), demo)


def test_runs_of_one_program_wait_for_each_other(manifest: Path, demo: api.Settings) -> None:
    """Two applies at once are two in a row; the second finds nothing left to do."""
    desired = api.load(manifest)

    async def both() -> tuple[api.Outcome, api.Outcome]:
        return await asyncio.gather(
            api.aapply(desired, demo, lock_timeout=60), api.aapply(desired, demo, lock_timeout=60)
        )

    assert sorted(len(outcome.results) for outcome in asyncio.run(both())) == [0, 4]


@pytest.mark.parametrize("inside", [False, True])
def test_functions_work_where_a_loop_runs_and_where_none_does(
    manifest: Path,
    demo: api.Settings,
    inside: bool,  # noqa: FBT001
) -> None:
    """A notebook runs a loop already; there the calls wait all the same."""

    async def within() -> api.Outcome:
        return api.apply(api.load(manifest), demo)

    outcome = asyncio.run(within()) if inside else api.apply(api.load(manifest), demo)

    assert len(outcome.results) == 4


def test_the_loop_of_the_caller_stays(manifest: Path, demo: api.Settings) -> None:
    """Test frameworks set a loop for their thread, and find it there afterwards."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        api.plan(api.load(manifest), demo)
        assert asyncio.get_event_loop_policy().get_event_loop() is loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_async_functions_do_the_same(manifest: Path, demo: api.Settings, remote: Emulator) -> None:
    """Plan, apply and destroy, awaited."""
    desired = api.load(manifest)

    async def everything() -> tuple[int, int]:
        await api.aapply(await api.aplan(desired, demo), demo)
        between = services(remote)
        await api.adestroy(demo)
        return between, services(remote)

    assert asyncio.run(everything()) == (1, 0)


def test_an_emulator_file_is_named_as_on_the_command_line(manifest: Path, tmp_path: Path) -> None:
    """`endpoint` and `state` mean what the options mean."""
    settings = api.settings(f"emulator:{tmp_path / 'emulator.db'}", state=tmp_path / "state.json")

    api.apply(api.load(manifest), settings)

    assert not api.plan(api.load(manifest), settings).plan.actions


def test_credentials_come_from_the_environment_alone(tmp_path: Path) -> None:
    """Without them the error says both ways on."""
    with pytest.raises(UsageError, match="no credentials"):
        api.settings("twilio", state=tmp_path / "state.json", environ={})


@pytest.mark.parametrize("statement", ["import reconciler", "import reconciler.pytest_plugin"])
def test_importing_is_cheap(statement: str) -> None:
    """What every test run imports brings neither client, emulator nor parser along."""
    heavy = "{'httpx', 'pydantic', 'asyncio', 'sqlite3', 'ruamel.yaml', 'deepdiff', 'msgspec', 'click'}"
    show = f"print({heavy} & sys.modules.keys() - before)"
    script = f"import pytest, sys; before = set(sys.modules); {statement}; {show}"
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")},
    )

    assert ran.stdout == "set()\n"


def test_the_package_shows_its_public_modules() -> None:
    """`import reconciler` is enough to reach the API; a name that is not there is told as usual."""
    script = (
        "import reconciler; print(reconciler.api.plan is reconciler.plan)\n"
        "from reconciler import apply, destroy, load, plan; print(plan is reconciler.plan)\n"
        "reconciler.nothing"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout) == (1, "True\nTrue\n")
    assert "AttributeError: module 'reconciler' has no attribute 'nothing'" in ran.stderr


def test_a_plan_does_not_double_a_service_that_came_since(
    manifest: Path, demo: api.Settings, remote: Emulator
) -> None:
    """A second one of that name would be an error from then on."""
    made = api.plan(api.load(manifest), demo)
    there = remote.store.services.create({"FriendlyName": "support"}).sid

    with pytest.raises(PlanError, match=f"stale plan: `support` is not as it was: .*{there}"):
        api.apply(made, demo)

    assert services(remote) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"parallelism": 0},
        {"rate": -1.0},
        {"rate": float("nan")},
        {"settle": float("nan")},
        {"max_wait": -1.0},
    ],
)
def test_settings_that_cannot_be_are_refused(
    remote: Emulator, tmp_path: Path, given: dict[str, float]
) -> None:
    """As on the command line; with nothing in flight a plan would wait for ever."""
    (name,) = given
    with pytest.raises(UsageError, match=f"`{name}`"):
        api.settings(remote, state=tmp_path / "state.json", **given)  # type: ignore[arg-type]


def test_no_manifest_is_not_an_empty_world() -> None:
    """A glob that matches nothing would delete everything; who means that says `NOTHING`."""
    with pytest.raises(UsageError, match="no manifest is named"):
        api.load(*Path("nowhere").glob("*.yaml"))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"targets": "a/b"}, "`Options.targets` is one text, and several are asked for"),
        ({"excludes": "a/b"}, "`Options.excludes` is one text, and several are asked for"),
        ({"replace": "a/b/c"}, "`Options.replace` is one text, and several are asked for"),
        ({"adopt": ("a/*",)}, "`Options.adopt` is neither True, False nor a glob over addresses"),
        ({"max_delete": "30%"}, "`Options.max_delete` must be a number from 0, not '30%'"),
        ({"max_delete": float("nan")}, "`Options.max_delete` must be a number from 0, not nan"),
        ({"max_delete": -1}, "`Options.max_delete` must be a number from 0, not -1"),
        ({"max_delete": True}, "`Options.max_delete` must be a number from 0, not True"),
        ({"max_delete_percent": True}, "`Options.max_delete` must be a number from 0, not None"),
    ],
)
def test_options_of_another_type_are_refused(given: dict[str, Any], text: str) -> None:
    """Each letter of a text would be a glob, and a sequence would be true."""
    with pytest.raises(UsageError) as caught:
        api.Options(**given)

    assert caught.value.text == text


def test_one_name_is_not_several(manifest: Path) -> None:
    """Each letter of it would be a variable of the environment."""
    with pytest.raises(UsageError, match="`allow_env` is one text, and several are asked for"):
        api.load(manifest, allow_env="HOME")


def test_a_traceback_shows_problems_and_hints(tmp_path: Path) -> None:
    """A fixture that loads manifests fails with all that the command line would say."""
    path = tmp_path / "m.yaml"
    path.write_text('version: 1\nservices: {s: {sidd: x, "c\\e[31m": 1}}\n', encoding="utf-8")

    with pytest.raises(ManifestError) as caught:
        api.load(path)
    with pytest.raises(UsageError) as missing:
        api.load(tmp_path / "nowhere")

    assert caught.value.__notes__ == [
        f"{path}:2:16: unknown field `sidd` in service `s`",
        "hint: did you mean `sid`?",
        f"{path}:2:25: unknown field `c\\x1b[31m` in service `s`",
        "hint: fields here are sid, friendly_name, default, conversations, defaults",
    ]
    assert missing.value.__notes__ == ["hint: name manifest files, or folders that hold some"]
