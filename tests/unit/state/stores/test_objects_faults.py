"""The protocol over objects: trouble at every call, holders who sleep, and what folds leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

import pytest
from msgspec import structs

from reconciler.errors import NotSent, StateError
from reconciler.state.model import Bound, Opened, State
from reconciler.state.remembered import Binding, Intent
from reconciler.state.stores import lease as leases
from reconciler.state.stores.file import new_state
from reconciler.state.stores.interface import silent
from reconciler.state.stores.objects import Objects
from tests.support import blobs
from tests.support.blobs import MemoryBlobs, Trouble
from tests.support.jumping import run_jumping
from tests.support.stores import clocks, holder

ACCOUNT = "AC" + "0" * 32
ORIGIN = "https://conversations.twilio.com"


def bound(number: int) -> Bound:
    """Return the binding of a message of that number."""
    return Bound(f"support/order/m{number}", Binding(f"IM{number:032x}", "IS1", "CH1", number))


class Place:
    """Objects, and runs that open them."""

    def __init__(self) -> None:
        self.there = blobs.Objects()

    def open(self, trouble: Callable[[str, int], Trouble | None] = lambda _name, _count: None) -> Objects:
        """Return a store of another process."""
        self.blobs = MemoryBlobs(self.there, latency=0.01, trouble=trouble)
        return Objects(self.blobs, clocks=clocks())

    async def take(self, store: Objects, who: str = "ann@here", patience: float = 0) -> None:
        """Let *who* take the lease."""
        await store.acquire(holder(who), patience=patience, waiting=silent, settle=10)

    async def run(self, store: Objects, state: State, numbers: range, told: list[int]) -> None:
        """Record *numbers* and fold; *told* are those of which the store said that they are durable."""
        await self.take(store, patience=400)
        try:
            await store.read()
            async with await store.begin(state) as journal:
                for number in numbers:
                    state.apply(bound(number))
                    await journal.commit(bound(number))
                    told.append(number)
            await store.write(state)
        finally:
            await store.release()


async def survives(name: str, at: int, trouble: Trouble) -> bool:
    """Let one call end in *trouble*; check what is read, and return whether there was such a call."""

    def strike(called: str, count: int) -> Trouble | None:
        return trouble if (called, count) == (name, at) else None

    place, told = Place(), [0]
    state = new_state(ACCOUNT, ORIGIN)
    await place.run(place.open(), state, range(1), told)
    with suppress(StateError):
        await place.run(place.open(strike), state, range(1, 4), told)
    calls = place.blobs.calls[name]
    found = await place.open().read()
    assert found is not None
    numbers = {binding.index for binding in found.bindings.values()}
    assert numbers.issuperset(told), (trouble, name, at)
    assert numbers.issubset(range(4))
    other = place.open()
    await place.take(other, "bob@there", patience=400)
    taken = await other.read()
    assert taken is not None
    assert taken.bindings == found.bindings
    await other.release()
    return at < calls


@pytest.mark.parametrize("trouble", Trouble)
def test_trouble_at_every_call_loses_nothing(trouble: Trouble) -> None:
    """What was said to be durable is read, and nothing that was not recorded."""
    tried = 0
    for name in ("get", "create", "swap", "delete", "names"):
        at = 0
        while run_jumping(survives(name, at, trouble)):
            at += 1
        tried += at
    assert tried > 20


def test_a_holder_that_slept_sends_and_writes_nothing() -> None:
    """The second takes over, records and folds; the first wakes, is refused, and names the second."""

    async def main() -> None:
        place, stopped = Place(), []
        first, second = place.open(), place.open()
        state = new_state(ACCOUNT, ORIGIN)
        await place.run(first, state, range(1), [])
        first = place.open()
        await place.take(first)
        await first.read()
        journal = await first.begin(state)
        await journal.commit(bound(1))
        first.on_loss(lambda: stopped.append(True))
        freeze(first)
        await asyncio.sleep(200)

        await place.take(second, "bob@there")
        taken = await second.read()
        assert taken is not None
        assert set(taken.bindings) == {"support/order/m0", "support/order/m1"}
        async with await second.begin(taken) as own:
            await own.commit(bound(2))
            taken.apply(bound(2))
        await second.write(taken)
        await second.release()

        with pytest.raises(NotSent):
            first.may_send()
        with pytest.raises(StateError, match="taken over by bob@there"):
            await journal.commit(bound(3))
        with pytest.raises(StateError, match="taken over by bob@there"):
            await first.write(state)
        assert stopped == [True]
        await first.release()
        found = await place.open().read()
        assert found is not None
        assert set(found.bindings) == {f"support/order/m{number}" for number in range(3)}

    run_jumping(main())


def freeze(store: Objects) -> None:
    """Let a process renew nothing any more, as one that is stopped."""
    held = store._held
    assert held is not None
    assert held._renewal is not None
    held._renewal.cancel()


def test_a_lease_is_renewed_as_long_as_its_holder_works() -> None:
    """Nobody else can take it, and requests may be sent, an hour later."""

    async def main() -> None:
        place = Place()
        first = place.open()
        await place.take(first)
        for _ in range(36):
            await asyncio.sleep(100)
            first.may_send()
            with pytest.raises(StateError, match="is locked by ann@here"):
                await place.take(place.open(), "bob@there")
        await first.release()

    run_jumping(main())


def test_a_lease_that_cannot_be_renewed_stops_the_run_in_time() -> None:
    """While the store does not answer, the run stops a request's time before the lease ends."""

    async def main() -> None:
        place, stopped = Place(), []
        silent_from = 1e9

        def strike(_name: str, _count: int) -> Trouble | None:
            return Trouble.LOST_BEFORE if asyncio.get_running_loop().time() > silent_from else None

        first = place.open(strike)
        await place.take(first)
        first.on_loss(lambda: stopped.append(asyncio.get_running_loop().time()))
        began = silent_from = asyncio.get_running_loop().time()
        await asyncio.sleep(114)
        first.may_send()
        await asyncio.sleep(4)
        with pytest.raises(NotSent):
            first.may_send()
        await asyncio.sleep(30)
        assert len(stopped) == 1
        assert stopped[0] - began <= 180 - 60 + 5
        with pytest.raises(StateError, match="ended before the run did"):
            first.check_kept()

    run_jumping(main())


