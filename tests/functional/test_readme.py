"""What the README files say is so: their commands run in order, and what they show is real."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from reconciler.manifest.yaml.reader import read
from tests.pictures import PLAN, plan_of_the_desk, rows
from tests.support.project import ROOT, Project
from tests.support.readmes import Terminal, blocks, edit_the_desk, readmes

README = (ROOT / "README.md").read_text(encoding="utf-8")
QUICKSTART = (ROOT / "examples" / "quickstart" / "README.md").read_text(encoding="utf-8")
EXAMPLES = [path for path in readmes() if path.is_relative_to(ROOT / "examples")]
TESTS = "-m tests"


@pytest.fixture
def terminal(project: Project) -> Terminal:
    """A terminal in a clone, which nothing but its README has set up."""
    project.environ.clear()
    return Terminal(project)


def test_a_newcomer_types_every_command_of_the_readme(terminal: Terminal) -> None:
    """From top to bottom, in one folder, but for the test command and what needs an account."""
    lines = [line for block in blocks(README) if not block.is_marked for line in block.lines]
    typed = [line for line in lines if TESTS not in line]

    ran = terminal.type(typed)

    assert [block.lines[0] for block in blocks(README) if block.is_marked] == ["# on Twilio"]
    assert len(lines) - len(typed) == 1
    assert len(typed) >= 7
    for each in ran:
        each.check()
    assert ran[0].shown.rstrip().splitlines()[-2] in README


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_the_commands_of_an_example_work_in_order(terminal: Terminal, path: Path) -> None:
    """In one folder, with the virtual environment of the README; not those that say what else they need."""
    lines = [
        line
        for block in blocks(path.read_text(encoding="utf-8"))
        if not block.is_marked
        for line in block.lines
    ]
    terminal.activate()

    for each in terminal.type(lines) if lines else ():
        each.check()


def test_ci_runs_the_second_command() -> None:
    """Whoever runs the README's test command runs what CI runs."""
    command = re.search(r"python3 -m venv \.venv && .* -m tests\n", README)
    assert command is not None
    assert command[0] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_plan_is_a_real_one(project: Project) -> None:
    """The plan that is shown is what these three edits print."""
    readme = (ROOT / "examples" / "support-desk" / "README.md").read_text(encoding="utf-8")
    shutil.copytree(ROOT / "examples" / "support-desk", project.folder / "support-desk")
    project.run("apply", "support-desk", "--auto-approve", check=0)
    edit_the_desk(project, "support-desk")
    shown = re.search(r"\$ reconciler plan support-desk\n…\n(.*?)```", readme, re.DOTALL)
    assert shown is not None

    ran = project.run("plan", "support-desk", check=0)

    assert _without_sids(ran.out).endswith(_without_sids(shown[1]))


def test_the_picture_is_what_the_plan_prints(project: Project) -> None:
    """Word by word, so that it is drawn anew when the words change: `python -m tests.pictures`."""
    drawn = ET.fromstring(PLAN.read_text(encoding="utf-8"))
    texts = ["".join(each.itertext()) for each in drawn.iter("{http://www.w3.org/2000/svg}text")]

    found = rows(plan_of_the_desk(project))
    printed = ["".join(text for text, _ in row) for row in found if row]

    assert list(map(_without_sids, texts[1:])) == list(map(_without_sids, printed))


def test_the_manifest_is_valid(project: Project) -> None:
    """The example of the manifest passes validation."""
    manifest = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert manifest is not None
    project.write("manifests/readme.yaml", manifest[1])

    project.run("validate", check=0)


def test_the_manifests_header_leads_an_editor_to_the_schema(project: Project) -> None:
    """From where the manifest lies, its first line names the file that the first steps write."""
    manifest = re.search(r"```yaml\n(# yaml-language-server: \$schema=(\S+)\n.*?)```", README, re.DOTALL)
    written = re.search(r"^reconciler (schema manifest) > (\S+)", QUICKSTART, re.MULTILINE)
    assert manifest is not None
    assert written is not None
    path = project.write("manifests/readme.yaml", manifest[1])

    project.write(written[2], project.run(*shlex.split(written[1]), check=0).out)

    schema = json.loads((path.parent / manifest[2]).read_text(encoding="utf-8"))
    jsonschema.validate(read(manifest[1]).value, schema)


def test_the_help_of_every_command_has_an_example(project: Project) -> None:
    """The README sends people there."""
    listed = re.findall(r"^  (\w+)  ", project.run("--help").out.partition("Commands:")[2], re.MULTILINE)

    assert listed
    assert [name for name in listed if "Example: reconciler " not in project.run(name, "--help").out] == []


@pytest.mark.parametrize(
    "command", ["apply", "state migrate", "plan", "watch", "export", "init", "emulator", "schema", "version"]
)
def test_help_breaks_no_line_within_a_word(project: Project, command: str) -> None:
    """Else an option or an example could not be copied."""
    shown = project.run(*command.split(), "--help", check=0).out

    assert re.findall(r"\w-$|--\w*-$", shown, re.MULTILINE) == []
    assert max(map(len, shown.splitlines())) <= 80


def test_no_example_meets_another_in_an_emulator() -> None:
    """Each that applies has the data of its own, so all can be typed in one folder, after the README."""
    used = {
        (path.parent.name, file)
        for path in (ROOT / "README.md", *EXAMPLES)
        for block in blocks(path.read_text(encoding="utf-8"))
        if not block.is_marked
        for file in re.findall(r"(?:ENDPOINT=|endpoint )emulator(:\S+)?(?=\s|$)", "\n".join(block.lines))
    }

    assert len(used) > 8
    assert len({file for _, file in used}) == len(used), used


def test_the_errors_of_troubleshooting_are_ours() -> None:
    """Each text of its tables is in the sources, or in what commands are known to print."""
    text = (ROOT / "examples" / "troubleshooting" / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([^`]*)` \|", text, re.MULTILINE)
    known = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("reconciler", "tests/golden/cli", "tests/functional")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".txt"} and path != Path(__file__)
    )

    assert len(named) > 30
    assert [text for text in named if text not in known] == []


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
