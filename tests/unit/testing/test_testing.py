"""Parts of `reconciler.testing` for themselves: transcripts, the registry, the context manager."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import Any
from unicodedata import normalize

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator import Emulator, EmulatorOptions, Fault
from reconciler.emulator.faults import Answer
from reconciler.emulator.server import running
from reconciler.errors import ApplyError, ManifestError, RemoteError, UsageError
from reconciler.manifest.kept import Kept
from reconciler.testing import Backend, World, reconciled
from reconciler.testing.run_registry import RunRegistry
from reconciler.testing.transcript import difference

ORIGIN = "https://conversations.example"
SAID = st.tuples(st.none() | st.text(max_size=3), st.none() | st.text(max_size=3))


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest of one message."""
    path = tmp_path / "support.yaml"
    path.write_text(
        "version: 1\nservices:\n  support:\n    conversations:\n      order-1:\n"
        "        messages: [{key: hello, author: alice, body: Hello}]\n",
        encoding="utf-8",
    )
    return path


@given(st.lists(SAID, max_size=6), st.lists(SAID, max_size=6))
def test_a_difference_is_shown_exactly_where_there_is_one(
    expected: list[tuple[str | None, str | None]], live: list[tuple[str | None, str | None]]
) -> None:
    """Equal transcripts have no difference, others always have one, and each line of it is one line."""
    lines = difference(expected, live)

    assert bool(lines) == (expected != live)
    assert all(line.isprintable() for line in lines)


def test_a_long_transcript_shows_only_what_is_near() -> None:
    """Two messages on either side of a difference; what is left out is marked."""
    expected = [("alice", f"message {number}") for number in range(10)]
    live = [*expected[:6], ("bob", "sorry"), *expected[7:]]

    assert difference(expected, live) == [
        "...",
        '  alice: "message 4"',
        '  alice: "message 5"',
        '- alice: "message 6"',
        '+ bob: "sorry"',
        '  alice: "message 7"',
        '  alice: "message 8"',
    ]


def test_white_space_and_missing_parts_are_visible() -> None:
    """What two transcripts differ in can be seen."""
    assert difference([("alice", "Hi ")], [("alice", "Hi")]) == ['- alice: "Hi "', '+ alice: "Hi"']
    assert difference([(None, "")], [("", None)]) == ['- (no author): ""', "+ : (no body)"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a\nb", "x"), ("a\\nb", "x")),
        ((None, "x"), ("(no author)", "x")),
        (("zo\xeb", "x"), ("zoe\u0308", "x")),
        (("a", None), ("a", "(no body)")),
    ],
)
def test_different_messages_never_look_the_same(
    one: tuple[str | None, str | None], other: tuple[str | None, str | None]
) -> None:
    """Texts are compared, not the lines that show them."""
    removed, added = difference([one], [other])

    assert (removed[0], added[0]) == ("-", "+")
    assert removed[1:] != added[1:]
    assert normalize("NFC", removed[1:]) != normalize("NFC", added[1:])


@pytest.mark.parametrize("odd", ["Hello", ("a", "b", "c"), ("a", 3), {"author": "a", "body": "b"}, None])
def test_a_transcript_is_made_of_pairs(odd: Any) -> None:
    """The sentence says which one is none."""
    with pytest.raises(UsageError, match="pairs of author and body, and number 2 is"):
        difference([("a", "b"), odd], [])


def test_a_world_that_has_ended_says_so(manifest: Path) -> None:
    """Its conversations too."""
    with reconciled(manifest) as world:
        conversation = world.conversation("support/order-1")

    for use in (conversation.messages, lambda: world.sid("support"), lambda: world.faults):
        with pytest.raises(UsageError, match="this world has ended"):
            use()


@pytest.mark.parametrize("templates", ["templates.yaml", {"HX": "x"}, {"HX" + "1" * 32: 5}])
def test_templates_of_another_kind_are_refused(manifest: Path, templates: Any) -> None:
    """Not taken for `any`, and not left to the create."""
    with pytest.raises(UsageError, match="`templates`"), reconciled(manifest, templates=templates):
        pass


def swept(registry: RunRegistry, origin: str = ORIGIN) -> list[str]:
    """Return who is found to be gone, each to be swept once."""
    found: list[str] = []
    registry.clear(origin, found.append)
    return found


