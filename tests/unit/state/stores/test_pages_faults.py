"""The protocol over one document: trouble at every call, holders who sleep, and what is written when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec
import pytest
from msgspec import structs

from reconciler.errors import NotSent, StateError
from reconciler.state.keys import NO_KEYS, Key, Keys
from reconciler.state.model import Bound, Opened, PlanOpened, State
from reconciler.state.remembered import Binding, InFlight, Intent
from reconciler.state.stores.file import new_state
from reconciler.state.stores.interface import silent
from reconciler.state.stores.page_document import Document, decode, document_of, encode
from reconciler.state.stores.pages import Pages
from tests.support import blobs
from tests.support.blobs import Trouble
from tests.support.jumping import run_jumping
from tests.support.single_page import MemoryPage, Server
from tests.support.stores import clocks, holder

ACCOUNT = "AC" + "0" * 32
ORIGIN = "https://conversations.twilio.com"
CONVERSATION = "support/order"


def address(number: int) -> str:
    """Return the address of a message of that number."""
    return f"{CONVERSATION}/m{number}"


def bound(number: int) -> Bound:
    """Return the binding of a message of that number."""
    return Bound(address(number), Binding(f"IM{number:032x}", "IS1", "CH1", number))


def opened(number: int) -> Opened:
    """Return the intent of a message of that number."""
    return Opened(Intent(address(number), "IS1", "CH1", number - 1, match="m"))


def announcing(*numbers: int) -> State:
    """Return a new state that announces the creates of messages of these numbers."""
    state = new_state(ACCOUNT, ORIGIN)
    flight = InFlight(creates={address(number): "m" for number in numbers}, service_sid="IS1")
    state.in_flight[CONVERSATION] = flight
    return state


class Place:
    """A page, and runs that open it."""

    def __init__(self, *, swaps: bool = True) -> None:
        self.server = Server(swaps=swaps)

    def open(
        self,
        trouble: Callable[[str, int], Trouble | None] = lambda _name, _count: None,
        *,
        keys: Keys = NO_KEYS,
    ) -> Pages:
        """Return a store of another process."""
        self.page = MemoryPage(self.server, latency=0.01, trouble=trouble)
        return Pages(self.page, keys=keys, clocks=clocks())

    async def take(self, store: Pages, who: str = "ann@here", patience: float = 0) -> None:
        """Let *who* take the lease."""
        await store.acquire(holder(who), patience=patience, waiting=silent, settle=10)

    async def run(self, store: Pages, state: State, numbers: range, told: list[int]) -> None:
        """Open *numbers* and fold; *told* are those of which the store said that they are durable."""
        await self.take(store, patience=400)
        try:
            await store.read()
            async with await store.begin(state) as journal:
                for number in numbers:
                    state.apply(opened(number))
                    await journal.commit(opened(number))
                    told.append(number)
            await store.write(state)
        finally:
            await store.release()

    def document(self) -> Document:
        """Return what is stored."""
        assert self.server.data is not None
        return decode(self.server.data, "page")


@pytest.fixture(params=[True, False], ids=["swaps", "lock"])
def place(request: pytest.FixtureRequest) -> Place:
    """A page of either kind."""
    return Place(swaps=request.param)


async def survives(place: Place, name: str, at: int, trouble: Trouble) -> bool:
    """Let one call end in *trouble*; check what is read, and return whether there was such a call."""

    def strike(called: str, count: int) -> Trouble | None:
        return trouble if (called, count) == (name, at) else None

    told = [0]
    state = new_state(ACCOUNT, ORIGIN)
    await place.run(place.open(), state, range(1), told)
    with suppress(StateError):
        await place.run(place.open(strike), state, range(1, 4), told)
    calls = place.page.calls[name]
    found = await place.open().read()
    assert found is not None
    numbers = {int(one.rpartition("m")[2]) for one in found.intents}
    assert numbers.issuperset(told[1:]), (trouble, name, at)
    assert numbers.issubset(range(4))
    other = place.open()
    await place.take(other, "bob@there", patience=400)
    taken = await other.read()
    assert taken is not None
    assert taken.intents == found.intents
    await other.release()
    assert place.document().lease.free
    assert place.server.lock is None
    return at < calls


@pytest.mark.parametrize("swaps", [True, False])
@pytest.mark.parametrize("trouble", Trouble)
def test_trouble_at_every_call_loses_nothing(trouble: Trouble, *, swaps: bool) -> None:
    """What was said to be durable is read, and nothing that was not recorded."""
    tried = 0
    for name in ("read", "replace", "lock", "unlock"):
        at = 0
        while run_jumping(survives(Place(swaps=swaps), name, at, trouble)):
            at += 1
        tried += at
    assert tried >= 8


def test_creates_are_announced_by_one_write() -> None:
    """Sending them and binding their replies writes nothing; every 30 s it is written what is known."""

    async def main() -> None:
        place = Place()
        store = place.open()
        await place.take(store)
        state = announcing(1, 2, 3)
        async with await store.begin(state) as journal:
            announced = place.server.writes
            for number in (1, 2):
                await journal.commit(opened(number))
                await journal.commit(bound(number))
            assert place.server.writes == announced
            await asyncio.sleep(31)
            assert place.server.writes == announced + 1
            found = await place.open().read()
            assert found is not None
            assert set(found.bindings) == {address(1), address(2)}
            assert [*found.in_flight[CONVERSATION].creates] == [address(3)]
            await journal.commit(opened(3), bound(3))
            await journal.flush()
            assert place.server.writes == announced + 2
            await journal.flush()
            assert place.server.writes == announced + 2
            found = await place.open().read()
            assert found is not None
            assert found.in_flight == {}
        await store.release()

    run_jumping(main())


def test_a_flush_waits_for_a_write_that_is_under_way() -> None:
    """Who deletes what was replaced must not rely on an answer that is still to come."""

    async def main() -> None:
        place = Place()
        store = place.open()
        await place.take(store)
        state = announcing(1)
        async with await store.begin(state) as journal:
            await journal.commit(bound(1))
            store._page.latency = 5  # type: ignore[attr-defined]
            await asyncio.sleep(31)  # the write of this beat takes ten seconds
            await journal.flush()
            assert decode(place.server.data or b"", "page").kept.state != b"null"
            found = await place.open().read()
            assert found is not None
            assert set(found.bindings) == {address(1)}
            assert not journal.is_behind
        await store.release()

    run_jumping(main())


def test_a_create_that_was_not_announced_is_written_before_it_is_sent() -> None:
    """So is one that is sent again after it was found not to have happened."""

    async def main() -> None:
        place = Place()
        store = place.open()
        await place.take(store)
        async with await store.begin(announcing(1)) as journal:
            before = place.server.writes
            await journal.commit(opened(2))
            assert place.server.writes == before + 1
            found = await place.open().read()
            assert found is not None
            assert set(found.intents) == {address(2)}
        await store.release()

    run_jumping(main())


def test_a_plan_goes_on_after_a_write_between() -> None:
    """The serial rises with what is recorded, and that of the open plan with it."""

    async def main() -> None:
        place = Place()
        store = place.open()
        await place.take(store)
        state = announcing(1)
        state.apply(PlanOpened("plan", store.next_serial(state)))
        async with await store.begin(state) as journal:
            await journal.commit(bound(1))
            await journal.flush()
        found = await place.open().read()
        assert found is not None
        assert found.open_plan is not None
        assert found.open_plan.serial == found.serial > state.serial
        assert store.next_serial(state) == found.serial + 1
        await store.release()

    run_jumping(main())


def test_a_holder_that_slept_sends_and_writes_nothing(place: Place) -> None:
    """The second takes over and records; the first wakes, is refused, and names the second."""

    async def main() -> None:
        stopped: list[bool] = []
        first, second = place.open(), place.open()
        state = announcing(1)
        await place.take(first)
        journal = await first.begin(state)
        await journal.commit(opened(1), bound(1))
        await journal.flush()
        first.on_loss(lambda: stopped.append(True))
        freeze(first)
        await asyncio.sleep(200)
        place.server.lock = None  # somebody forced it, as a server without leases needs it

        await place.take(second, "bob@there")
        taken = await second.read()
        assert taken is not None
        assert set(taken.bindings) == {address(1)}
        taken.apply(bound(2))
        await second.write(taken)

        with pytest.raises(NotSent):
            first.may_send()
        with pytest.raises(StateError, match="taken over by bob@there"):
            await journal.commit(opened(7))
        with pytest.raises(StateError, match="taken over by bob@there"):
            await first.write(state)
        assert stopped == [True]
        await first.release()
        await second.release()
        found = await place.open().read()
        assert found is not None
        assert set(found.bindings) == {address(1), address(2)}

    run_jumping(main())


def freeze(store: Pages) -> None:
    """Let a process renew nothing any more, as one that is stopped."""
    held = store._held
    assert held is not None
    assert held._beats is not None
    held._beats.cancel()


def test_a_lease_is_renewed_as_long_as_its_holder_works(place: Place) -> None:
    """Nobody else can take it, and requests may be sent, an hour later."""

    async def main() -> None:
        first = place.open()
        await place.take(first)
        for _ in range(36):
            await asyncio.sleep(100)
            first.may_send()
            with pytest.raises(StateError, match="is locked by ann@here"):
                await place.take(place.open(), "bob@there")
        assert place.server.writes <= 1 + 3600 / 60 + 1
        await first.release()

    run_jumping(main())


def test_a_lease_that_cannot_be_renewed_stops_the_run_in_time(place: Place) -> None:
    """While the server does not answer, the run stops a request's time before the lease ends."""

    async def main() -> None:
        stopped: list[float] = []
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
        await asyncio.sleep(60)
        assert len(stopped) == 1
        assert stopped[0] - began <= 180 - 60 + 25
        with pytest.raises(StateError, match="ended before the run did"):
            first.check_kept()

    run_jumping(main())


