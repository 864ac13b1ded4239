"""A state by group of conversations: who reads and locks what, and what is written."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from reconciler.errors import StateError
from reconciler.model import SERVICES, Address, group_at, group_of
from reconciler.state import edit
from reconciler.state.model import Bound, Carried, OpenPlan, PlanOpened, PlanUsed, State, Unbound
from reconciler.state.remembered import Binding
from reconciler.state.stores.file import new_state
from reconciler.state.stores.grouped import ALL, Grouped
from reconciler.state.stores.interface import silent
from reconciler.state.stores.objects import Objects
from reconciler.state.stores.primitives import Blob
from tests.support import blobs
from tests.support.blobs import MemoryBlobs
from tests.support.jumping import run_jumping
from tests.support.stores import clocks, holder

ACCOUNT = "AC" + "0" * 32
ORIGIN = "https://conversations.twilio.com"
A, B = "support/a", "support/b"
TWIN = next(
    f"support/twin{number}" for number in range(1000) if group_of(f"support/twin{number}") == group_of(A)
)
"""Another conversation of the group of A."""


def bound(address: Address, number: int = 0) -> Bound:
    """Return a binding of *address*."""
    return Bound(address, Binding(f"IM{number:032x}", "IS1", "CH1", number))


class Watched(MemoryBlobs):
    """Objects, and the names that are read of them."""

    def __init__(self, there: blobs.Objects) -> None:
        super().__init__(there)
        self.read: list[str] = []

    async def get(self, name: str) -> Blob | None:
        """Return the object, and note its name."""
        self.read.append(name)
        return await super().get(name)


class Place:
    """A place with a state that has one message in A and one in B."""

    def __init__(self) -> None:
        self.there = blobs.Objects()
        self.state = new_state(ACCOUNT, ORIGIN)
        for number, address in enumerate((f"{A}/one", f"{B}/one")):
            self.state.apply(bound(address, number))
        self.state.apply(Bound("support", Binding("IS1")))

    def open(self, *conversations: Address, groups: Collection[int] = ()) -> Grouped:
        """Return a store that works on these, or on all."""
        self.way = Watched(self.there)
        chosen = {group_at(one) for one in conversations} or set(groups) or ALL
        return Grouped(self.way, chosen, clocks=clocks())

    async def taken(
        self, *conversations: Address, groups: Collection[int] = (), patience: float = 0
    ) -> Grouped:
        """Return a store whose leases are held."""
        store = self.open(*conversations, groups=groups)
        await store.acquire(holder(), patience=patience, waiting=silent, settle=10)
        return store

    async def write(self) -> None:
        """Write the state."""
        store = await self.taken()
        await store.write(self.state)
        await store.release()

    async def found(self) -> State:
        """Return what is read without a lock."""
        state = await self.open().read()
        assert state is not None
        return state

    def names(self) -> dict[str, str]:
        """Return the version of each snapshot, by its group."""
        return {name.partition("snapshots")[0]: name for name in self.there.blobs if "snapshots" in name}


def test_a_part_reads_its_groups_and_what_belongs_to_services() -> None:
    """Nothing of any other group is asked for."""

    async def main() -> None:
        place = Place()
        await place.write()
        state = await place.open(A).read()
        assert state is not None
        assert [*state.bindings] == ["support", f"{A}/one"]
        folders = {name.partition("/")[0] for name in place.way.read if name.startswith("g")}
        assert folders == {f"g{group_of(A):02d}"}
        whole = await place.found()
        assert [*whole.bindings] == ["support", f"{A}/one", f"{B}/one"]
        assert whole.serial == sum(whole.serials.values()) > state.serial
        assert state.serials.items() <= whole.serials.items()
        store = place.open()
        for groups, read in (({group_of(A)}, state), (None, whole), ({group_of(A)}, state)):
            store.narrow(groups)
            assert await store.read() == read
        held = await place.taken()
        held.narrow({group_of(A)})
        assert await held.read() == whole  # it has to know what it may write
        await held.release()

    run_jumping(main())


def test_parts_are_written_side_by_side_and_each_by_one_run_at_a_time() -> None:
    """Who wants all waits for both."""

    async def main() -> None:
        place = Place()
        await place.write()
        first, second = await place.taken(A), await place.taken(B)
        with pytest.raises(StateError, match="is locked by ann@here"):
            await place.taken(TWIN)
        for store, conversation in ((first, A), (second, B)):
            state = await store.read()
            assert state is not None
            async with await store.begin(state) as journal:
                await journal.commit(state.apply(bound(f"{conversation}/two", 7)))
            await store.write(state)
        waiting = asyncio.create_task(place.taken(patience=100))
        await asyncio.sleep(5)
        await first.release()
        await asyncio.sleep(5)
        assert not waiting.done()
        await second.release()
        state = await (await waiting).read()
        assert state is not None
        assert [*state.bindings] == ["support", *(f"{one}/{key}" for one in (A, B) for key in ("one", "two"))]

    run_jumping(main())


def test_runs_that_want_some_of_the_same_groups_all_come_to_an_end() -> None:
    """Leases are taken in one order, so that no two wait for each other."""

    async def main() -> None:
        place = Place()
        wanted = [ALL, range(32), range(16, 48), range(0, 64, 3), {SERVICES, 63}, {5}, range(63, -1, -2)]

        async def run(groups: Collection[int]) -> None:
            store = await place.taken(groups=groups, patience=1000)
            await asyncio.sleep(3)
            await store.release()

        await asyncio.gather(*(run(groups) for groups in wanted * 2))
        assert await place.open().locks() == []

    run_jumping(main())


def test_of_two_that_begin_a_state_both_get_the_lineage_of_the_first() -> None:
    """Whatever part they work on; a plan, which holds no lease, writes nothing."""

    async def main() -> None:
        place = Place()
        planned = new_state(ACCOUNT, ORIGIN)
        assert await place.open(A).establish(planned) is planned
        assert not place.there.blobs
        first, second = await place.taken(A), await place.taken(B)
        begun = await asyncio.gather(*(one.establish(new_state(ACCOUNT, ORIGIN)) for one in (first, second)))
        assert begun[0].lineage == begun[1].lineage
        for store, state, conversation in zip((first, second), begun, (A, B), strict=True):
            state.apply(bound(f"{conversation}/one"))
            await store.write(state)
        assert [*(await place.found()).bindings] == [f"{A}/one", f"{B}/one"]

    run_jumping(main())


def test_only_what_changed_is_written() -> None:
    """With new keys, everything."""

    async def main() -> None:
        place = Place()
        await place.write()
        before = place.names()
        store = await place.taken()
        state = await store.read()
        assert state is not None
        await store.write(state)
        assert place.names() == before
        state.apply(bound(f"{A}/two"))
        foretold = store.next_serial(state)
        await store.write(state)
        assert state.serial == foretold
        after = place.names()
        assert {folder for folder in after if after[folder] != before[folder]} == {f"g{group_of(A):02d}/"}
        await store.write(state, anew=True)
        assert not set(place.names().values()) & set(after.values())

    run_jumping(main())


def test_a_part_cannot_write_what_another_run_may_hold() -> None:
    """Neither a record, nor a snapshot."""

    async def main() -> None:
        place = Place()
        await place.write()
        store = await place.taken(A)
        state = await store.read()
        assert state is not None
        async with await store.begin(state) as journal:
            for address in (f"{B}/two", "support"):
                with pytest.raises(StateError, match="this run does not hold"):
                    await journal.commit(Unbound(address))
        state.apply(Unbound("support"))
        with pytest.raises(StateError, match="not locked by this run"):
            await store.write(state)
        state.apply(bound(f"{B}/two"))
        with pytest.raises(StateError, match="another part of the state"):
            await store.write(state)

    run_jumping(main())


def test_a_conversation_that_is_renamed_goes_into_the_group_of_its_name() -> None:
    """With everything in it, and nothing stays behind."""

    async def main() -> None:
        place = Place()
        place.state.apply(Bound(A, Binding("CH1", "IS1")))
        await place.write()
        store = await place.taken()
        state = await store.read()
        assert state is not None
        edit.move(state, A, "support/renamed")
        await store.write(state)
        await store.release()
        found = await place.found()
        assert found == state
        assert [*found.bindings] == ["support", f"{B}/one", "support/renamed", "support/renamed/one"]
        part = await place.open(A).read()
        assert part is not None
        assert [*part.bindings] == ["support"]

    run_jumping(main())


def test_what_an_older_release_kept_in_one_piece_is_read_and_then_cut() -> None:
    """The first run over everything does it; a run of one part is refused until then."""

    async def main() -> None:
        place = Place()
        old = Objects(MemoryBlobs(place.there), clocks=clocks())
        await old.acquire(holder(), patience=0, waiting=silent, settle=10)
        await old.write(place.state)
        await old.release()
        assert (await place.found()).bindings == place.state.bindings
        part = await place.taken(A)
        with pytest.raises(StateError, match="older release") as refused:
            await part.read()
        assert "without `--shard`" in (refused.value.hint or "")
        await part.release()
        store = await place.taken()
        state = await store.read()
        assert state is not None
        async with await store.begin(state) as journal:
            await journal.commit(state.apply(bound(f"{B}/two")), state.apply(Unbound(f"{A}/one")))
        await store.write(state)
        await store.release()
        assert [*(await place.found()).bindings] == ["support", f"{B}/one", f"{B}/two"]
        part = await place.taken(A)
        taken = await part.read()
        assert taken is not None
        assert [*taken.bindings] == ["support"]

    run_jumping(main())


def test_the_progress_of_a_plan_is_kept_where_its_actions_are() -> None:
    """A run of another plan, or of none, in the same group ends it there, and only there."""

    async def main() -> None:
        place = Place()
        await place.write()
        actions = {0: f"{A}/two", 1: f"{A}/three", 2: f"{B}/two"}
        store = await place.taken()
        state = await store.read()
        assert state is not None
        store.follow("plan", actions, ())
        state.apply(PlanOpened("plan", store.next_serial(state)))
        async with await store.begin(state) as journal:
            await journal.commit(Carried((0, 2)), bound(f"{A}/two", 3), bound(f"{B}/two", 4))
        await store.release()

        def uses(state: State, conversation: Address) -> OpenPlan | None:
            return state.uses[group_of(conversation)].open

        found = await place.found()
        for conversation, done in ((A, [0]), (B, [2])):
            begun = uses(found, conversation)
            assert begun == OpenPlan("plan", found.serials[group_of(conversation)], done)
        store = await place.taken(TWIN)
        state = await store.read()
        assert state is not None
        async with await store.begin(state) as journal:
            await journal.commit(state.apply(bound(f"{TWIN}/one")))
        await store.release()
        found = await place.found()
        ended, goes_on = uses(found, A), uses(found, B)
        assert ended is not None
        assert ended.serial < found.serials[group_of(A)]
        assert goes_on is not None
        assert goes_on.serial == found.serials[group_of(B)]

    run_jumping(main())


def test_a_plan_that_is_done_is_remembered_by_each_group_that_it_changed() -> None:
    """And by no other: a part of a plan is a use of its own."""

    async def main() -> None:
        place = Place()
        await place.write()
        store = await place.taken(A)
        state = await store.read()
        assert state is not None
        store.follow("plan", {0: f"{A}/two"}, [f"{A}/one"])
        state.apply(PlanUsed("plan"))
        await store.write(state)
        await store.release()
        found = await place.found()
        assert found.used_plans == ["plan"]
        assert {group for group, uses in found.uses.items() if uses.used} == {group_of(A)}

    run_jumping(main())
