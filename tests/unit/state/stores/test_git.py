"""A state in a git ref: what its address may be, what is pushed, and what is left alone."""

from __future__ import annotations

import asyncio
import os
import select
import stat
from pathlib import Path

import pytest

from reconciler.errors import StateError, UsageError
from reconciler.state.keys import NO_KEYS
from reconciler.state.stores.adapters import git_program
from reconciler.state.stores.adapters.git import GitPage
from reconciler.state.stores.adapters.git_program import Git, inert
from reconciler.state.stores.git import open_store, parse
from reconciler.state.stores.primitives import Changed, Sheet, Unheard
from tests.support.repository import REF, Repository, environ


@pytest.fixture
def there(tmp_path: Path) -> Repository:
    """A bare repository."""
    return Repository(tmp_path)


def page(there: Repository, clone: str = "work", *, remote: str = "origin") -> GitPage:
    """Return the page of the ref, as a run in a clone reaches it."""
    return GitPage(
        f"git:{REF}",
        remote,
        REF,
        environ=environ(there.folder),
        folder=there.clone(clone),
        protocols="file",
    )


def read(one: GitPage) -> Sheet:
    """Read the page."""
    return asyncio.run(one.read())


def replace(one: GitPage, data: bytes, version: str) -> str:
    """Replace the document."""
    return asyncio.run(one.replace(data, version))


def test_a_document_is_one_commit_without_parents(there: Repository) -> None:
    """However often it is replaced; its version is the commit."""
    one = page(there)
    assert read(one) == Sheet(None)
    version = ""
    for data in (b"first", b"second", b"third"):
        version = replace(one, data, version)
    assert read(page(there, "other")) == Sheet(b"third", version)
    assert there.git("rev-list", "--all", "--count", at=there.path).strip() == "1"
    assert there.refs().split() == [version, "commit", REF]


def test_only_one_of_two_replaces_a_version(there: Repository) -> None:
    """Neither who was first nor who created the ref is overwritten."""
    one, other = page(there), page(there, "other")
    first = replace(one, b"one", "")
    for version in ("", "0" * 40):
        with pytest.raises(Changed):
            replace(other, b"other", version)
    second = replace(other, b"other", first)
    with pytest.raises(Changed):
        replace(one, b"one again", first)
    assert read(one) == Sheet(b"other", second)


def test_the_repository_of_the_user_is_left_as_it_is(there: Repository) -> None:
    """No object, ref, `FETCH_HEAD` or reflog is written there, and none of its hooks is run."""
    work = there.clone("work")
    told = there.folder / "hooked"
    for name in ("pre-push", "reference-transaction", "post-checkout", "fsmonitor-watchman"):
        hook = work / ".git/hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {told}\n", encoding="utf-8")
        hook.chmod(0o700)
    there.git("config", "core.fsmonitor", ".git/hooks/fsmonitor-watchman", at=work)
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*")}
    one = page(there)
    version = replace(one, b"one", "")
    replace(page(there, "other"), b"two", version)
    assert read(one).data == b"two"
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*")} == before
    assert not told.exists()