def test_open_creates_are_looked_up_only_when_no_request_can_be_on_its_way() -> None:
    """After a crash: the expiry, a request's hard limit, the settle window and 5 s."""

    async def main() -> None:
        place = Place()
        said: list[str] = []
        first = place.open()
        await place.take(first)
        await first.begin(announcing(1))
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


def test_an_unlocked_holder_stops_and_the_next_changes_nothing_before_its_expiry(place: Place) -> None:
    """`state unlock` frees lease and lock at once; what the holder may still send is waited for."""

    async def main() -> None:
        stopped: list[bool] = []
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
        assert place.document().lease.free

    run_jumping(main())


def test_a_lock_that_a_killed_run_left_is_named_and_freed() -> None:
    """Between its lock and its first write, only the server knows of a run."""

    async def main() -> None:
        place = Place(swaps=False)
        place.server.lock = b'{"ID":"1","Who":"eve@\\u001b[31mthere","Created":"2026-11-30"}'
        with pytest.raises(StateError, match=r"is locked by eve@\?\[31mthere since 2026-11-30"):
            await place.take(place.open())
        assert await place.open().unlock() is not None
        assert await place.open().unlock() is None
        await place.take(place.open())

    run_jumping(main())


def test_a_lock_that_was_forced_elsewhere_stops_the_run() -> None:
    """The server refuses the write of a run whose lock is gone, and the run does not repeat it."""

    async def main() -> None:
        place = Place(swaps=False)
        first = place.open()
        await place.take(first)
        place.server.lock = None
        with pytest.raises(StateError, match="its lock was forced"):
            await first.write(new_state(ACCOUNT, ORIGIN))
        with pytest.raises(NotSent):
            first.may_send()

    run_jumping(main())


