"""Programs that were made for Terraform's plans read ours: each of them, each kind of plan.

A program that is on the PATH is used; others are built or installed from their public modules and packages.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.clients.plan_kinds import KINDS, SECRET, Desk, desk_of
from tests.clients.workshop import HERE, folder, go_program, install, run
from tests.parts import ROOT

_GO: Final = {
    "tf-summarize": "github.com/dineshba/tf-summarize@v0.3.20",
    "tfcmt": "github.com/suzuki-shunsuke/tfcmt/v4/cmd/tfcmt@v4.14.18",
    "conftest": "github.com/open-policy-agent/conftest@v0.71.1",
}
_TERRAFORM_JSON: Final = "github.com/hashicorp/terraform-json@v0.29.0"
_PYTHON: Final = {"checkov": "checkov==3.3.30", "terraform-compliance": "terraform-compliance==1.16.0"}
_POLICIES: Final = HERE / "policies"
_EXAMPLE: Final = ROOT / "examples" / "policy"
_GENTLY: Final = {**os.environ, "GOFLAGS": "-p=1 -buildvcs=false"}
"""Go compiles one package at a time: conftest has more than a thousand."""

Reader = Callable[[Desk, str], str]
"""Reads the plan of a desk, of the kind named; returns what it made of it, or raises `Wrong`."""


class Wrong(Exception):
    """A reader that made something else of a plan than is right."""


def run_readers(url: str) -> list[str]:
    """Let every reader read every kind of plan, print the table, and return what is wrong in it."""
    desks = {name: desk_of(name, url) for name in KINDS}
    findings: list[str] = []
    rows = [["", *KINDS]]
    for reader, read in READERS.items():
        cells = []
        for kind, desk in desks.items():
            try:
                cells.append(read(desk, kind))
            except Wrong as error:
                cells.append("WRONG")
                findings.append(f"{reader}, {kind}: {error}")
        rows.append([reader, *cells])
    for column in zip(*rows, strict=True):
        sys.stdout.write("| " + " | ".join(column) + " |\n")
        if column[0] == "":
            sys.stdout.write("|---" * len(column) + "|\n")
    return findings + _other_documents(desks["update"], desks["error"]) + _tests_of_rules()


def _summarize(desk: Desk, kind: str) -> str:
    """Counts by tf-summarize; it knows nothing of forgetting, as Terraform did not when it was made."""
    ran = _ran(_go("tf-summarize"), "-json-sum", "plan.json", desk=desk)
    if kind == "error":
        return _refusing(ran, "format version is missing")
    counts = {name: number for name, number in json.loads(ran.stdout)["changes"].items() if number}
    names = {"create": "add", "update": "update", "delete": "delete"}
    actions = list(KINDS[kind].changes.values())
    wanted: dict[str, int] = {}
    for one in actions:
        word = "recreate" if len(one) > 1 else names.get(one[0])
        if word:
            wanted[word] = wanted.get(word, 0) + 1
    if kind == "move":
        wanted["moved"] = 1
    if kind == "import":
        wanted["import"] = len(_plan(desk)["resource_changes"])
    _same(counts, wanted)
    return ", ".join(f"{number} {name}" for name, number in counts.items()) or "nothing"


def _tfcmt(desk: Desk, kind: str) -> str:
    """The comment that tfcmt would make of the text, with the lists of addresses that it found."""
    arguments = ("--owner", "o", "--repo", "r", "--sha", "0", "--output", "comment.md")
    (desk.folder / "comment.md").unlink(missing_ok=True)
    planned = desk.command("plan", *KINDS[kind].arguments)
    ran = _ran(_go("tfcmt"), *arguments, "plan", "--disable-label", "--", *planned, desk=desk)
    comment = (desk.folder / "comment.md").read_text(encoding="utf-8")
    if kind == "error":
        _wants("Plan Failed" in comment and "unknown field" in comment and ran.returncode == 1, comment)
        return "Plan Failed, with file, line and text"
    _wants("Plan Result" in comment and "failed to parse" not in comment, comment)
    line = next(line for line in comment.splitlines() if "Plan:" in line or "No changes." in line)
    lists = {"create": "Create", "foreign author": "Create", "sensitive": "Create", "update": "Update"}
    lists |= {"drift": "Update", "delete": "Delete", "replace": "Replace", "move": "Move", "import": "Import"}
    if kind in lists:
        _wants(f"* {lists[kind]}\n" in comment, comment)
        return f"{lists[kind]}: {_text(line)}"
    return _text(line)


def _conftest(desk: Desk, kind: str) -> str:
    """The rules of examples/policy."""
    ran = _ran(
        _go("conftest"),
        *("test", "--policy", _EXAMPLE / "rules", "--data", _EXAMPLE / "office.yaml"),
        *("--output", "json", "plan.json"),
        desk=desk,
    )
    (found,) = json.loads(ran.stdout)
    failures = [one["msg"] for one in found.get("failures", [])]
    _same((bool(failures), ran.returncode), (KINDS[kind].is_refused_by_policy, int(bool(failures))))
    return "passes" if not failures else f"refuses: {failures[0].partition(':')[0]}"


def _terraform_json(desk: Desk, kind: str) -> str:
    """HashiCorp's own parser."""
    ran = _ran(_parser(), "plan", "plan.json", desk=desk)
    if kind == "error":
        return _refusing(ran, "format version is missing")
    read = json.loads(ran.stdout)
    found = {
        address.rpartition("/")[2]: change["actions"]
        for address, change in read["changes"].items()
        if address.count("/") > 1
    }
    _same(found, KINDS[kind].changes)
    changes = list(read["changes"].values())
    _same(any(change["previous"] for change in changes), kind == "move")
    _same(any(change["imported"] for change in changes), kind == "import")
    _same(any(change["hidden"] == {"body": True} for change in changes), kind == "sensitive")
    return "; ".join(sorted({", ".join(actions) for actions in found.values()})) or "no changes"


