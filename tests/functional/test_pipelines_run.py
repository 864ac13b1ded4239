"""The steps of the pipelines under `examples/` run as they are written, with the wheel of this tree."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.project import ACCOUNT, ROOT, Project
from tests.support.wheel import environment, lend_dependencies

GITHUB = ROOT / "examples" / "github-actions"
GITLAB = ROOT / "examples" / "gitlab-ci" / ".gitlab-ci.yml"
STAND_INS = ("apt-get", "curl", "gh", "git", "jq", "sleep")
"""Programs that would leave this machine, or that it may not have: they do nothing, and succeed."""
CREDENTIALS = {
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_API_KEY": f"SK{'0' * 32}",
    "TWILIO_API_SECRET": "sesame",
}
EXPRESSIONS = {
    "vars.TWILIO_ACCOUNT_SID": CREDENTIALS["TWILIO_ACCOUNT_SID"],
    "secrets.TWILIO_API_KEY": CREDENTIALS["TWILIO_API_KEY"],
    "secrets.TWILIO_API_SECRET": CREDENTIALS["TWILIO_API_SECRET"],
    "github.token": "token",
    "github.repository": "storefront/desk",
    "github.server_url": "https://github.example",
    "github.run_id": "1",
    "github.event.pull_request.number": "7",
}
GITLAB_VARIABLES = {
    **CREDENTIALS,
    "CI_JOB_TOKEN": "token",
    "CI_SERVER_HOST": "gitlab.example",
    "CI_PROJECT_PATH": "storefront/desk",
    "CI_COMMIT_SHA": "1234567",
    "STATE_TOKEN": "token",
}


@dataclass(frozen=True)
class Job:
    """Scripts of one job, each with its variables; the first of them installs."""

    name: str
    scripts: tuple[tuple[str, Mapping[str, str]], ...]


def github_jobs(workflow: str) -> Iterator[Job]:
    """Yield the jobs of a workflow, with every step that runs something."""
    document = YAML(typ="safe").load((GITHUB / f"{workflow}.yml").read_text(encoding="utf-8"))
    for name, job in document["jobs"].items():
        steps = [step for step in job["steps"] if "run" in step]
        yield Job(
            f"{workflow}.{name}",
            tuple((step["run"], {**document["env"], **_evaluated(step.get("env", {}))}) for step in steps),
        )


def gitlab_jobs() -> Iterator[Job]:
    """Yield the jobs of the pipeline: `script` is one script, and so is `after_script`."""
    document = YAML(typ="safe").load(GITLAB.read_text(encoding="utf-8"))
    variables = {**GITLAB_VARIABLES, **document["variables"]}
    for name in document["stages"]:
        scripts = [document[name]["script"], document[name].get("after_script", [])]
        yield Job(name, tuple(("\n".join(_flat(lines)), variables) for lines in scripts))


def _flat(lines: list[Any]) -> Iterator[str]:
    """GitLab takes lists in lists."""
    for line in lines:
        if isinstance(line, list):
            yield from _flat(line)
        else:
            yield line


def _evaluated(variables: Mapping[str, str]) -> dict[str, str]:
    """Put values in the place of GitHub's expressions; an unknown one is a KeyError."""
    return {
        name: re.sub(r"\$\{\{ (.*?) \}\}", lambda found: EXPRESSIONS[found[1]], text)
        for name, text in variables.items()
    }


class Runner:
    """A machine with *programs*, a checkout with manifests, and a folder for the state."""

    def __init__(self, folder: Path, programs: Path, given: Mapping[str, str]) -> None:
        self.checkout = folder / "checkout"
        shutil.copytree(ROOT / "examples" / "quickstart", self.checkout / "manifests")
        (self.checkout / "state").mkdir()
        self._programs = programs
        stand_ins = folder / "stand-ins"
        stand_ins.mkdir()
        for name in STAND_INS:
            (stand_ins / name).write_text("#!/bin/sh\n", encoding="utf-8")
            (stand_ins / name).chmod(0o700)
        self._environ = {
            "PATH": f"{stand_ins}:{programs}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PIP_NO_COMPILE": "1",
            "PIP_NO_INDEX": "1",
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_REPOSITORY": EXPRESSIONS["github.repository"],
            "GITHUB_SHA": "1234567",
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            **given,
        }

    def run(self, job: Job, **chosen: str) -> str:
        """Run a job on a fresh machine, and return its output; *chosen* are variables that users set."""
        (self._programs / "reconciler").unlink(missing_ok=True)
        for installed in self._programs.parent.glob("lib/*/site-packages/*reconciler*"):
            shutil.rmtree(installed)
        output = ""
        for script, variables in job.scripts:
            ran = self.shell(script, {**variables, **chosen})
            assert ran.returncode == 0, f"{job.name}: {script}\n{ran.stdout}\n{ran.stderr}"
            output += ran.stdout
        return output

    def shell(self, script: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run one script as the runners do: what fails ends it."""
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.checkout,
            env={**self._environ, **variables},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )


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


@pytest.mark.parametrize(
    "jobs",
    [[*github_jobs("plan"), *github_jobs("apply"), *github_jobs("drift")], [*gitlab_jobs()]],
    ids=["github", "gitlab"],
)
def test_every_job_installs_and_does_what_it_is_for(runner: Runner, wheel: Path, jobs: list[Job]) -> None:
    """A change is validated, planned and applied, and then nothing has drifted: every step succeeds."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    outputs = {job.name: runner.run(job, RECONCILER=f"{wheel.as_uri()}#sha256={digest}") for job in jobs}

    assert [name for name, text in outputs.items() if "Apply complete! Resources: 5 added" in text] == [
        name for name in outputs if name in {"apply.apply", "apply"}
    ]
    assert "No drift" in outputs[jobs[-1].name]


@pytest.mark.parametrize("value", ["", "reconciler"])
def test_no_job_installs_before_it_is_said_from_where(runner: Runner, value: str) -> None:
    """As the examples are, each job ends with a sentence. A bare name may be anybody's: it is refused."""
    jobs = [*github_jobs("plan"), *github_jobs("apply"), *github_jobs("drift"), *gitlab_jobs()]
    assert {variables["RECONCILER"] for job in jobs for _, variables in job.scripts} == {""}

    for script in {job.scripts[0][0] for job in jobs}:
        ran = runner.shell(script, {**GITLAB_VARIABLES, "RECONCILER": value})

        assert ran.returncode != 0, script
        assert ("Invalid" if value else "RECONCILER: set it at the top of this ") in ran.stderr