def test_who_lives_is_not_swept(tmp_path: Path) -> None:
    """An entry is held as long as its process works, and is gone when that is clean."""
    with RunRegistry(tmp_path).entry("gw0-1", ORIGIN, is_clean=lambda: True):
        assert RunRegistry(tmp_path)
        assert swept(RunRegistry(tmp_path)) == []

    assert not RunRegistry(tmp_path)


def test_who_was_killed_is_swept_once(tmp_path: Path) -> None:
    """A killed process leaves its entry, for the first who looks at the same origin."""
    script = (
        "import os, pathlib\nfrom reconciler.testing.run_registry import RunRegistry\n"
        f"registry = RunRegistry(pathlib.Path({str(tmp_path)!r}))\n"
        f"with registry.entry('gw0-1', {ORIGIN!r}, is_clean=lambda: True):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL

    assert swept(RunRegistry(tmp_path), "https://elsewhere.example") == []
    assert swept(RunRegistry(tmp_path)) == ["gw0-1"]
    assert swept(RunRegistry(tmp_path)) == []


def test_what_cannot_be_swept_stays_in_the_ledger(tmp_path: Path) -> None:
    """An error leaves the entry for the next one."""
    with RunRegistry(tmp_path).entry("gw0-1", ORIGIN, is_clean=lambda: False):
        pass

    def fail(maker: str) -> None:
        raise ApplyError(maker)

    with pytest.raises(ApplyError):
        RunRegistry(tmp_path).clear(ORIGIN, fail)

    assert swept(RunRegistry(tmp_path)) == ["gw0-1"]


def test_a_world_is_gone_after_its_block(manifest: Path, tmp_path: Path) -> None:
    """As a context manager, on the backend of the caller."""
    backend = Backend(folder=tmp_path)
    client = backend.client()
    with backend.world(manifest):
        assert len(client.conversations.v1.services.list()) == 1

    assert client.conversations.v1.services.list() == []
    assert backend.clean
    backend.close()


def test_a_manifest_is_parsed_once_for_its_bytes(manifest: Path, tmp_path: Path) -> None:
    """Worlds do not change what is kept of it; another text at the same path makes another world."""
    known, text = Kept(), manifest.read_text(encoding="utf-8")

    def content() -> bytes:
        kept = known.get(known.key(manifest.read_bytes(), str(manifest)), str(manifest))
        return msgspec.msgpack.encode(kept)

    with closing(Backend(folder=tmp_path)) as backend:
        backend._known = known
        for said in ("Hello", "Hello", "Goodbye", "Hello"):
            manifest.write_text(text.replace("Hello", said), encoding="utf-8")
            before = content()
            with backend.world(manifest) as world:
                world.conversation("support/order-1").assert_transcript([("alice", said)])
            assert before in {content(), b"\xc0"}, said


def test_threads_of_one_test_have_worlds_of_their_own(manifest: Path, tmp_path: Path) -> None:
    """Worlds that are made at the same moment share nothing, and each is thrown away."""
    together = Barrier(8)

    def seed(backend: Backend) -> str:
        together.wait()
        with backend.world(manifest) as world:
            world.conversation("support/order-1").assert_transcript([("alice", "Hello")])
            return world.sid("support")

    with closing(Backend(folder=tmp_path)) as backend, ThreadPoolExecutor(8) as threads:
        sids = set(threads.map(seed, [backend] * 8))

        assert (len(sids), backend.clean) == (8, True)


def test_a_world_without_a_backend_brings_its_own(manifest: Path) -> None:
    """`with reconciled(...)` is all it takes."""
    with reconciled(manifest) as world:
        world.conversation("support/order-1").assert_transcript([("alice", "Hello")])


def test_a_prompt_is_no_file(manifest: Path) -> None:
    """Where no file calls, paths are relative to the working folder."""
    script = (
        "from reconciler.testing import reconciled\n"
        "with reconciled('support.yaml') as world: print(world.sid('support')[:2])"
    )

    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=manifest.parent, capture_output=True, text=True, check=False
    )

    assert (ran.stdout, ran.stderr) == ("IS\n", "")


