"""One writer at a time, and who it is.

Cases: held by another process, by one that was killed, by one whose child lives on; what is told
about the holder, and what the text in the lock file cannot do; places without locks.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from reconciler.errors import Locked, StateError
from reconciler.state.stores.holder import Holder, this_process
from reconciler.state.stores.lock import lock, lock_async

ME = Holder(who="me@here", pid=1, command="plan", since="2026-01-05T10:00:00Z")
HOLDER = """
import os, sys
from pathlib import Path
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.lock import lock
holder = Holder("alice@ci", os.getpid(), "apply", "2026-01-05T09:00:00Z", "https://ci.example/runs/7")
with lock(Path(sys.argv[1]), holder=holder, timeout=0):
    forks = "fork" in sys.argv
    if forks and os.fork() == 0:
        print("held", flush=True)  # by the parent alone: a child lets go of it before it runs
        os.close(1)
        sys.stdin.read()
        os._exit(0)
    if "exit" in sys.argv:
        child = os.fork()
        if child == 0:
            sys.exit()
        os.waitpid(child, 0)
    if not forks:
        print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(path: Path, *how: str) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold the lock of *path*."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), *how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a state that does not exist yet."""
    return tmp_path / "s.json"


def refusal(path: Path) -> StateError:
    """Return the error that taking the lock of *path* at once ends with."""
    with pytest.raises(StateError) as caught, lock(path, holder=ME, timeout=0):
        pass
    return caught.value


def test_a_held_lock_says_who_since_when_and_which_run(path: Path) -> None:
    """Whoever waits knows whom to ask, and the flag to wait longer."""
    with held(path) as process:
        error = refusal(path)
        process.kill()

    assert error.text == (
        f"the state `{path}` is locked by alice@ci (`apply`, pid {process.pid}) since "
        "2026-01-05T09:00:00Z, CI run https://ci.example/runs/7; waited 0 s"
    )
    assert error.hint == "let it finish, or wait longer with `--lock-timeout SECONDS`"


def test_one_who_waits_gets_the_lock_when_it_is_released(path: Path) -> None:
    """Waiting ends as soon as the holder does, long before the time is over."""
    with held(path) as process:
        assert process.stdin is not None
        refusal(path)
        process.stdin.close()
        with lock(path, holder=ME, timeout=60):
            assert ME.who.encode() in path.with_name("s.json.lock").read_bytes()


def test_the_lock_of_a_killed_process_is_simply_taken(path: Path) -> None:
    """Nothing has to be unlocked by hand, and the stale text is replaced."""
    with held(path) as process:
        process.kill()

    with lock(path, holder=ME, timeout=0):
        assert msgspec.json.decode(path.with_name("s.json.lock").read_bytes(), type=Holder) == ME


def test_a_child_that_outlives_the_holder_does_not_hold_the_lock(path: Path) -> None:
    """A forked worker inherits no lock."""
    with held(path, "fork") as process:
        refusal(path)
        process.kill()
        process.wait()
        with lock(path, holder=ME, timeout=0):
            pass


def test_a_child_that_ends_does_not_release_the_lock(path: Path) -> None:
    """Even if it leaves through the block that holds it."""
    with held(path, "exit") as process:
        refusal(path)
        process.kill()


def test_a_released_lock_can_be_taken_again(path: Path) -> None:
    """The lock file stays, but holds nobody up."""
    for _ in range(2):
        with lock(path, holder=ME, timeout=0):
            pass

    assert path.with_name("s.json.lock").exists()


