"""What the README says is so: its commands run, its example is valid, its plan is a real one."""

from __future__ import annotations

import json
import re
import shlex
import shutil

import jsonschema

from reconciler.manifest.yaml.reader import read
from tests.support.project import ROOT, Project

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_command_ends_as_it_says(project: Project) -> None:
    """The command that sets up and applies the quickstart, without the setting up."""
    command = re.search(r"\.venv/bin/reconciler (apply .*)\n", README)
    assert command is not None
    shutil.copytree(ROOT / "examples", project.folder / "examples")

    ran = project.run(*command[1].split(), check=0)

    assert ran.out.rstrip().splitlines()[-1] in README


def test_ci_runs_the_second_command() -> None:
    """Whoever runs the README's test command runs what CI runs."""
    command = re.search(r"python3 -m venv \.venv && .* -m tests\n", README)
    assert command is not None
    assert command[0] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_plan_is_a_real_one(project: Project) -> None:
    """The plan that is shown is what these three edits print."""
    shutil.copytree(ROOT / "examples", project.folder / "examples")
    project.run("apply", "examples/support-desk", "--auto-approve", check=0)
    orders = "examples/support-desk/orders.yaml"
    project.edit(orders, "Great, thank you!", "Great, thanks a lot!")
    text = (project.folder / orders).read_text(encoding="utf-8")
    label = text[text.index("          - key: label") :]
    project.edit(
        orders,
        label,
        "          - key: anything-else\n            author: bob\n            body: Anything else?\n",
    )
    shown = re.search(r"--endpoint emulator\n…\n(.*?)```", README, re.DOTALL)
    assert shown is not None

    ran = project.run("plan", "examples/support-desk", check=0)

    assert _without_sids(ran.out).endswith(_without_sids(shown[1]))


def test_the_manifest_is_valid(project: Project) -> None:
    """The example of the manifest passes validation."""
    manifest = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert manifest is not None
    project.write("manifests/readme.yaml", manifest[1])

    project.run("validate", check=0)


def test_the_manifests_header_leads_an_editor_to_the_schema(project: Project) -> None:
    """From where the manifest lies, its first line names the file that the README says how to write."""
    manifest = re.search(r"```yaml\n(# yaml-language-server: \$schema=(\S+)\n.*?)```", README, re.DOTALL)
    written = re.search(r"`reconciler (schema manifest) > (\S+)`", README)
    assert manifest is not None
    assert written is not None
    path = project.write("manifests/readme.yaml", manifest[1])

    project.write(written[2], project.run(*shlex.split(written[1]), check=0).out)

    schema = json.loads((path.parent / manifest[2]).read_text(encoding="utf-8"))
    jsonschema.validate(read(manifest[1]).value, schema)


def test_every_command_is_in_the_table(project: Project) -> None:
    """No command is left undocumented."""
    listed = re.findall(r"^  (\w+)  ", project.run("--help").out.partition("Commands:")[2], re.MULTILINE)

    assert listed
    assert [name for name in listed if f"`{name}" not in README] == []


def test_what_the_way_through_the_code_names_is_there() -> None:
    """Every path of `reconciler/README.md` exists, in the package or, for tests and schemas, beside it."""
    text = (ROOT / "reconciler" / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[\w./-]*\w/(?:\w+\.py)?|\w+\.(?:py|toml)", text))

    assert len(named) > 40
    assert [
        path for path in named if not ((ROOT / "reconciler" / path).exists() or (ROOT / path).exists())
    ] == []


def _without_sids(text: str) -> str:
    return re.sub(r"\b(IM|CH|IS)[0-9a-f]{32}\b", r"\1…", text)
