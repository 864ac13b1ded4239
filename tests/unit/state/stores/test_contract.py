"""What every store must do, whatever it keeps the state in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.state.document import Moved
from reconciler.state.keys import Key, Keys
from reconciler.state.model import Bound, Opened, State
from reconciler.state.remembered import Binding, Intent
from reconciler.state.stores.file import new_state
from reconciler.state.stores.interface import Kept
from tests.support.jumping import run_jumping
from tests.support.stores import (
    CoreKind,
    FileKind,
    bucket_kind,
    git_kind,
    grouped_kind,
    http_kind,
    object_kind,
    page_kind,
)

ACCOUNT = "AC" + "0" * 32
ORIGIN = "https://conversations.twilio.com"
KEYS = Keys((Key(b"1" * 32),))

KINDS: dict[str, Callable[[Path], FileKind | CoreKind]] = {
    "file": FileKind,
    "objects": lambda _: object_kind(),
    "objects by obstore": lambda _: bucket_kind(),
    "sealed objects": lambda _: object_kind(KEYS),
    "groups": lambda _: grouped_kind(),
    "sealed groups": lambda _: grouped_kind(KEYS),
    "page that swaps": lambda _: page_kind(swaps=True),
    "page with a lock": lambda _: page_kind(swaps=False),
    "git": git_kind,
    "http": lambda _: http_kind(),
    "sealed page": lambda _: page_kind(swaps=True, keys=KEYS),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> FileKind | CoreKind:
    """A place without a state yet."""
    return KINDS[request.param](tmp_path)


def bound(number: int) -> Bound:
    """Return the binding of a message of that number."""
    return Bound(f"support/order/m{number}", Binding(f"IM{number:032x}", "IS1", "CH1", number))


def opened(number: int) -> Opened:
    """Return the intent of a message of that number."""
    return Opened(Intent(f"support/order/m{number}", "IS1", "CH1", number - 1, match="m"))


async def applied(kind: FileKind | CoreKind, state: State, *records: Bound | Opened, fold: bool) -> Kept:
    """Begin to write *state*, record *records*, and fold them."""
    store = kind.open()
    async with kind.locked(store):
        async with await store.begin(state) as journal:
            for record in records:
                state.apply(record)
                await journal.commit(record)
        if fold:
            await store.write(state)
    return store


async def read(kind: FileKind | CoreKind) -> State:
    """Return the state as another process reads it."""
    state = await kind.open().read()
    assert state is not None
    return state


def test_there_is_no_state_at_first(kind: FileKind | CoreKind) -> None:
    """Neither for a reader nor for a holder of the lock."""

    async def main() -> None:
        assert await kind.open().read() is None
        store = kind.open()
        async with kind.locked(store):
            assert await store.read() is None

    run_jumping(main())


def test_what_was_written_is_read(kind: FileKind | CoreKind) -> None:
    """By a reader, and by the next holder; the serial is the one that was foretold."""

    async def main() -> None:
        state = new_state(ACCOUNT, ORIGIN)
        state.apply(bound(1))
        store = kind.open()
        async with kind.locked(store):
            foretold = store.next_serial(state)
            await store.write(state)
        assert state.serial == foretold > 0
        assert await read(kind) == state
        again = kind.open()
        async with kind.locked(again):
            assert await again.read() == state
            assert not again.is_unfolded

    run_jumping(main())


def test_what_was_recorded_is_read_without_being_folded(kind: FileKind | CoreKind) -> None:
    """A run that was killed has written its journal; folding it changes nothing but the serial."""

    async def main() -> None:
        state = new_state(ACCOUNT, ORIGIN)
        await applied(kind, state, opened(1), bound(1), opened(2), fold=False)
        found = await read(kind)
        assert (found.bindings, found.intents) == (state.bindings, state.intents)
        store = kind.open()
        async with kind.locked(store):
            taken = await store.read()
            assert taken is not None
            assert store.is_unfolded
            assert taken.intents == state.intents
            await store.write(taken)
            assert not store.is_unfolded
        again = await read(kind)
        assert (again.bindings, again.intents) == (state.bindings, state.intents)
        assert again.serial > found.serial

    run_jumping(main())


def test_the_serial_rises_with_each_run(kind: FileKind | CoreKind) -> None:
    """A saved plan is compared by it; taking the lock or reading does not raise it."""

    async def main() -> None:
        state = new_state(ACCOUNT, ORIGIN)
        serials = []
        for number in range(3):
            await applied(kind, state, bound(number), fold=True)
            serials.append(state.serial)
            store = kind.open()
            async with kind.locked(store):
                await store.read()
            assert (await read(kind)).serial == state.serial
        assert serials == sorted(set(serials))

    run_jumping(main())


def test_commits_at_the_same_time_are_all_kept(kind: FileKind | CoreKind) -> None:
    """They share writes, in the order in which they were made."""

    async def main() -> None:
        state = new_state(ACCOUNT, ORIGIN)
        store = kind.open()
        async with kind.locked(store), await store.begin(state) as journal:
            await asyncio.gather(*(journal.commit(opened(number), bound(number)) for number in range(200)))
        assert len((await read(kind)).bindings) == 200

    run_jumping(main())


def test_another_lineage_is_not_overwritten(kind: FileKind | CoreKind) -> None:
    """Two histories are never mixed."""

    async def main() -> None:
        state = new_state(ACCOUNT, ORIGIN)
        await applied(kind, state, bound(1), fold=True)
        with pytest.raises(StateError, match="another lineage"):
            await applied(kind, new_state(ACCOUNT, ORIGIN), fold=True)
        assert await read(kind) == state

    run_jumping(main())


def test_only_one_holds_the_lock(kind: FileKind | CoreKind) -> None:
    """The other is refused, and its error names the holder."""

    async def main() -> None:
        first, second = kind.open(), kind.open()
        async with kind.locked(first, who="ann@here"):
            [held] = await second.locks()
            assert held.holder.who == "ann@here"
            with pytest.raises(StateError, match="is locked by ann@here"):
                async with kind.locked(second, who="bob@there"):
                    raise AssertionError
        assert await second.locks() == []
        third = kind.open()
        async with kind.locked(third):
            pass

    run_jumping(main())


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8, 13, 21])
def test_a_lock_whose_taking_was_given_up_is_free(kind: FileKind | CoreKind, steps: int) -> None:
    """Whoever is cancelled while it takes the lock, at any step of the event loop, leaves it free."""

    async def main() -> None:
        async def take() -> None:
            async with kind.locked(kind.open(), who="ann@here"):
                await asyncio.Event().wait()

        taking = asyncio.create_task(take())
        for _ in range(steps):
            await asyncio.sleep(0)
        taking.cancel()
        await asyncio.wait([taking])
        async with kind.locked(kind.open(), who="bob@there"):
            pass

    run_jumping(main())


def test_reading_writes_nothing(kind: FileKind | CoreKind) -> None:
    """A plan away from this machine needs no right to write."""

    async def main() -> None:
        await applied(kind, new_state(ACCOUNT, ORIGIN), opened(1), fold=False)
        before = kind.content()
        await read(kind)
        await kind.open().locks()
        assert kind.content() == before

    run_jumping(main())


def test_a_state_that_was_moved_names_its_place(kind: FileKind | CoreKind) -> None:
    """It can be neither read nor begun; the same history may come back."""

    async def main() -> None:
        state = new_state(ACCOUNT, ORIGIN)
        await applied(kind, state, bound(1), fold=True)
        store = kind.open()
        async with kind.locked(store):
            await store.read()
            await store.mark(state, "s3://bucket/prod")
        with pytest.raises(Moved, match="was moved to `s3://bucket/prod`"):
            await kind.open().read()
        other = kind.open()
        async with kind.locked(other):
            with pytest.raises(Moved):
                await other.read()
        with pytest.raises(StateError, match="another lineage"):
            await applied(kind, new_state(ACCOUNT, ORIGIN), fold=True)
        serial = state.serial
        await applied(kind, state, bound(2), fold=True)
        assert await read(kind) == state
        assert state.serial > serial

    run_jumping(main())


def test_a_request_may_be_sent_under_the_lock(kind: FileKind | CoreKind) -> None:
    """The hook that the client asks says nothing while the lock is young."""

    async def main() -> None:
        store = kind.open()
        async with kind.locked(store):
            store.on_loss(lambda: pytest.fail("nobody took it"))
            store.may_send()

    run_jumping(main())
