"""The steps of the pipelines under `examples/` run as they are written, with the wheel of this tree."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.emulator import Emulator, Fault
from reconciler.emulator.faults import Invoke, Reset
from tests.support.pipelines import GITLAB_VARIABLES, Job, Runner, github_jobs, gitlab_jobs
from tests.support.project import ROOT, Project
from tests.support.repository import REF
from tests.support.terraform_server import PASSWORD, PATH, Answer, TerraformServer
from tests.support.wheel import environment, lend_dependencies

LATER = ROOT / "tests" / "support" / "later"
"""A folder whose module every Python imports, so that its clock goes ahead."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python and pip, where all that the tool depends on is there already."""
    made = environment(tmp_path_factory.mktemp("python"))
    lend_dependencies(made)
    return made


@pytest.fixture
def runner(served: Project, programs: Path) -> Runner:
    """A runner whose jobs reach an emulator in the place of Twilio."""
    return Runner(served.folder, programs, {"RECONCILER_ENDPOINT": served.environ["RECONCILER_ENDPOINT"]})


@pytest.fixture
def server() -> Iterator[dict[str, str]]:
    """The variables of a GitLab that keeps a state."""
    with TerraformServer().serving() as variables:
        yield {
            "CI_API_V4_URL": variables["RECONCILER_STATE"].removesuffix(PATH.removeprefix("/api/v4")),
            "CI_JOB_TOKEN": PASSWORD,
        }


def installed(wheel: Path) -> str:
    """Return what to install."""
    return f"{wheel.as_uri()}#sha256={hashlib.sha256(wheel.read_bytes()).hexdigest()}"


@pytest.mark.parametrize("pipeline", ["github", "gitlab"])
def test_every_job_installs_and_does_what_it_is_for(
    runner: Runner, wheel: Path, server: dict[str, str], pipeline: str
) -> None:
    """A change is validated, planned and applied, and then nothing has drifted: every step succeeds."""
    github = [*github_jobs("plan"), *github_jobs("apply"), *github_jobs("drift")]
    jobs = github if pipeline == "github" else [*gitlab_jobs(**server)]
    outputs = {job.name: runner.run(job, RECONCILER=installed(wheel)) for job in jobs}

    assert [name for name, text in outputs.items() if "Apply complete! Resources: 5 added" in text] == [
        name for name in outputs if name in {"apply.apply", "apply"}
    ]
    assert "No drift" in outputs[jobs[-1].name]
    assert (REF in runner.hub.refs()) == (pipeline == "github")
    assert not [path for path in runner.checkout.iterdir() if "state" in path.name]


@pytest.mark.parametrize("value", ["", "reconciler"])
def test_no_job_installs_before_it_is_said_from_where(runner: Runner, value: str) -> None:
    """As the examples are, each job ends with a sentence. A bare name may be anybody's: it is refused."""
    jobs = [*github_jobs("plan"), *github_jobs("apply"), *github_jobs("drift"), *gitlab_jobs()]
    assert {variables["RECONCILER"] for job in jobs for _, variables in job.scripts} == {""}

    for script in {job.scripts[0][0] for job in jobs}:
        ran = runner.shell(script, {**GITLAB_VARIABLES, "RECONCILER": value})

        assert ran.returncode != 0, script
        assert ("Invalid" if value else "RECONCILER: set it at the top of this ") in ran.stderr


@pytest.fixture
def ready(runner: Runner, wheel: Path) -> Runner:
    """A runner that has the tool already."""
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--force-reinstall", str(wheel)]
    subprocess.run([str(runner.programs / "python"), *install], check=True, capture_output=True)
    return runner


def script_of(job: str, name: str, **inputs: str) -> tuple[str, dict[str, str]]:
    """Return the script of that job of `apply.yml` in which *name* stands, and its variables."""
    [found] = [one for one in github_jobs("apply", inputs) if one.name == f"apply.{job}"]
    [(script, variables)] = [one for one in found.scripts if name in one[0]]
    return script, dict(variables)


