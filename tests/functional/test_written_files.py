"""Files that commands write whole: plan, report, export, state, the emulator's. They go to their own name."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.support.project import Project

MANIFEST = "version: 1\nservices: {desk: {conversations: {order: {messages: [{key: a, body: Hello}]}}}}\n"


@pytest.fixture
def desk(tmp_path: Path) -> Project:
    """A project with one message to be created, beside a folder that is none of its business."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "victim").write_text("mine")
    project = Project(tmp_path / "desk", {"RECONCILER_ENDPOINT": "emulator"})
    project.write("manifests/desk.yaml", MANIFEST)
    return project


def outside(project: Project) -> dict[str, str]:
    """Return what is in the folder beside the project."""
    return {path.name: path.read_text() for path in (project.folder.parent / "outside").iterdir()}


WRITERS = pytest.mark.parametrize(
    "command",
    [
        "plan --out FILE",
        "plan --format json=FILE",
        "plan --format jsonl=FILE",
        "apply --auto-approve --format markdown=FILE",
        "validate --format json=FILE",
        "drift --format json=FILE",
    ],
)


@WRITERS
@pytest.mark.parametrize("target", ["../outside/victim", "../outside/new"])
def test_a_link_is_refused(desk: Project, command: str, target: str) -> None:
    """With its target, and with what to do."""
    (desk.folder / "f").symlink_to(target)

    ran = desk.run(*command.replace("FILE", "f").split(), check=1)

    assert f"`f`: it is a link to `{target}`\n" in ran.err
    assert "hint: name the file itself, or remove the link\n" in ran.err
    assert (desk.folder / "f").is_symlink()
    assert outside(desk) == {"victim": "mine"}


@WRITERS
def test_a_pipe_or_a_device_is_refused(desk: Project, command: str) -> None:
    """It stays what it is, and nobody waits for its reader."""
    os.mkfifo(desk.folder / "pipe")

    for name in ("pipe", "/dev/null"):
        ran = desk.run(*command.replace("FILE", name).split(), check=1)
        assert f"`{name}`: it is no regular file\n" in ran.err

    assert (desk.folder / "pipe").is_fifo()
    assert Path("/dev/null").is_char_device()


@WRITERS
def test_a_file_that_cannot_be_written_has_a_way_on(desk: Project, command: str) -> None:
    """Its folder is not there, or is none."""
    desk.write("taken", "")

    for name, hint in (("nodir/f", "make its folder first"), ("taken/f", "a part of its path is a file")):
        ran = desk.run(*command.replace("FILE", name).split(), check=1)
        assert f"\nhint: {hint}" in ran.err


@WRITERS
def test_what_would_be_read_as_a_manifest_is_refused(desk: Project, command: str) -> None:
    """The next run would find a plan or a report among the manifests, or no manifest any more."""
    for name in ("manifests/desk.yaml", "manifests/./new.yml"):
        ran = desk.run(*command.replace("FILE", name).split(), check=1)
        assert f"names `{Path(name)}`, which would be read as a manifest\n" in ran.err

    assert desk.files() == {"manifests", "manifests/desk.yaml"}
    assert (desk.folder / "manifests" / "desk.yaml").read_text() == MANIFEST


def test_a_file_that_is_named_is_not_written_over(desk: Project) -> None:
    """Whatever it is called."""
    desk.write("desk.txt", MANIFEST)

    ran = desk.run("plan", "desk.txt", "--format", "json=desk.txt", check=1)

    assert "`--format json=…` names `desk.txt`, which is read by this command" in ran.err
    assert (desk.folder / "desk.txt").read_text() == MANIFEST


def test_a_saved_plan_is_not_written_over_by_the_report_of_its_apply(desk: Project) -> None:
    """It may be needed once more."""
    desk.run("plan", "--out", "plan", check=0)
    before = (desk.folder / "plan").read_bytes()

    ran = desk.run("apply", "plan", "--format", "json=plan", check=1)

    assert "`--format json=…` names `plan`" in ran.err
    assert (desk.folder / "plan").read_bytes() == before


def test_a_state_is_no_manifest(desk: Project) -> None:
    """Its name is looked at like any other."""
    ran = desk.run("apply", "--auto-approve", "--state", "manifests/state.yaml", check=1)

    assert "`--state` names `manifests/state.yaml`, which would be read as a manifest" in ran.err


