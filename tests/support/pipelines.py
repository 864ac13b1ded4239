"""The pipelines under `examples/` as their runners would carry them out: scripts, variables, machines."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from ruamel.yaml import YAML

from tests.support.project import ACCOUNT, ROOT
from tests.support.repository import Repository, environ

GITHUB = ROOT / "examples" / "github-actions"
GITLAB = ROOT / "examples" / "gitlab-ci" / ".gitlab-ci.yml"
STAND_INS = ("apt-get", "curl", "gh", "jq", "sleep")
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
    "CI_API_V4_URL": "https://gitlab.example/api/v4",
    "CI_JOB_TOKEN": "token",
    "CI_PROJECT_ID": "7",
    "CI_COMMIT_SHA": "1234567",
}


@dataclass(frozen=True)
class Job:
    """Scripts of one job, each with its variables; the first of them installs."""

    name: str
    scripts: tuple[tuple[str, Mapping[str, str]], ...]


def github_jobs(workflow: str, inputs: Mapping[str, str] | None = None) -> Iterator[Job]:
    """Yield the jobs of a workflow, with all that runs something; *inputs* are those of a run by hand."""
    document = YAML(typ="safe").load((GITHUB / f"{workflow}.yml").read_text(encoding="utf-8"))
    given = {f"inputs.{name}": text for name, text in (inputs or {}).items()}
    shared = {name: str(value) for name, value in document["env"].items()}
    for name, job in document["jobs"].items():
        steps = [
            step
            for step in job["steps"]
            if "run" in step and ("inputs." not in str(step.get("if", "")) or "inputs.run" in given)
        ]
        yield Job(
            f"{workflow}.{name}",
            tuple((step["run"], {**shared, **_evaluated(step.get("env", {}), given)}) for step in steps),
        )


def gitlab_jobs(*names: str, **given: str) -> Iterator[Job]:
    """Yield jobs of the pipeline, without *names* one a stage; *given* are variables of the server."""
    document = YAML(typ="safe").load(GITLAB.read_text(encoding="utf-8"))
    known = {**GITLAB_VARIABLES, **given}
    written = {
        name: one["value"] if isinstance(one, dict) else one for name, one in document["variables"].items()
    }
    variables = known | {name: Template(text).substitute(known) for name, text in written.items()}
    for name in names or document["stages"]:
        yield Job(name, (("\n".join(_flat(document[name]["script"])), variables),))


def _flat(lines: list[Any]) -> Iterator[str]:
    """GitLab takes lists in lists."""
    for line in lines:
        if isinstance(line, list):
            yield from _flat(line)
        else:
            yield line


def _evaluated(variables: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Put values in the place of GitHub's expressions; an unknown one is a KeyError, but for inputs."""

    def value(name: str) -> str:
        return given.get(name, "") if name.startswith("inputs.") else EXPRESSIONS[name]

    return {
        name: re.sub(r"\$\{\{ (.*?) \}\}", lambda found: value(found[1]), text)
        for name, text in variables.items()
    }


class Runner:
    """A machine with *programs* and a clone of the repository in *folder*, with manifests.

    *given* are variables of the server.
    """

    def __init__(
        self, folder: Path, programs: Path, given: Mapping[str, str], *, name: str = "checkout"
    ) -> None:
        self.hub = Repository(folder)
        self.checkout = self.hub.clone(name)
        shutil.copytree(ROOT / "examples" / "quickstart", self.checkout / "manifests")
        self.programs = programs
        stand_ins = folder / "stand-ins"
        stand_ins.mkdir(exist_ok=True)
        for stand_in in STAND_INS:
            (stand_ins / stand_in).write_text("#!/bin/sh\n", encoding="utf-8")
            (stand_ins / stand_in).chmod(0o700)
        git = {key: value for key, value in environ(folder).items() if key.startswith(("GIT_", "XDG_"))}
        self.environ = {
            **git,
            "PATH": f"{stand_ins}:{programs}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PIP_NO_COMPILE": "1",
            "PIP_NO_INDEX": "1",
            "GITHUB_ACTOR": "ann",
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_REPOSITORY": EXPRESSIONS["github.repository"],
            "GITHUB_SHA": "1234567",
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            **given,
        }

    def run(self, job: Job, **chosen: str) -> str:
        """Run a job on a fresh machine, and return its output; *chosen* are variables that users set."""
        (self.programs / "reconciler").unlink(missing_ok=True)
        for installed in self.programs.parent.glob("lib/*/site-packages/*reconciler*"):
            shutil.rmtree(installed)
        output = ""
        for script, variables in job.scripts:
            ran = self.shell(script, {**variables, **chosen})
            assert ran.returncode == 0, f"{job.name}: {script}\n{ran.stdout}\n{ran.stderr}"
            output += ran.stdout
        return output

    def shell(self, script: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run one script as the runners do: what fails ends it."""
        started = self.start(script, variables)
        out, error = started.communicate(timeout=120)
        return subprocess.CompletedProcess(script, started.returncode, out, error)

    def start(self, script: str, variables: Mapping[str, str]) -> subprocess.Popen[str]:
        """Begin to run one script."""
        return subprocess.Popen(
            ["bash", "-e", "-c", script],
            cwd=self.checkout,
            env={**self.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
