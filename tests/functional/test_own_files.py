"""An output never takes the place of a file that is needed as it is: a state, the settings, an emulator."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.project import Project

MANIFEST = "version: 1\nservices: {desk: {conversations: {order: {messages: [{key: a, body: Hello}]}}}}\n"
STATE = "reconciler.state.json"
OF_THE_STATE = [STATE, *(f"{STATE}.{name}" for name in ("backup", "journal", "lock", "tmp", "backup.tmp"))]
OF_THE_EMULATOR = [f".reconciler/emulator.db{name}" for name in ("", "-wal", "-shm", "-journal")]
WRITERS = [
    "plan --out FILE",
    "plan --format json=FILE",
    "plan --format jsonl=FILE",
    "apply --auto-approve --format json=FILE",
    "destroy --auto-approve --format json=FILE",
    "drift --format json=FILE",
    "validate --format json=FILE",
    "transcript * --format html=FILE",
]


@pytest.fixture
def desk(project: Project) -> Project:
    """A project with a settings file, whose manifest is applied twice."""
    project.write("reconciler.yaml", "manifests: manifests\n")
    project.write("manifests/desk.yaml", MANIFEST)
    project.run("apply", "--auto-approve", check=0)
    project.edit("manifests/desk.yaml", "Hello", "Hallo")
    project.run("apply", "--auto-approve", check=0)
    project.edit("manifests/desk.yaml", "Hallo", "Hi")
    return project


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files with what they hold."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(project: Project, command: str, file: str) -> str:
    """Run *command* with the output *file*; return the error, after which everything is as it was."""
    before = contents(project.folder)

    ran = project.run(*command.replace("FILE", file).split(), check=1)

    assert contents(project.folder) == before
    assert ran.out == ""
    assert f"names `{Path(file)}`, which" in ran.err
    assert "hint: give it another name" in ran.err
    return ran.err.splitlines()[0].partition(", which ")[2]


@pytest.mark.parametrize("command", WRITERS)
def test_an_output_is_not_the_state(desk: Project, command: str) -> None:
    """It is refused before anything is planned, whatever way leads there."""
    (desk.folder / "link").symlink_to(".")

    for name in (STATE, f"./{STATE}", f"link/{STATE}", f"manifests/../{STATE}"):
        assert refused(desk, command, name) in ("is the state of this command", "is a state")


@pytest.mark.parametrize("file", [*OF_THE_STATE[1:], *OF_THE_EMULATOR, "reconciler.yaml"])
@pytest.mark.parametrize("command", ["plan --out FILE", "plan --format json=FILE"])
def test_an_output_is_nothing_of_ours(desk: Project, command: str, file: str) -> None:
    """Also where it is not there yet: a journal is, while an apply runs."""
    what = refused(desk, command, file)

    if file == "reconciler.yaml":
        assert what == "is the settings file"
    else:
        neighbour = f" of the state `{STATE}`" if file.startswith(STATE) else "is the data of an emulator"
        assert what.endswith(neighbour)


@pytest.mark.parametrize(
    "file", [STATE, f"{STATE}.journal", ".reconciler/emulator.db", "other/reconciler.yaml"]
)
def test_what_another_command_needs_is_known_by_what_it_holds(desk: Project, file: str) -> None:
    """A command that works elsewhere leaves the state and the emulator of this place alone."""
    (desk.folder / "other").mkdir()

    refused(desk, "plan --state new.json --endpoint emulator:new.db --out FILE", file)
    refused(desk, "validate --format json=FILE", file)


@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("plan --var-file values.json --out FILE", "values.json"),
        ("plan manifests/desk.yaml --out FILE", "manifests/desk.yaml"),
        ("apply plan.bin --format json=FILE", "plan.bin"),
    ],
)
def test_an_output_is_nothing_that_the_command_reads(desk: Project, command: str, file: str) -> None:
    """A file with values, a manifest, or the plan that is applied."""
    desk.write("values.json", "{}")
    desk.run("plan", "--out", "plan.bin", check=0)

    assert refused(desk, command, file) == "is read by this command"


def test_an_export_is_not_the_settings_file_or_a_state(desk: Project) -> None:
    """Also with `--force`, be it named or found in the folder."""
    refused(desk, "export --force --out FILE", "reconciler.yaml")
    shutil.copy(desk.folder / STATE, desk.folder / "state.yaml")
    refused(desk, "export --force --out FILE", "state.yaml")
    (desk.folder / "out" / "desk").mkdir(parents=True)
    shutil.copy(desk.folder / STATE, desk.folder / "out" / "desk" / "order.yaml")
    ran = desk.run("export", "--force", "--out", "out", check=1)
    assert "`--out` names `out/desk/order.yaml`, which is a state" in ran.err
    desk.run("export", "--force", "--out", "manifests", check=0)


@pytest.mark.parametrize(
    ("command", "first", "second"),
    [
        ("plan --out p --format json=./p", "--out", "--format json=…"),
        ("plan --format json=p --format markdown=p", "--format json=…", "--format markdown=…"),
        ("validate --format json=p --format github=p", "--format json=…", "--format github=…"),
        ("transcript * --format json=p --format html=p", "--format json=…", "--format html=…"),
    ],
)
def test_two_outputs_are_two_files(desk: Project, command: str, first: str, second: str) -> None:
    """One of them would be lost."""
    ran = desk.run(*command.split(), check=1)

    assert f"error: `{second}` names `p`, which `{first}` names too\n" in ran.err
    assert "hint: give each a file of its own\n" in ran.err
    assert not (desk.folder / "p").exists()


@pytest.mark.parametrize("name", ["backup", "journal", "lock", "tmp"])
def test_a_state_does_not_move_into_a_file_beside_itself(desk: Project, name: str) -> None:
    """The marker that is left would remove it as its own journal."""
    before = contents(desk.folder)

    ran = desk.run("state", "migrate", STATE, f"{STATE}.{name}", check=1)

    assert f"error: `TO` names `{STATE}.{name}`, which is the " in ran.err
    assert f" of the state `{STATE}`\n" in ran.err
    assert contents(desk.folder) == before


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/null", "manifests"])
def test_what_is_no_file_is_refused_as_such(desk: Project, name: str) -> None:
    """Also where it is named twice."""
    ran = desk.run("plan", "--format", f"json={name}", "--format", f"markdown={name}", check=1)

    assert f"error: cannot write `{name}`: " in ran.err


def test_what_is_ours_and_of_no_use_any_more_is_written_over(desk: Project) -> None:
    """An old plan, and an old report."""
    for _ in range(2):
        desk.run("plan", "--out", "plan", "--format", "json=report", "--format", "text", check=0)
