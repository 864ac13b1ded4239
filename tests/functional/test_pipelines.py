"""The pipelines under `examples/` are ones that their runners accept, and hold what they promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from reconciler.report.markdown import marker
from tests.support.project import ROOT, Project

GITHUB = sorted((ROOT / "examples" / "github-actions").glob("*.yml"))
GITLAB = ROOT / "examples" / "gitlab-ci" / ".gitlab-ci.yml"


def checked(tool: str, *arguments: str | Path) -> str:
    """Run a checker of the environment; its output is empty where it has nothing to say."""
    path = Path(sys.executable).with_name(tool)
    ran = subprocess.run(
        [str(path), *map(str, arguments)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def test_github_workflows_pass_actionlint() -> None:
    """Every workflow is one that GitHub would run."""
    assert len(GITHUB) == 3
    assert checked("actionlint", *GITHUB) == ""


def test_gitlab_pipeline_matches_its_schema() -> None:
    """The pipeline is one that GitLab would run."""
    assert checked("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", GITLAB) == ""


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    """Return the jobs of a workflow or pipeline by name."""
    document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = document.get("jobs", document)
    return {
        name: job for name, job in found.items() if isinstance(job, dict) and {"steps", "script"} & job.keys()
    }


def step(job: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the only step of that name."""
    (found,) = (one for one in job["steps"] if one.get("name") == name)
    return dict(found)


WORKFLOWS = {path.stem: jobs(path) for path in GITHUB}


def test_only_an_apply_gets_what_can_write() -> None:
    """The environment whose key may write is named by the jobs that apply, and by no pull request's."""
    assert [
        (name, job_name)
        for name, found in {**WORKFLOWS, "gitlab": jobs(GITLAB)}.items()
        for job_name, job in found.items()
        if "production" in str(job.get("environment", ""))
    ] == [("apply", "apply"), ("gitlab", "apply")]
    assert [name for name, job in jobs(GITLAB).items() if "STATE_TOKEN" in str(job)] == ["apply"]


def test_foreign_actions_are_pinned() -> None:
    """A tag can be moved to another commit, which would then run beside the credentials."""
    uses = [
        step["uses"]
        for found in WORKFLOWS.values()
        for job in found.values()
        for step in job["steps"]
        if "uses" in step
    ]

    assert uses
    assert [used for used in uses if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", used)] == []


def test_a_fork_gets_no_credentials() -> None:
    """Of the jobs of a pull request, those that have secrets are not for forks."""
    secretive = {
        name: job for name, job in WORKFLOWS["plan"].items() if "secrets." in str(job) or "environment" in job
    }

    assert secretive.keys() == {"plan"}
    assert secretive["plan"]["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    assert jobs(GITLAB)["plan"]["rules"][0]["if"].endswith(
        "&& $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID"
    )


def test_applies_are_serialised() -> None:
    """One at a time, and none is cut short by the next."""
    document = YAML(typ="safe").load(GITHUB[0].read_text(encoding="utf-8"))

    assert document["concurrency"] == {"group": "reconciler-apply", "cancel-in-progress": False}
    assert jobs(GITLAB)["apply"]["resource_group"] == "reconciler"


def test_what_is_applied_is_the_plan_that_was_shown() -> None:
    """The file that the plan's job saved is applied, and no manifests are read again."""
    shown = step(WORKFLOWS["apply"]["plan"], "Plan")["run"]
    applied = step(WORKFLOWS["apply"]["apply"], "Apply what was approved")["run"]

    assert "plan manifests --out plan.bin" in shown
    assert "apply plan.bin " in applied
    assert "manifests" not in applied
    assert "manifests" not in str(jobs(GITLAB)["apply"]["script"])


def test_the_comment_is_found_by_its_marker() -> None:
    """What the workflow looks for, and writes itself where there is no plan, is what comments begin with."""
    script = step(WORKFLOWS["plan"]["plan"], "Show it")["run"]
    ours = marker("plan", "")

    assert f"printf '{ours}\\n" in script
    (looked_for,) = re.findall(r'startswith\("(.*?)"\)', script)
    assert ours.startswith(looked_for)


class Kept:
    """A clone of the branch `reconciler-state`, as a job has it, and the repository behind."""

    def __init__(self, folder: Path) -> None:
        self.remote, self.state = folder / "remote.git", folder / "job" / "state"
        self._folder = folder
        self.git("init", "--quiet", "--bare", "--initial-branch", "reconciler-state", str(self.remote))
        self.git("clone", "--quiet", str(self.remote), str(self.state))

    def git(self, *arguments: str) -> str:
        """Run git, and return what it prints."""
        return self._run(["git", *arguments], self._folder)

    def files(self) -> list[str]:
        """Return the files on the branch."""
        return self.git("--git-dir", str(self.remote), "ls-tree", "--name-only", "reconciler-state").split()

    def end(self, script: str) -> None:
        """Run what a job runs at its end; whatever address it pushes to is the repository behind."""
        self._run(["bash", "-e", "-c", script], self.state.parent)

    def _run(self, command: list[str], folder: Path) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{self.remote}.insteadOf",
            "GIT_CONFIG_VALUE_0": "https://user:secret@example.com/desk.git",
            "GITHUB_SHA": "1234567",
            "CI_COMMIT_SHA": "1234567",
            "STATE_TOKEN": "secret",
            "CI_SERVER_HOST": "example.com",
            "CI_PROJECT_PATH": "desk",
        }
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=True
        ).stdout