def test_open_creates_are_looked_up_only_when_no_request_can_be_on_its_way() -> None:
    """After a crash: the expiry, a request's hard limit, the settle window and 5 s."""

    async def main() -> None:
        place = Place()
        said: list[str] = []
        state = new_state(ACCOUNT, ORIGIN)
        first = place.open()
        await place.take(first)
        journal = await first.begin(state)
        await journal.commit(Opened(Intent("support/order/m1", "IS1", "CH1")))
        freeze(first)
        crashed = blobs.wall()

        second = place.open()
        await second.acquire(holder("bob@there"), patience=400, waiting=said.append, settle=10)
        assert blobs.wall() - crashed >= 180 + 60 + 10 + 5 - 1
        assert said[0].startswith(
            "waiting for the lock of the state, which is held by ann@here (`apply`, pid 4711)"
        )
        assert said[1] == "waiting 75 s until no request of the run before can be on its way"
        await second.release()  # it settled nothing, so the next waits again
        released = blobs.wall()

        third = place.open()
        await third.acquire(holder("eve@there"), patience=0, waiting=said.append, settle=10)
        assert blobs.wall() - released >= 60 + 10 + 5 - 0.1
        await third.release()

    run_jumping(main())


def test_an_unlocked_holder_stops_and_the_next_changes_nothing_before_its_expiry() -> None:
    """`state unlock` frees the lease at once; what the holder may still send is waited for."""

    async def main() -> None:
        place, stopped = Place(), []
        state = new_state(ACCOUNT, ORIGIN)
        first = place.open()
        await place.take(first)
        await first.write(state)
        first.on_loss(lambda: stopped.append(True))
        info = await place.open().unlock(settle=10)
        unlocked = blobs.wall()
        assert info is not None
        assert info.holder.who == "ann@here"
        assert await place.open().unlock() is None

        second = place.open()
        await place.take(second, "bob@there")
        assert blobs.wall() - unlocked < 5
        found = await second.read()
        assert found is not None
        await second.begin(found)
        assert blobs.wall() - unlocked >= 180 - 5
        second.may_send()
        assert stopped == [True]
        with pytest.raises(StateError, match="taken over by bob@there"):
            first.check_kept()
        await first.release()
        await second.release()

    run_jumping(main())


