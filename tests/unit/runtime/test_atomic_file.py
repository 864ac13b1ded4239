"""Whole files: under their own name, wholly or not at all, and never through a link or into a device."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.runtime.atomic_file import (
    PRIVATE,
    Files,
    open_stream,
    require_writable,
    write_whole,
)
from reconciler.runtime.regular_file import open_regular, read_regular


def write(path: Path) -> None:
    """Write a report."""
    write_whole(path, b"new")


def stream(path: Path) -> None:
    """Write a stream."""
    with open_stream(path) as file:
        file.write(b"new")


WAYS = pytest.mark.parametrize("way", [write, stream, require_writable])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is worked in; a neighbour of it is called `outside`."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "victim").write_text("mine")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def names(folder: Path) -> set[str]:
    """Return what is in *folder*."""
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("old", [None, b"older and longer"])
def test_a_file_is_written_and_nothing_is_left_beside_it(here: Path, old: bytes | None) -> None:
    """New or in the place of another."""
    if old is not None:
        (here / "report").write_bytes(old)

    write(here / "report")

    assert (here / "report").read_bytes() == b"new"
    assert names(here) == {"report"}


def test_a_file_is_written_from_pieces_wholly_or_not_at_all(here: Path) -> None:
    """A piece that cannot be made leaves the old content, and nothing beside it."""

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError

    write_whole(here / "report", iter([b"o", b"ld"]))
    with pytest.raises(RuntimeError):
        write_whole(here / "report", broken())

    assert (here / "report").read_bytes() == b"old"
    assert names(here) == {"report"}


def test_no_reader_sees_half_a_file(here: Path) -> None:
    """Who has it open keeps reading what was there before."""
    (here / "report").write_bytes(b"older and longer")
    with (here / "report").open("rb") as reader:
        write(here / "report")

        assert reader.read() == b"older and longer"


@WAYS
@pytest.mark.parametrize("target", ["../outside/victim", "../outside/nothing", "own", "nothing"])
def test_a_link_is_refused_with_its_target(here: Path, way: Callable[[Path], None], target: str) -> None:
    """Wherever it leads, and whether or not anything is there."""
    (here / "own").write_text("mine")
    (here / "report").symlink_to(target)

    with pytest.raises(OSError, match=f"it is a link to `{target}`"):
        way(Path("report"))

    assert (here / "report").is_symlink()
    assert (here / "own").read_text() == "mine"
    assert names(here) == {"own", "report"}
    assert names(here.parent / "outside") == {"victim"}
    assert (here.parent / "outside" / "victim").read_text() == "mine"


def make_pipe(path: Path) -> None:
    """Make a named pipe, which nobody reads."""
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    """Make a socket."""
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@WAYS
@pytest.mark.parametrize("make", [make_pipe, make_socket])
def test_what_is_no_regular_file_is_refused(
    tmp_path: Path, way: Callable[[Path], None], make: Callable[[Path], None]
) -> None:
    """It is neither replaced nor waited for."""
    make(tmp_path / "p")

    with pytest.raises(OSError, match="it is no regular file"):
        way(tmp_path / "p")

    assert not (tmp_path / "p").is_file()
    assert names(tmp_path) == {"p"}


@WAYS
def test_a_device_stays_a_device(way: Callable[[Path], None]) -> None:
    """Also for an administrator, who may replace it."""
    with pytest.raises(OSError, match="it is no regular file"):
        way(Path(os.devnull))

    assert stat.S_ISCHR(os.lstat(os.devnull).st_mode)


@WAYS
@pytest.mark.parametrize("name", ["link/report", "a/link/report"])
def test_a_linked_folder_that_leads_out_is_refused(
    here: Path, way: Callable[[Path], None], name: str
) -> None:
    """Nothing is written through it."""
    (here / "a").mkdir()
    (here / Path(name).parent).symlink_to(here.parent / "outside")

    with pytest.raises(OSError, match=r"its folder `.*link` is a link to `.*outside`"):
        way(Path(name))

    assert names(here.parent / "outside") == {"victim"}


@WAYS
def test_a_linked_folder_that_stays_inside_is_fine(here: Path, way: Callable[[Path], None]) -> None:
    """As is a folder outside that is named itself."""
    (here / "real").mkdir()
    (here / "link").symlink_to("real")

    way(Path("link/report"))
    way(Path("../outside/report"))


@pytest.mark.parametrize(("before", "after"), [(0o640, 0o640), (0o600, 0o600), (0o755, 0o755)])
def test_a_file_keeps_its_mode(here: Path, before: int, after: int) -> None:
    """What others could not read they cannot read afterwards."""
    (here / "report").touch()
    (here / "report").chmod(before)

    write(here / "report")

    assert (here / "report").stat().st_mode & 0o777 == after


def test_a_private_file_is_private_even_if_it_was_not(here: Path) -> None:
    """The mode of a plan does not depend on what was there."""
    (here / "plan").touch(mode=0o644)

    write_whole(here / "plan", b"new", mode=PRIVATE)

    assert (here / "plan").stat().st_mode & 0o777 == PRIVATE


def test_a_draft_has_a_name_that_nobody_can_plant(here: Path) -> None:
    """Two drafts of one file differ, and neither is its name with something added."""
    drafts = []

    class Watching(Files):
        def create(self, path: Path, mode: int = PRIVATE) -> int:
            drafts.append(path.name)
            return super().create(path, mode)

    for _ in range(2):
        write_whole(here / "report", b"new", files=Watching())

    assert len(set(drafts)) == 2
    assert all(len(name) > 20 for name in drafts)


@pytest.mark.parametrize("make", [make_pipe, make_socket])
def test_only_regular_files_are_read(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Nobody is waited for."""
    make(tmp_path / "p")

    with pytest.raises(OSError, match="it is no regular file"):
        open_regular(tmp_path / "p")


@pytest.mark.parametrize(
    ("size", "is_read"), [(0, True), (9, True), (10, True), (11, False), (10**13, False)]
)
def test_a_file_is_read_up_to_its_limit(tmp_path: Path, size: int, *, is_read: bool) -> None:
    """A larger one is not read at all."""
    with (tmp_path / "f").open("wb") as file:
        file.truncate(size)
    if is_read:
        assert read_regular(tmp_path / "f", most=10) == bytes(size)
    else:
        with pytest.raises(OSError, match="it has more than 10 bytes"):
            read_regular(tmp_path / "f", most=10)


def test_a_link_is_read_only_if_it_is_to_be_followed(tmp_path: Path) -> None:
    """Its target is in the error."""
    (tmp_path / "f").write_bytes(b"x")
    (tmp_path / "link").symlink_to("f")

    assert read_regular(tmp_path / "link") == b"x"
    with pytest.raises(OSError, match="it is a link to `f`"):
        read_regular(tmp_path / "link", follow=False)