def test_the_sdk_works_at_an_address(manifest: Path, tmp_path: Path) -> None:
    """Where the API is reached over HTTP, the client has the credentials of the environment."""
    account = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "sesame"}
    with (
        closing(Emulator(options=EmulatorOptions(auth_token="sesame"))) as emulator,
        running(emulator) as url,
        closing(Backend(url, folder=tmp_path, environ=account)) as backend,
        backend.world(manifest) as world,
    ):
        assert (backend.base_url, backend.remote) == (url, url)
        (service,) = world.client().conversations.v1.services.list()
        assert service.sid == world.sid("support")


def test_the_sdk_needs_credentials(tmp_path: Path) -> None:
    """Without them the error names the variables."""
    with (
        closing(Backend("http://127.0.0.1:9", folder=tmp_path, environ={})) as backend,
        pytest.raises(UsageError, match="needs credentials") as raised,
    ):
        backend.client()

    assert "TWILIO_AUTH_TOKEN" in (raised.value.hint or "")


def test_the_sdk_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only who asks for a client needs it, and is told so."""
    monkeypatch.setitem(sys.modules, "twilio.rest", None)

    with closing(Backend(folder=tmp_path)) as backend, pytest.raises(UsageError, match="not installed"):
        backend.client()


def test_an_emulator_file_is_shared_by_processes(manifest: Path, tmp_path: Path) -> None:
    """Two backends on one file reach one account."""
    endpoint = f"emulator:{tmp_path / 'emulator.db'}"
    with (
        closing(Backend(endpoint, folder=tmp_path)) as first,
        closing(Backend(endpoint, folder=tmp_path)) as second,
        first.world(manifest) as world,
    ):
        assert [one.sid for one in second.client().conversations.v1.services.list()] == [world.sid("support")]


def test_faults_can_be_taken_back(manifest: Path) -> None:
    """A rule is text or a `Fault`, and is in force until it is cleared."""
    with reconciled(manifest) as world:
        world.faults.add("list_messages:400", Fault("list_messages", Answer(400)))
        with pytest.raises(RemoteError):
            world.conversation("support/order-1").messages()

        world.faults.clear()

        assert len(world.conversation("support/order-1").messages()) == 1


def fails(world: World) -> bool:
    """Return whether the messages of *world* cannot be listed."""
    try:
        world.conversation("support/order-1").messages()
    except RemoteError:
        return True
    return False


def test_faults_of_a_world_outlast_others(manifest: Path, tmp_path: Path) -> None:
    """The end of a world that was made later neither drops them nor lets them count anew."""
    with closing(Backend(folder=tmp_path)) as backend, backend.world(manifest) as outer:
        with backend.world(manifest) as inner:
            inner.faults.add("list_messages:403")
            outer.faults.add("list_messages:2:403")
            within = fails(outer)

        assert (within, fails(outer), fails(outer)) == (True, True, False)


def test_faults_of_a_world_end_with_it(manifest: Path, tmp_path: Path) -> None:
    """Those of another world and of the backend stay."""
    with closing(Backend(folder=tmp_path)) as backend, backend.world(manifest) as outer:
        with backend.world(manifest) as inner:
            inner.faults.add("list_messages:403")
        ended = fails(outer)
        backend.faults.add("list_messages:403")
        with backend.world(manifest):
            pass

        assert (ended, fails(outer)) == (False, True)


def test_the_error_of_the_block_is_the_one_that_is_raised(manifest: Path) -> None:
    """Throwing the world away hides nothing."""

    def work() -> None:
        with reconciled(manifest):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()


@pytest.mark.parametrize(
    ("break_it", "note"),
    [
        (
            lambda path: path.write_text("version: 1\nservises: {}\n", encoding="utf-8"),
            "did you mean `services`?",
        ),
        (lambda path: path.write_text("version: 1\nservices: [\n", encoding="utf-8"), "support.yaml:"),
    ],
)
def test_a_traceback_shows_what_the_command_line_would(
    manifest: Path, break_it: Callable[[Path], object], note: str
) -> None:
    """The notes of the error hold places and hints."""
    break_it(manifest)

    with pytest.raises(ManifestError) as raised, reconciled(manifest):
        pass

    assert note in "\n".join(raised.value.__notes__)