def test_a_clock_that_differs_from_the_servers_is_refused() -> None:
    """Leases compare times of different machines; nothing is written."""

    async def main() -> None:
        place = Place(swaps=False)

        def off(seconds: float) -> Pages:
            skewed = structs.replace(clocks(), wall=lambda: blobs.wall() + seconds)
            return Pages(MemoryPage(place.server), clocks=skewed)

        for seconds in (-8.0, 8.0):
            with pytest.raises(StateError, match="the clock of this machine"):
                await place.take(off(seconds))
            assert (place.server.data, place.server.lock) == (None, None)
        for seconds in (-4.0, 4.0):
            store = off(seconds)
            await place.take(store, patience=10)
            await store.release()

    run_jumping(main())


def test_a_sealed_state_is_refused_beside_another_serial() -> None:
    """Lineage and serial are bound in; the lease stays in the clear."""

    async def main() -> None:
        place = Place()
        keys = Keys((Key(b"1" * 32),))
        state = new_state(ACCOUNT, ORIGIN)
        state.apply(bound(1))
        store = place.open(keys=keys)
        await place.take(store)
        await store.write(state)
        await store.release()
        assert place.server.data is not None
        assert b"IM000" not in place.server.data
        assert b"ann@here" in place.server.data
        good = place.document()
        assert await place.open(keys=keys).read() == state
        with pytest.raises(StateError, match="no key is given"):
            await place.open().read()
        for bad in (
            structs.replace(good, state_serial=good.state_serial + 1),
            structs.replace(good, lineage="another"),
        ):
            place.server.data = encode(bad)
            with pytest.raises(StateError, match="its parts are not of one moment"):
                await place.open(keys=keys).read()
        text = bytes(good.state)
        for at in range(1, len(text) - 1, 97):
            flipped = text[:at] + (b"A" if text[at : at + 1] != b"A" else b"B") + text[at + 1 :]
            place.server.data = encode(structs.replace(good, state=msgspec.Raw(flipped)))
            with pytest.raises(StateError, match=r"damaged|encrypted|sealed"):
                await place.open(keys=keys).read()

    run_jumping(main())