GITHUB_END = step(WORKFLOWS["apply"]["apply"], "Keep state and journal")
GITLAB_END = "\n".join(jobs(GITLAB)["apply"]["after_script"])


@pytest.mark.parametrize(
    "script",
    [
        GITHUB_END["run"].replace("https://x-access-token:$GH_TOKEN@github.com/$GITHUB_REPOSITORY", "ORIGIN"),
        GITLAB_END.replace("https://reconciler:$STATE_TOKEN@$CI_SERVER_HOST/$CI_PROJECT_PATH.git", "ORIGIN"),
    ],
    ids=["github", "gitlab"],
)
def test_state_and_journal_are_kept(tmp_path: Path, script: str) -> None:
    """A killed apply leaves a journal: it is on the branch afterwards; and nothing new is no failure."""
    kept = Kept(tmp_path)
    script = script.replace("ORIGIN", "https://user:secret@example.com/desk.git")
    for name in ("", ".backup", ".journal", ".lock"):
        (kept.state / f"reconciler.state.json{name}").write_text("{}", encoding="utf-8")

    kept.end(script)
    kept.end(script)

    assert kept.files() == [f"reconciler.state.json{name}" for name in ("", ".backup", ".journal")]


def test_it_is_kept_whatever_became_of_the_apply() -> None:
    """Also after a failure and a cancellation, and in a second place where that does not succeed."""
    steps = WORKFLOWS["apply"]["apply"]["steps"]

    assert steps[-2]["if"] == "always()"
    assert steps[-2] == GITHUB_END
    assert steps[-1]["if"] == "always() && steps.keep.outcome != 'success'"
    assert jobs(GITLAB)["apply"]["artifacts"]["when"] == "always"


HOOKS = ROOT / ".pre-commit-hooks.yaml"
UNTIDY = "version:   1\n"
WRONG = "version: 2\n"


def hooks() -> dict[str, dict[str, Any]]:
    """Return the hooks by id."""
    return {hook["id"]: hook for hook in YAML(typ="safe").load(HOOKS.read_text(encoding="utf-8"))}


def test_hooks_are_ones_that_pre_commit_takes() -> None:
    """Its own validator has nothing to say; there is one for what is wrong, one for the form."""
    assert checked("pre-commit", "validate-manifest", HOOKS) == ""
    assert hooks().keys() == {"reconciler-validate", "reconciler-fmt"}


def test_the_readme_shows_every_hook(tmp_path: Path) -> None:
    """Its snippet is a configuration of pre-commit, and pins a commit."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"```yaml\n(repos:\n.*?)```", readme, re.DOTALL)
    config = tmp_path / ".pre-commit-config.yaml"
    config.write_text(snippet, encoding="utf-8")

    assert checked("pre-commit", "validate-config", config) == ""
    (repository,) = YAML(typ="safe").load(snippet)["repos"]
    assert {hook["id"] for hook in repository["hooks"]} == hooks().keys()
    assert re.fullmatch("[0-9a-f]{40}", repository["rev"])


@pytest.mark.parametrize(
    ("hook", "text", "code"),
    [
        ("reconciler-validate", UNTIDY, 0),
        ("reconciler-validate", WRONG, 1),
        ("reconciler-fmt", UNTIDY, 1),
        ("reconciler-fmt", WRONG, 0),
    ],
)
def test_a_hook_fails_for_what_it_looks_for(project: Project, hook: str, text: str, code: int) -> None:
    """It is called with the names of files, or alone in the repository's folder."""
    project.write("manifests/a.yaml", text)
    program, *arguments = hooks()[hook]["entry"].split()
    names = ["manifests/a.yaml"] if hooks()[hook].get("pass_filenames", True) else []

    assert program == "reconciler"
    project.run(*arguments, *names, check=code)