def test_a_state_may_be_a_link_to_a_state_or_to_nothing(desk: Project) -> None:
    """It is followed, and stays a link; to anything else it is refused, and what is there is not shown."""
    (desk.folder / "kept").mkdir()
    (desk.folder / "reconciler.state.json").symlink_to("kept/state.json")

    for _ in range(2):
        desk.run("apply", "--auto-approve", check=0)
        assert (desk.folder / "reconciler.state.json").is_symlink()
        assert "kept/state.json" in desk.files()

    (desk.folder / "other").symlink_to("../outside/victim")
    ran = desk.run("apply", "--auto-approve", "--state", "other", check=1)
    assert "mine" not in ran.err
    assert outside(desk) == {"victim": "mine"}


@pytest.mark.parametrize("neighbour", ["backup", "journal", "tmp", "lock"])
def test_what_lies_beside_a_state_is_never_written_through(desk: Project, neighbour: str) -> None:
    """A link that a repository plants there is refused or replaced."""
    desk.run("apply", "--auto-approve", check=0)
    link = desk.folder / f"reconciler.state.json.{neighbour}"
    link.unlink(missing_ok=True)
    link.symlink_to("../outside/victim")
    desk.edit("manifests/desk.yaml", "Hello", "Hallo")

    desk.run("apply", "--auto-approve", check=0 if neighbour == "tmp" else 1)

    assert outside(desk) == {"victim": "mine"}


@pytest.mark.parametrize("place", ["desk", "desk/order.yaml"])
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_an_export_is_not_written_through_a_link(desk: Project, place: str, force: tuple[str, ...]) -> None:
    """Be it a folder on the way, or a file that leads nowhere yet."""
    desk.run("apply", "--auto-approve", check=0)
    target = desk.folder.parent / "outside" if place == "desk" else desk.folder.parent / "outside" / "new"
    (desk.folder / "out" / place).parent.mkdir(parents=True)
    (desk.folder / "out" / place).symlink_to(target)

    ran = desk.run("export", "--out", "out", *force, check=1)

    assert f"is a link to `{target}`\n" in ran.err
    assert outside(desk) == {"victim": "mine"}


@pytest.mark.parametrize("name", [".reconciler", ".reconciler/emulator.db", ".reconciler/emulator.db-wal"])
def test_the_file_of_the_emulator_is_our_own(desk: Project, name: str) -> None:
    """A repository can bring along the folder, the file, and what SQLite keeps beside it."""
    link = desk.folder / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(desk.folder.parent / "outside" / ("" if name == ".reconciler" else "new"))

    ran = desk.run("plan", check=1)

    assert "cannot open the emulator's data file" in ran.err
    assert "is a link to" in ran.err
    assert outside(desk) == {"victim": "mine"}


def test_fmt_writes_what_is_named_and_keeps_its_mode(desk: Project) -> None:
    """A link that is named itself is followed, and stays one."""
    real = desk.write("real.yaml", "version:  1\n")
    real.chmod(0o640)
    (desk.folder / "link.yaml").symlink_to("real.yaml")

    desk.run("fmt", "link.yaml", check=0)

    assert (desk.folder / "link.yaml").is_symlink()
    assert real.read_text() == "version: 1\n"
    assert real.stat().st_mode & 0o777 == 0o640


def test_nothing_that_was_committed_as_a_cache_is_used(desk: Project) -> None:
    """Neither read, written through nor removed: what was parsed is kept among the user's own caches."""
    cache = desk.folder / ".reconciler" / "cache"
    cache.mkdir(parents=True)
    for name in hex_names():
        (cache / name).symlink_to("/dev/zero")
    (cache / "1234.1234").symlink_to("../../../outside/new")
    before = desk.files()

    desk.run("validate", check=0)

    assert desk.files() == before
    assert outside(desk) == {"victim": "mine"}
    assert list(Path(f"{desk.folder}.caches").glob("reconciler/*/*"))


def hex_names() -> list[str]:
    """Return the names that entries for the manifest had when they lay in the checkout."""
    return [hashlib.sha256(name.encode()).hexdigest()[:32] for name in ("manifests/desk.yaml", "desk.yaml")]