def test_what_is_no_document_of_ours_is_never_written() -> None:
    """Terraform's own state, for one, or one of a newer release."""

    async def main() -> None:
        place = Place()
        first = place.open()
        await place.take(first)
        await first.release()
        newer = structs.replace(place.document(), reconciler_document=2)
        for data in (b'{"version":4,"serial":1,"lineage":"x"}', b"", b"\xff", encode(newer)):
            place.server.data = data
            store = place.open()
            with pytest.raises(StateError, match=r"no state of reconciler|newer release"):
                await place.take(store)
            with pytest.raises(StateError, match=r"no state of reconciler|newer release"):
                await place.open().unlock()
            assert place.server.data == data

    run_jumping(main())


def test_a_document_keeps_the_state_on_lines_of_its_own() -> None:
    """Its bytes are one JSON object, whose `serial` rises with every write."""

    async def main() -> None:
        place = Place(swaps=False)
        serials = []
        state = new_state(ACCOUNT, ORIGIN)
        for number in range(3):
            await place.run(place.open(), state, range(number, number + 1), [])
            serials.append(place.document().serial)
        assert serials == sorted(set(serials))
        one = place.document()
        assert document_of(one.serial, one.lease, one.kept) == one
        assert (place.server.data or b"").count(b"\n") > 10

    run_jumping(main())


def test_a_run_past_its_expiry_writes_nothing_where_nothing_is_compared() -> None:
    """A server without versions would take it, though another may have begun."""

    async def main() -> None:
        place = Place(swaps=False)
        store = place.open()
        await place.take(store)
        state = new_state(ACCOUNT, ORIGIN)
        await store.write(state)
        freeze(store)
        await asyncio.sleep(181)
        before = place.server.data
        with pytest.raises(StateError, match="ended before the run did"):
            await store.write(state)
        await store.release()
        assert place.server.data == before

    run_jumping(main())


def test_what_was_recorded_is_written_at_the_end_though_a_write_failed() -> None:
    """Releasing the lease tries once more, with all that is known."""

    async def main() -> None:
        place = Place()
        fails = False

        def strike(name: str, _count: int) -> Trouble | None:
            return Trouble.LOST_BEFORE if fails and name == "replace" else None

        store = place.open(strike)
        await place.take(store)
        state = announcing(1)
        async with await store.begin(state) as journal:
            await journal.commit(bound(1))
        writing = asyncio.create_task(store.write(state))
        fails = True
        await asyncio.sleep(5)
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        fails = False
        await store.release()
        found = await place.open().read()
        assert found is not None
        assert set(found.bindings) == {address(1)}

    run_jumping(main())


def test_a_plan_reads_the_document_once() -> None:
    """Whoever holds the lock stands in the document that `read` has read; the next question asks again."""

    async def main() -> None:
        place = Place()
        holding, planning = place.open(), place.open()
        await place.take(holding)

        await planning.read()
        (held,) = await planning.locks()
        assert (held.holder.who, place.page.calls["read"]) == ("ann@here", 1)

        await holding.release()
        assert await planning.locks() == []

    run_jumping(main())