def applied(
    ready: Runner, name: str, *, ahead: int = 0, kill: Callable[[Callable[[], None]], None] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the job `apply` in a checkout *name* with the artifact of the plan job; *kill* gets a killer."""
    machine = Runner(ready.hub.folder, ready.programs, ready.environ, name=name)
    shutil.copy(ready.checkout / "plan.bin", machine.checkout)
    script, variables = script_of("apply", "reconciler apply")
    variables |= {"PYTHONPATH": str(LATER), "LATER_SECONDS": str(ahead), "RECONCILER_SETTLE": "0.25"}
    begun = threading.Event()
    pids: list[int] = []

    def killer() -> None:
        begun.wait()
        os.kill(pids[0], signal.SIGKILL)

    if kill is not None:
        kill(killer)
    started = machine.start(script, variables)
    pids.append(started.pid)
    begun.set()
    out, error = started.communicate(timeout=120)
    return subprocess.CompletedProcess(script, started.returncode, out, error)


BODIES = [
    "Welcome to support! How can we help?",
    "My order has not arrived yet.",
    "Let me look that up for you.",
]


def bodies(remote: Emulator) -> list[str]:
    """Return the bodies of all messages, in their order."""
    found = remote.store._database._connection.execute("SELECT document FROM messages ORDER BY number")
    return [json.loads(document)["body"] for (document,) in found.fetchall()]


@pytest.mark.parametrize(("number", "stored"), [(1, True), (2, False), (3, True)])
def test_an_apply_that_was_killed_is_finished_by_running_the_failed_job_again(
    ready: Runner, remote: Emulator, number: int, *, stored: bool
) -> None:
    """In a folder of its own, with the same artifact: exactly the manifest, no message twice."""
    script, variables = script_of("plan", "reconciler plan")
    ran = ready.shell(script, variables)
    assert ran.returncode == 0, ran.stderr
    assert "changes=true" in Path(ready.environ["GITHUB_OUTPUT"]).read_text(encoding="utf-8")
    assert REF not in ready.hub.refs()  # a plan writes nothing

    def at_its_create(killer: Callable[[], None]) -> None:
        remote.faults.add(Fault("create_message", Invoke(killer, after=stored), nth=number))
        if not stored:
            remote.faults.add(Fault("create_message", Reset(), nth=number))

    killed = applied(ready, "first", kill=at_its_create)
    assert killed.returncode == -signal.SIGKILL
    remote.faults.clear()
    assert bodies(remote) == BODIES[: number - 1 + stored]

    again = applied(ready, "again", ahead=400)
    assert again.returncode == 0, again.stderr
    assert bodies(remote) == BODIES
    third = applied(ready, "third", ahead=800)
    assert third.returncode == 1
    assert "this plan was applied already" in third.stderr


def test_an_apply_waits_for_the_lease_of_one_that_was_killed(ready: Runner, remote: Emulator) -> None:
    """As long as that lease lasts, it says who has it, and sends nothing."""
    script, variables = script_of("plan", "reconciler plan")
    ready.shell(script, variables)

    def at_once(killer: Callable[[], None]) -> None:
        remote.faults.add(Fault("POST", Invoke(killer)))

    applied(ready, "first", kill=at_once)
    remote.faults.clear()
    sent: list[str] = []
    remote.faults.add(Fault("*", Invoke(lambda: sent.append("a request"))))
    ready.environ["RECONCILER_LOCK_TIMEOUT"] = "0"
    _, variables = script_of("apply", "reconciler apply")
    machine = Runner(ready.hub.folder, ready.programs, ready.environ, name="again")
    shutil.copy(ready.checkout / "plan.bin", machine.checkout)
    ran = machine.shell(
        "exec reconciler apply plan.bin manifests", {**variables, "RECONCILER_LOCK_TIMEOUT": "0"}
    )
    assert ran.returncode == 1
    assert "is locked by" in ran.stderr
    assert "valid until" in ran.stderr
    assert not sent


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [("max-delete", "0", 1), ("max-delete", "3; touch hacked", 1), ("adopt", "$(touch hacked)", 0)],
)
def test_an_input_is_text_and_no_command(ready: Runner, name: str, text: str, code: int) -> None:
    """Whatever somebody types into the form."""
    ready.shell(*script_of("plan", "reconciler plan"))
    assert applied(ready, "first").returncode == 0
    shutil.rmtree(ready.checkout / "manifests")
    (ready.checkout / "manifests").mkdir()
    empty = "version: 1\nservices: {support: {conversations: {order-4711: {messages: []}}}}\n"
    (ready.checkout / "manifests/support.yaml").write_text(empty, encoding="utf-8")

    ran = ready.shell(*script_of("plan", "reconciler plan", **{name: text}))

    assert ran.returncode == code, ran.stderr
    assert not (ready.checkout / "hacked").exists()


@pytest.mark.parametrize(
    ("facts", "code", "said"),
    [
        ("main\t.github/workflows/apply.yml\tbob\tabc", 0, "commit=abc"),
        ("main\t.github/workflows/apply.yml\tann\tabc", 1, "somebody else than ann must approve it"),
        ("feature\t.github/workflows/apply.yml\tbob\tabc", 1, "that run made no plan of main"),
        ("main\t.github/workflows/plan.yml\tbob\tabc", 1, "that run made no plan of main"),
    ],
)
def test_who_approves_by_the_number_of_a_run_is_somebody_else(
    runner: Runner, facts: str, code: int, said: str
) -> None:
    """The run is one of main, of this workflow, and another person's."""
    gh = runner.hub.folder / "stand-ins" / "gh"
    gh.write_text(f"#!/bin/sh\nprintf '{facts}\\n'\n", encoding="utf-8")
    ran = runner.shell(*script_of("apply", "that run made no plan", run="123"))
    output = Path(runner.environ["GITHUB_OUTPUT"])
    written = output.read_text(encoding="utf-8") if output.exists() else ""
    assert ran.returncode == code
    assert said in ran.stderr + written
    refused = runner.shell(*script_of("apply", "that run made no plan", run="1/../2"))
    assert "a run is named by its number" in refused.stderr


def test_a_state_that_cannot_be_written_makes_the_job_red(ready: Runner, remote: Emulator) -> None:
    """On GitLab the last write is part of the job's only command, and so is what it says."""
    state = TerraformServer()
    with state.serving() as variables:
        url = variables["RECONCILER_STATE"].removesuffix(PATH.removeprefix("/api/v4"))
        jobs = {job.name: job for job in gitlab_jobs(CI_API_V4_URL=url, CI_JOB_TOKEN=PASSWORD)}
        run = {name: _without_installing(job) for name, job in jobs.items()}
        assert ready.shell(*run["plan"]).returncode == 0
        state.trouble = lambda asked: Answer(403) if asked.method == "POST" and bodies(remote) else None
        ran = ready.shell(*run["apply"])
        assert ran.returncode == 1
        assert "with status 403" in ran.stderr


def _without_installing(job: Job) -> tuple[str, dict[str, str]]:
    [(script, variables)] = job.scripts
    lines = [line for line in script.splitlines() if not line.startswith(("apt-get ", "pip "))]
    return "\n".join(lines), dict(variables)


def test_the_lock_of_a_job_that_was_killed_is_freed_by_hand(ready: Runner, remote: Emulator) -> None:
    """GitLab keeps it; the job `unlock` frees it, and then the apply goes on."""
    state = TerraformServer()
    with state.serving() as variables:
        url = variables["RECONCILER_STATE"].removesuffix(PATH.removeprefix("/api/v4"))
        jobs = {
            job.name: job
            for job in gitlab_jobs("plan", "apply", "unlock", CI_API_V4_URL=url, CI_JOB_TOKEN=PASSWORD)
        }
        run = {name: _without_installing(job) for name, job in jobs.items()}
        assert ready.shell(*run["plan"]).returncode == 0
        state.lock = b'{"ID":"1","Who":"ann","Created":"2026-11-30T08:00:00Z"}'
        assert "is locked by ann" in ready.shell(*run["apply"]).stderr
        assert bodies(remote) == []
        unlocked = ready.shell(*run["unlock"])
        assert unlocked.returncode == 0, unlocked.stderr
        assert ready.shell(*run["apply"]).returncode == 0
        assert bodies(remote) == BODIES