def _checkov(desk: Desk, kind: str) -> str:
    """A rule on messages: how many it looked at."""
    ran = _ran(
        _python("checkov"),
        *("-f", "plan.json", "--framework", "terraform_plan", "--output", "json", "--quiet", "--compact"),
        "--skip-download",  # it asks a server of its makers for the rules of theirs
        *("--external-checks-dir", _POLICIES / "checkov", "--check", "CKV2_DESK_1"),
        desk=desk,
    )
    found = json.loads(ran.stdout or "{}")
    summary = found.get("summary", found) if isinstance(found, dict) else {}
    checked = summary.get("passed", 0) + summary.get("failed", 0)
    if kind == "error":
        _same(checked, 0)
        return "nothing checked (it exits 0)" if ran.returncode == 0 else "refuses"
    messages = sum(one["type"] == "message" for one in _resources(desk))
    _same((checked, summary.get("failed")), (messages, 0))
    return f"{checked} messages checked"


def _compliance(desk: Desk, kind: str) -> str:
    """A feature on messages.

    Whatever is not deleted it takes for what will be, and what is forgotten has no fields.
    """
    ran = _ran(
        _python("terraform-compliance"),
        *("-f", _POLICIES / "compliance", "-p", desk.folder / "plan.json", "--no-ansi"),
        desk=desk,
    )
    if kind == "error":
        _wants(ran.returncode != 0, ran.stdout)
        return "refuses"
    if kind == "forget":
        _wants(ran.returncode != 0 and "does not have author" in ran.stdout, ran.stdout)
        return "fails: it knows no forgetting"
    _wants(ran.returncode == 0 and "1 passed" in ran.stdout, ran.stdout + ran.stderr)
    return "1 scenario passed"


READERS: Final[dict[str, Reader]] = {
    "tf-summarize": _summarize,
    "tfcmt": _tfcmt,
    "conftest": _conftest,
    "terraform-json": _terraform_json,
    "checkov": _checkov,
    "terraform-compliance": _compliance,
}