def test_a_lock_file_that_was_removed_is_not_the_lock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opens it just before takes the one that others will find."""
    lock_file, system = path.with_name("s.json.lock"), fcntl.flock
    calls: list[int] = []

    def flock(fd: int, operation: int) -> None:
        if not calls:
            lock_file.unlink()
        calls.append(operation)
        system(fd, operation)

    monkeypatch.setattr(fcntl, "flock", flock)

    with lock(path, holder=ME, timeout=0):
        assert lock_file.exists()
        refusal(path)


def test_a_link_is_no_lock_file(path: Path) -> None:
    """Whoever may write to the folder cannot have another file locked, or written to."""
    path.with_name("s.json.lock").symlink_to(path)

    assert "symbolic link" in refusal(path).text
    assert not path.exists()


def test_waiting_in_a_loop_ends_with_the_holder(path: Path) -> None:
    """The loop goes on meanwhile, and the time is bounded."""

    async def wait(seconds: float) -> None:
        async with lock_async(path, holder=ME, timeout=seconds):
            pass

    async def main(process: subprocess.Popen[str]) -> None:
        with pytest.raises(Locked, match=r"waited 0\.1 s"):
            await wait(0.1)
        waiting = asyncio.create_task(wait(30))
        await asyncio.sleep(0)
        assert not waiting.done()
        process.kill()
        await waiting

    with held(path) as process:
        asyncio.run(main(process))


def test_an_error_inside_releases_the_lock(path: Path) -> None:
    """A command that fails does not lock out the next."""
    with pytest.raises(KeyError), lock(path, holder=ME, timeout=0):
        raise KeyError

    with lock(path, holder=ME, timeout=0):
        pass


def test_two_names_of_one_state_share_a_lock(path: Path) -> None:
    """A link to the state is no way around its lock."""
    link = path.with_name("link.json")
    link.symlink_to(path)

    with held(path) as process:
        assert "locked by alice@ci" in refusal(link).text
        process.kill()


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff", b'{"who": 1}', b'"' + b"x" * 1_000_000 + b'"'],
    ids=["empty", "cut", "binary", "other shape", "huge"],
)
def test_a_text_that_tells_nothing_is_no_obstacle(path: Path, text: bytes) -> None:
    """The text only informs: without it, the holder is simply not named."""
    with held(path) as process:
        path.with_name("s.json.lock").write_bytes(text)
        error = refusal(path)
        process.kill()

    assert error.text == f"the state `{path}` is locked by another process; waited 0 s"


def test_a_hostile_text_is_cut_and_escaped(path: Path) -> None:
    """Whoever can write the lock file cannot move the cursor or flood the screen."""
    evil = Holder(who="\x1b[2J\n::error::", pid=1, command="\u202e" + "x" * 3000, since="", run="\r")
    with held(path) as process:
        path.with_name("s.json.lock").write_bytes(msgspec.json.encode(evil))
        error = refusal(path)
        process.kill()

    assert error.text.isprintable()
    assert r"\x1b[2J\n::error:: (`\u202exxx" in error.text
    assert len(error.text) < 500


@pytest.mark.parametrize("umask", [0, 0o777], ids=oct)
def test_only_its_owner_may_read_it(path: Path, umask: int) -> None:
    """Mode 0600 whatever the umask."""
    before = os.umask(umask)
    try:
        with lock(path, holder=ME, timeout=0):
            pass
    finally:
        os.umask(before)

    assert path.with_name("s.json.lock").stat().st_mode & 0o777 == 0o600


def test_a_missing_folder_is_not_made(tmp_path: Path) -> None:
    """A mistyped `--state` leaves nothing behind."""
    error = refusal(tmp_path / "typo" / "s.json")

    assert error.text == f"cannot open `{tmp_path / 'typo'}`: No such file or directory"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP], ids=os.strerror)
def test_a_place_without_locks_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """On a shared folder that cannot lock, two processes would not see each other."""

    def unsupported(fd: int, operation: int) -> None:
        raise OSError(code, os.strerror(code), fd, operation)

    monkeypatch.setattr(fcntl, "flock", unsupported)

    error = refusal(path)

    assert error.text == f"cannot lock `{path}.lock`: {os.strerror(code)}"
    assert error.hint == "that file system has no locks: keep the state on another one, with `--state`"


def test_a_full_disk_does_not_prevent_locking(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock needs no text: a plan works where nothing can be written."""

    def full(fd: int, data: bytes, offset: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), fd, data, offset)

    monkeypatch.setattr(os, "pwrite", full)

    with lock(path, holder=ME, timeout=0):
        assert path.with_name("s.json.lock").read_bytes() == b""


@pytest.mark.parametrize(
    ("environ", "run"),
    [
        ({}, ""),
        (
            {
                "GITHUB_SERVER_URL": "https://github.example",
                "GITHUB_REPOSITORY": "acme/desk",
                "GITHUB_RUN_ID": "42",
            },
            "https://github.example/acme/desk/actions/runs/42",
        ),
        ({"CI_JOB_URL": "https://gitlab.example/jobs/7"}, "https://gitlab.example/jobs/7"),
        ({"BUILD_URL": "https://jenkins.example/7/"}, "https://jenkins.example/7/"),
        ({"CIRCLE_BUILD_URL": "https://circle.example/7"}, "https://circle.example/7"),
        ({"BUILDKITE_BUILD_URL": "https://buildkite.example/7"}, "https://buildkite.example/7"),
    ],
    ids=["none", "github", "gitlab", "jenkins", "circle", "buildkite"],
)
def test_the_run_is_found_in_the_environment(environ: dict[str, str], run: str) -> None:
    """Each CI service names its run in its own variables."""
    holder = this_process("apply", environ, datetime(2026, 1, 5, 9, tzinfo=UTC))

    assert holder.run == run
    assert (holder.command, holder.pid, holder.since) == ("apply", os.getpid(), "2026-01-05T09:00:00Z")


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container, the user id often has no entry."""

    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nameless)

    who = this_process("plan", {}, datetime(2026, 1, 5, 9, tzinfo=UTC)).who
    assert who.startswith(f"{os.getuid()}@")


@pytest.mark.parametrize("name", ["BUILD_URL", "CI_JOB_URL", "CIRCLE_BUILD_URL", "GITHUB_RUN_ID", "LOGNAME"])
def test_a_description_that_is_not_utf_8_can_be_stored(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It only informs: every store encodes it, and none may fail at that."""
    bad = os.fsdecode(b"a\xffb")
    monkeypatch.setenv(name, bad)

    holder = this_process("apply", {name: bad}, datetime(2026, 1, 5, 9, tzinfo=UTC))

    assert rb"a\\udcffb" in msgspec.json.encode(holder)
    assert str(holder).isprintable()
