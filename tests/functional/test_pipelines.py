"""The pipelines under `examples/` are ones that their runners accept, and hold what they promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.functional.conftest import ROOT, Project

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


def test_credentials_of_a_pull_request_are_not_those_that_write() -> None:
    """Only the job that applies names the environment whose key may write."""
    writing = [path.name for path in GITHUB if "environment: production" in path.read_text(encoding="utf-8")]

    assert writing == ["apply.yml"]


def test_state_is_kept_after_failure_and_applies_are_serialised() -> None:
    """Exactly-once needs state and journal to outlive the job, and one apply at a time."""
    text = (ROOT / "examples" / "github-actions" / "apply.yml").read_text(encoding="utf-8")

    assert "name: Keep state and journal\n        if: always()" in text
    assert "cancel-in-progress: false" in text


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
