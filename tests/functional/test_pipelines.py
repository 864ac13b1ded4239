"""The pipelines under `examples/` are ones that their runners accept, and hold what they promise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from reconciler.cli.commands.plan import plan
from reconciler.report.markdown import marker
from reconciler.state.stores.lease import LEASE_SECONDS
from tests.support.project import ROOT, Project

GITHUB = sorted((ROOT / "examples" / "github-actions").glob("*.yml"))
PARTS = ROOT / "examples" / "parts" / "github.yml"
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
    assert checked("actionlint", *GITHUB, PARTS) == ""


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
    ] == [("apply", "apply"), ("gitlab", "apply"), ("gitlab", "unlock")]
    assert [
        (name, job_name)
        for name, found in WORKFLOWS.items()
        for job_name, job in found.items()
        if job["permissions"].get("contents") == "write"
    ] == [("apply", "apply")]


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


def test_an_apply_that_waits_for_approval_keeps_nobody_waiting() -> None:
    """The lease of the state serialises applies; a group of runs would hold up others, or drop them."""
    document = YAML(typ="safe").load((GITHUB[0].parent / "apply.yml").read_text(encoding="utf-8"))

    assert "concurrency" not in str(document)
    assert float(document["env"]["RECONCILER_LOCK_TIMEOUT"]) > LEASE_SECONDS
    assert jobs(GITLAB)["apply"]["resource_group"] == jobs(GITLAB)["unlock"]["resource_group"] == "reconciler"


def test_what_is_applied_is_the_plan_that_was_shown() -> None:
    """The file that the plan's job saved; the manifests beside it must be those that it was made from."""
    shown = step(WORKFLOWS["apply"]["plan"], "Plan")["run"]
    applied = step(WORKFLOWS["apply"]["apply"], "Apply what was approved")["run"]

    assert "plan manifests --out plan.bin" in shown
    assert "apply plan.bin manifests " in applied
    assert "reconciler apply plan.bin manifests" in jobs(GITLAB)["apply"]["script"]


def test_a_plan_is_kept_as_long_as_its_approval_may_wait() -> None:
    """GitHub lets one wait for thirty days."""
    (kept,) = (one["with"] for one in WORKFLOWS["apply"]["plan"]["steps"] if "retention-days" in str(one))

    assert kept["retention-days"] == 30
    assert jobs(GITLAB)["plan"]["artifacts"]["expire_in"] == "30 days"


DELIBERATE = ("MAX_DELETE", "ADOPT", "DUPLICATE", "ALLOW_RECREATE", "ALLOW_DELIVERY", "RESET")
"""Options of a plan that a push never has."""


def test_what_a_push_may_not_do_is_an_input_of_a_run_by_hand() -> None:
    """It reaches the shell by variables alone: text in a script could be any command."""
    document = YAML(typ="safe").load((GITHUB[0].parent / "apply.yml").read_text(encoding="utf-8"))
    planning = step(WORKFLOWS["apply"]["plan"], "Plan")
    names = {f"RECONCILER_{name}": name.lower().replace("_", "-") for name in DELIBERATE}

    assert {*document["on"]["workflow_dispatch"]["inputs"]} == {*names.values(), "run"}
    assert {name: planning["env"][name] for name in names} == {
        name: f"${{{{ inputs.{given} }}}}" for name, given in names.items()
    }
    known = {
        name for one in plan.params for name in (one.envvar if isinstance(one.envvar, list) else [one.envvar])
    }
    assert names.keys() <= known
    variables = YAML(typ="safe").load(GITLAB.read_text(encoding="utf-8"))["variables"]
    assert {name for name, one in variables.items() if isinstance(one, dict)} == names.keys()
    assert all(one["value"] in {"", "false"} for one in variables.values() if isinstance(one, dict))


def test_no_expression_is_in_a_script() -> None:
    """What others may write reaches the shell by the environment."""
    scripts = [
        one["run"]
        for found in WORKFLOWS.values()
        for job in found.values()
        for one in job["steps"]
        if "run" in one
    ]

    assert scripts
    assert [script for script in scripts if "${{" in script] == []


def test_a_change_of_anything_that_a_plan_depends_on_starts_it() -> None:
    """Variables, data and media too."""
    files = ("manifests", "variables", "data", "media", "reconciler.yaml")
    for name, event in (("plan", "pull_request"), ("apply", "push")):
        document = YAML(typ="safe").load((GITHUB[0].parent / f"{name}.yml").read_text(encoding="utf-8"))
        assert tuple(path.partition("/")[0] for path in document["on"][event]["paths"]) == files
    for name in ("validate", "plan", "apply"):
        for rule in jobs(GITLAB)[name]["rules"]:
            if "web" not in rule["if"]:
                assert tuple(path.partition("/")[0] for path in rule["changes"]) == files


def test_no_address_of_a_server_is_written_down() -> None:
    """Both run on servers of one's own: those say where they are."""
    for path in (*GITHUB, GITLAB):
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"(?<![\w.])git(?:hub|lab)\.com", text) == [], path


def test_the_comment_is_found_by_its_marker() -> None:
    """What the workflow looks for, and writes itself where there is no plan, is what comments begin with."""
    script = step(WORKFLOWS["plan"]["plan"], "Show it")["run"]
    ours = marker("plan", "")

    assert f"printf '{ours}\\n" in script
    (looked_for,) = re.findall(r'startswith\("(.*?)"\)', script)
    assert ours.startswith(looked_for)


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


def test_the_example_has_every_hook() -> None:
    """It is a configuration that pre-commit takes, and pins a commit."""
    config = ROOT / "examples" / "pre-commit" / ".pre-commit-config.yaml"

    assert checked("pre-commit", "validate-config", config) == ""
    (repository,) = YAML(typ="safe").load(config.read_text(encoding="utf-8"))["repos"]
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


def test_the_workflow_in_parts_plans_joins_and_applies_all_of_them() -> None:
    """Each matrix has as many jobs as there are parts, and only the last one has the key that may write."""
    document = YAML(typ="safe").load(PARTS.read_text(encoding="utf-8"))
    found = jobs(PARTS)

    assert list(found) == ["plan", "merge", "apply"]
    for name, command in (("plan", "Plan one part"), ("apply", "Apply one part")):
        assert found[name]["strategy"]["matrix"]["part"] == [*range(1, document["env"]["PARTS"] + 1)]
        assert '--shard "$PART/$PARTS"' in step(found[name], command)["run"]
    assert (
        "plan merge parts/part-* manifests --out plan.bin" in step(found["merge"], "Judge the whole")["run"]
    )
    assert [name for name, job in found.items() if job.get("environment") == "production"] == ["apply"]
    assert {job["permissions"]["contents"] for job in found.values()} == {"read"}