def test_a_clock_that_differs_from_the_stores_is_refused() -> None:
    """Leases compare times of different machines."""

    async def main() -> None:
        place = Place()

        def off(seconds: float) -> Objects:
            skewed = structs.replace(clocks(), wall=lambda: blobs.wall() + seconds)
            return Objects(MemoryBlobs(place.there), clocks=skewed)

        for seconds in (-8.0, 8.0):
            with pytest.raises(StateError, match="the clock of this machine"):
                await place.take(off(seconds))
        for seconds in (-4.0, 4.0):
            store = off(seconds)
            await place.take(store, patience=10)
            await store.release()

    run_jumping(main())


def test_folds_leave_one_snapshot_and_fences_for_a_day() -> None:
    """Nothing piles up: not after runs that record, and not after runs that find nothing to do."""

    async def main() -> None:
        place = Place()
        state = new_state(ACCOUNT, ORIGIN)
        for number in range(5):
            await place.run(place.open(), state, range(number, number + 1), [])
        names = sorted(place.there.blobs)
        assert sum(name.startswith("snapshots/") for name in names) == 1
        fences = [name for name in names if name.startswith("journal/")]
        assert len(fences) == 4
        for _ in range(40):
            idle = place.open()
            await place.take(idle)
            assert await idle.read() == state
            await idle.release()
        head_base = len([name for name in place.there.blobs if name.startswith("journal/")])
        assert head_base <= 4 + 40
        await asyncio.sleep(timedelta(days=2).total_seconds())
        for number in range(5, 9):
            await place.run(place.open(), state, range(number, number + 1), [])
        left = [name for name in place.there.blobs if name.startswith("journal/")]
        assert len(left) <= 4 + 4
        found = await place.open().read()
        assert found == state

    run_jumping(main())


def test_a_damaged_object_is_named_and_nothing_is_written() -> None:
    """A missing segment is damage, and so are flipped bits."""

    async def main() -> None:
        for name in ("head", "snapshots/", "journal/"):
            place = Place()
            store = place.open()
            await place.take(store)
            journal = await store.begin(new_state(ACCOUNT, ORIGIN))
            await journal.commit(bound(1))
            [full] = [one for one in place.there.blobs if one.startswith(name)]
            blob = place.there.blobs[full]
            place.there.blobs[full] = structs.replace(
                blob, data=blob.data.replace(b'"lineage":', b'"lineagf":')
            )
            if name == "journal/":
                place.there.blobs[full] = structs.replace(blob, data=blob.data.replace(b"IM0", b"IM9"))
            with pytest.raises(StateError, match=r"damaged|no state of reconciler"):
                await place.open().read()

    run_jumping(main())


def test_a_lease_of_a_newer_release_is_left_alone() -> None:
    """What cannot be understood is not taken over."""

    async def main() -> None:
        place = Place()
        store = place.open()
        await place.take(store)
        await store.release()
        blob = place.there.blobs["lease"]
        data = blob.data.replace(b'{"format', b'{"new":1,"format')
        assert data != blob.data
        place.there.blobs["lease"] = structs.replace(blob, data=data)
        with pytest.raises(StateError, match="newer release"):
            await place.take(place.open())
        with pytest.raises(StateError, match="newer release"):
            await place.open().unlock()
        assert leases.FORMAT_VERSION == 1

    run_jumping(main())


def test_nothing_waits_for_the_deletion_of_what_was_replaced() -> None:
    """A journal is open once `head` was swapped; what the fold replaced is gone when the lock is released."""

    async def main() -> None:
        place, told = Place(), list[int]()
        state = new_state(ACCOUNT, ORIGIN)
        await place.run(place.open(), state, range(3), told)
        store = place.open()
        await place.take(store)
        state = await store.read() or state
        await store.begin(state)
        assert place.blobs.calls["delete"] == 0
        await store.release()
        assert place.blobs.calls["delete"] == 1
        assert len([one for one in place.there.blobs if one.startswith("snapshots/")]) == 1

    run_jumping(main())


def test_who_may_not_delete_is_told_at_the_end() -> None:
    """The state is written and the lease released; without the permission, objects would pile up."""

    class Refused(MemoryBlobs):
        async def delete(self, names: Sequence[str]) -> None:
            del names
            raise StateError("no permission to delete")

    async def main() -> None:
        place = Place()
        store = Objects(Refused(place.there), clocks=clocks())
        await place.run(store, new_state(ACCOUNT, ORIGIN), range(2), [])
        with pytest.raises(StateError, match="no permission to delete"):
            store.check_kept()
        await place.take(place.open())

    run_jumping(main())