def test_a_folder_that_a_pull_request_brings_is_no_repository(
    there: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its settings could name programs to run."""
    for name, value in environ(there.folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(there.path)
    with pytest.raises(UsageError, match="there is none"):
        open_store(f"git:{REF}", os.environ, trusted=False, keys=NO_KEYS)


@pytest.mark.parametrize(
    "command",
    [
        ("commit", "--quiet", "--allow-empty", "--message", "work"),
        ("tag", "--annotate", "--message", "release", "v1", "HEAD^{tree}"),
    ],
    ids=["commit", "tag"],
)
def test_a_ref_that_holds_something_else_is_refused(there: Repository, command: tuple[str, ...]) -> None:
    """It is never written: somebody works with it."""
    work = there.clone("work")
    there.git("commit", "--quiet", "--allow-empty", "--message", "work", at=work)
    there.git(*command, at=work)
    there.git("push", "--quiet", "origin", f"{'v1' if command[0] == 'tag' else 'HEAD'}:{REF}", at=work)
    with pytest.raises(StateError, match="is no state of reconciler"):
        read(page(there))


def test_a_push_that_a_server_forbids_is_an_error_with_its_reason(there: Repository) -> None:
    """Trying again would not help."""
    hook = there.path / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'ask \033[31mann' >&2; exit 1\n", encoding="utf-8")
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(StateError, match=r"pre-receive hook declined.*ask \?\[31mann"):
        replace(page(there), b"one", "")


def test_a_repository_that_is_not_there_is_an_error(there: Repository) -> None:
    """With the reason that git gives."""
    work = there.clone("work")
    there.git("remote", "set-url", "origin", str(there.folder / "gone.git"), at=work)
    with pytest.raises(StateError, match="does not appear to be a git repository"):
        read(page(there))


def test_a_transport_that_runs_a_program_is_refused(there: Repository) -> None:
    """Even where the repository's own settings name one."""
    work = there.clone("work")
    there.git("config", "protocol.ext.allow", "always", at=work)
    there.git("remote", "set-url", "origin", f"ext::touch {there.folder}/run", at=work)
    with pytest.raises(StateError, match="transport 'ext' not allowed"):
        read(page(there))
    assert not (there.folder / "run").exists()


def test_git_that_does_not_end_is_ended_with_all_that_it_started(
    there: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer is not known then."""
    programs = there.folder / "programs"
    programs.mkdir()
    os.mkfifo(programs / "held")
    held = os.open(programs / "held", os.O_RDONLY | os.O_NONBLOCK)
    script = f"#!/bin/sh\nexec 9> {programs}/held\necho begun >&9\nsleep 1000\n"
    (programs / "git").write_text(script, encoding="utf-8")
    (programs / "git").chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    with pytest.raises(Unheard, match="did not end"):
        Git(there.folder, dict(os.environ), protocols="").run(("status",), seconds=0.3)
    assert os.read(held, 100) == b"begun\n"
    assert select.select([held], [], [], 30)[0]
    assert os.read(held, 100) == b""  # nobody has it open
    os.close(held)
    monkeypatch.setenv("PATH", str(there.folder / "nowhere"))
    with pytest.raises(UsageError, match="needs the program `git`"):
        Git(there.folder, dict(os.environ), protocols="").run(("status",), seconds=1)


def test_git_gets_no_credentials_but_its_own(there: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts helpers, ssh among them, which are programs of others."""
    programs = there.folder / "programs"
    programs.mkdir()
    (programs / "git").write_text("#!/bin/sh\nenv\n", encoding="utf-8")
    (programs / "git").chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    given = {"TWILIO_AUTH_TOKEN": "geheim", "RECONCILER_ENCRYPTION_KEY": "geheim", "GIT_SSH": "ssh"}
    ran = Git(there.folder, {**os.environ, **given}, protocols="").run(("status",), seconds=20)
    assert b"geheim" not in ran.out
    assert b"GIT_SSH=ssh" in ran.out


def test_what_git_says_is_one_line_without_credentials() -> None:
    """A server may have written it."""
    said = "fatal: unable to access 'https://me:geheim@example.com/x':\n\x1b[31mno " + "x" * 1000
    assert inert(said).startswith("fatal: unable to access 'https://example.com/x': ?[31mno xxx")
    assert len(inert(said)) == git_program._SHOWN


GOOD = {
    "git:refs/reconciler/production": ("origin", "refs/reconciler/production"),
    "git:upstream?ref=refs/reconciler/a.b": ("upstream", "refs/reconciler/a.b"),
    "git:https://example.com/x.git?ref=refs/states/x": ("https://example.com/x.git", "refs/states/x"),
    "git:ssh://git@example.com:22/x?ref=refs/states/x": ("ssh://git@example.com:22/x", "refs/states/x"),
    "git:http://127.0.0.1:8080/x?ref=refs/states/x": ("http://127.0.0.1:8080/x", "refs/states/x"),
}
BAD = (
    *("git:", "git:main", "git:refs/heads/main", "git:refs/tags/v1", "git:refs/remotes/origin/main"),
    *("git:refs/reconciler", "git:refs/pull/1/head", "git:refs/merge-requests/1/head", "git:HEAD"),
    *(
        "git:refs/a/../b",
        "git:refs/a/b.lock",
        "git:refs/a/.b",
        "git:refs/a/b c",
        "git:refs/a/b:refs/heads/main",
    ),
    *(
        "git:refs/a/b*",
        "git:refs/a/b^{}",
        "git:+refs/a/b",
        "git:refs/a/b\n",
        "git:refs/a//b",
        "git:refs/a/-b",
    ),
    *("git:--upload-pack=id?ref=refs/a/b", "git:-c?ref=refs/a/b", "git:ext::sh -c id?ref=refs/a/b"),
    *("git:file:///etc?ref=refs/a/b", "git:/etc?ref=refs/a/b", "git:../x?ref=refs/a/b", "git:.?ref=refs/a/b"),
    *("git:git://example.com/x?ref=refs/a/b", "git:http://example.com/x?ref=refs/a/b"),
    *("git:git@example.com:x?ref=refs/a/b", "git:ssh://-oProxyCommand=id/x?ref=refs/a/b"),
    *("git:ssh://-x@example.com/x?ref=refs/a/b", "git:https://?ref=refs/a/b", "git:https://example.com/x"),
    *("git:https://me:geheim@example.com/x?ref=refs/a/b", "git:origin?ref=refs/a/b&upload-pack=id"),
    *("git:origin?ref=refs/a/b&ref=refs/a/c", "git:origin?REF=refs/a/b", "git:origin?ref=refs/heads/main"),
)


@pytest.mark.parametrize("address", GOOD)
def test_addresses_that_are_taken(address: str) -> None:
    """A ref of `origin`, of another remote, or of a repository elsewhere."""
    found = parse(address)
    assert (found.remote, found.ref) == GOOD[address]


@pytest.mark.parametrize("address", BAD)
def test_addresses_that_are_refused(address: str) -> None:
    """Options, branches, programs, clear text and passwords: by their form, before git is run."""
    with pytest.raises(UsageError, match="cannot be used") as refused:
        parse(address)
    assert "geheim" not in f"{refused.value}"


def test_a_strangers_host_gets_no_request(there: Repository) -> None:
    """A settings file alone leads to no host but the one that the environment names."""
    address = "git:https://evil.example/x?ref=refs/a/b"
    for given in ({}, {"RECONCILER_STATE_HOST": "example.com"}):
        with pytest.raises(UsageError, match=r"names a state at `evil\.example`"):
            open_store(address, {**environ(there.folder), **given}, trusted=False, keys=NO_KEYS)
    for trusted, given in ((True, {}), (False, {"RECONCILER_STATE_HOST": "Evil.example"})):
        open_store(address, {**environ(there.folder), **given}, trusted=trusted, keys=NO_KEYS)


def test_a_remote_must_be_listed_and_lead_to_one_place(
    there: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is pushed to two places is compared in neither."""
    work = there.clone("work")
    monkeypatch.chdir(work)
    given = environ(there.folder)
    with pytest.raises(UsageError, match="has no remote `upstream`"):
        open_store("git:upstream?ref=refs/a/b", given, trusted=True, keys=NO_KEYS)
    there.git("remote", "set-url", "--add", "--push", "origin", str(there.path), at=work)
    there.git("remote", "set-url", "--add", "--push", "origin", str(there.folder / "other.git"), at=work)
    with pytest.raises(UsageError, match="is pushed to 2 places"):
        open_store("git:refs/a/b", given, trusted=True, keys=NO_KEYS)
    monkeypatch.chdir(there.folder)
    with pytest.raises(UsageError, match="there is none"):
        open_store("git:refs/a/b", given, trusted=True, keys=NO_KEYS)


def test_a_repository_without_a_clone_is_reached_by_its_address(there: Repository) -> None:
    """From an empty repository, whatever is around."""
    one = GitPage(
        "git:x",
        there.path.as_uri(),
        REF,
        environ=environ(there.folder) | {"GIT_DIR": "/nowhere"},
        folder=None,
        protocols="file",
    )
    version = replace(one, b"one", "")
    assert read(page(there)) == Sheet(b"one", version)
    asyncio.run(one.close())