def _other_documents(applied: Desk, faulty: Desk) -> list[str]:
    """Return what HashiCorp's parser finds wrong in a state, and in what `validate` prints."""
    (applied.folder / "state.json").write_text(applied.run("show", "--format", "json").stdout, "utf-8")
    (faulty.folder / "valid.json").write_text(faulty.run("validate", "--format", "json").stdout, "utf-8")
    state = _ran(_parser(), "state", "state.json", desk=applied)
    valid = _ran(_parser(), "validate", "valid.json", desk=faulty)
    try:
        resources = json.loads(state.stdout or "{}").get("resources")
        order = f"{applied.kind}/order"
        _same(resources, [applied.kind, order, f"{order}/bye", f"{order}/hello"])
        read = json.loads(valid.stdout or "{}")
        _same((read["valid"], read["errors"], read["place"][:21]), (False, 1, "manifests/desk.yaml:1"))
    except (Wrong, KeyError) as error:
        return [f"terraform-json, state and validate: {error} {state.stderr}{valid.stderr}"]
    sys.stdout.write("terraform-json reads `show --format json` of a state, and `validate --format json`\n")
    return []


def _tests_of_rules() -> list[str]:
    """Return what fails of the tests of examples/policy."""
    ran = subprocess.run(
        [_go("conftest"), "verify", "--policy", "rules", "--data", "office.yaml", "--no-color"],
        cwd=_EXAMPLE,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode or " 0 passed" in ran.stdout:
        return [f"conftest verify: {ran.stdout}{ran.stderr}"]
    sys.stdout.write(f"conftest verify: {ran.stdout.strip()}\n")
    return []


def _plan(desk: Desk) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads((desk.folder / "plan.json").read_text(encoding="utf-8"))
    return plan


def _resources(desk: Desk) -> list[dict[str, Any]]:
    resources: list[dict[str, Any]] = _plan(desk)["planned_values"]["root_module"].get("resources", [])
    return resources


def _ran(program: Path, *arguments: str | Path, desk: Desk) -> subprocess.CompletedProcess[str]:
    """Run a reader in the folder of *desk*; whatever it prints, the secret is not in it."""
    ran = subprocess.run(
        [str(part) for part in (program, *arguments)],
        cwd=desk.folder,
        env={**desk.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=600,
    )
    _wants(SECRET not in ran.stdout + ran.stderr, "it shows the sensitive value")
    return ran


def _refusing(ran: subprocess.CompletedProcess[str], why: str) -> str:
    _wants(ran.returncode != 0 and why in ran.stdout + ran.stderr, ran.stdout + ran.stderr)
    return f"refuses: {why}"


def _same(found: object, wanted: object) -> None:
    if found != wanted:
        raise Wrong(f"{found!r} instead of {wanted!r}")


def _wants(holds: bool, shown: str) -> None:  # noqa: FBT001  # like assert
    if not holds:
        raise Wrong(shown)


def _text(line: str) -> str:
    return line.removeprefix("<pre><code>").removesuffix("</code></pre>")


@cache
def _go(name: str) -> Path:
    """Return a program in Go."""
    if (found := shutil.which(name)) is not None:
        return Path(found)
    made = folder("readers") / "bin"
    if not (made / name).exists():
        install("go", "install", _GO[name], environ={**_GENTLY, "GOBIN": str(made)}, seconds=3600)
    return made / name


@cache
def _parser() -> Path:
    """Return a small program around HashiCorp's parser."""
    return go_program("terraform_json", _TERRAFORM_JSON, _GENTLY)


@cache
def _python(name: str) -> Path:
    """Return a program in Python, in a virtual environment of its own: their dependencies disagree."""
    if (found := shutil.which(name)) is not None:
        return Path(found)
    made = folder(name)
    if not (made / "bin" / name).exists():
        run(sys.executable, "-m", "venv", made)
        install(made / "bin" / "python", "-m", "pip", "install", "-q", _PYTHON[name], seconds=1800)
    return made / "bin" / name
