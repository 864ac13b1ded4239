"""Parts that are applied one by one: each does its own, what is of services is done once, and all goes on."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.errors import PlanError, StateError, UsageError
from reconciler.model import GROUPS, SERVICES, Move, Shard
from reconciler.operations.apply_part import (
    OF_SERVICES,
    ManifestSteps,
    SavedSteps,
    Steps,
    groups_of_part,
    in_steps,
)
from reconciler.operations.apply_saved import apply_saved
from reconciler.operations.extent import Extent, groups_to_lock
from reconciler.operations.session import Settings
from reconciler.plans.options import Options
from reconciler.plans.outcome import Outcome, Status
from reconciler.plans.planfile import SavedPlan, decode_plan, encode_plan
from reconciler.runtime.interrupts import Interrupts
from reconciler.state.model import State
from reconciler.state.stores.grouped import ALL, Grouped
from tests.support.blobs import MemoryBlobs, Objects
from tests.support.desk import Desk, conversation, together
from tests.support.suites import services

NAMES = [f"c{number}" for number in range(8)]
HALVES = (Shard(1, 2), Shard(2, 2))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An emulator with nothing in it, and no state yet."""
    with Desk(tmp_path, there=Objects(), groups=ALL) as made:
        yield made


def manifest(*messages: str) -> str:
    """Return a manifest of all conversations, each with these messages."""
    return together(*(conversation(*messages, name=name) for name in NAMES))


class Parts:
    """Runs that each apply one part at *desk*."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.locked: list[frozenset[int] | None] = []

    def _settings(self, shard: Shard, groups: frozenset[int] | None) -> Settings:
        self.desk.groups = ALL if groups is None else groups
        settings = replace(self.desk.settings(), now=self.desk._now, shard=shard)
        self.desk.groups = ALL
        return settings

    def _do(self, shard: Shard, steps: Steps, groups: frozenset[int]) -> Outcome | None:
        def under(
            groups: frozenset[int] | None, step: Callable[[Settings], Coroutine[Any, Any, Outcome | None]]
        ) -> Outcome | None:
            self.locked.append(groups)
            settings = self._settings(shard, groups)
            return self.desk.run(self.desk._locked(settings, step(settings)))

        return in_steps(steps, groups, under)

    def apply(self, shard: Shard, text: str) -> Outcome | None:
        """Plan and apply manifests, of which *shard* is the part."""
        desired = self.desk.desired(text)
        steps = ManifestSteps(
            desired, self.desk.run(self.stored(OF_SERVICES)), Options(), lambda _: self.desk, Interrupts()
        )
        return self._do(shard, steps, groups_of_part(shard, desired.moves))

    async def stored(self, groups: frozenset[int]) -> State | None:
        """Return what is stored of these groups."""
        assert isinstance(self.desk.there, Objects)
        return await Grouped(MemoryBlobs(self.desk.there), groups).read()

    def apply_saved(self, shard: Shard, saved: SavedPlan) -> Outcome | None:
        """Apply the part of a saved plan."""

        async def apply(settings: Settings, extent: Extent) -> Outcome:
            return await apply_saved(
                saved, settings, desired=None, watcher=self.desk, interrupts=Interrupts(), extent=extent
            )

        return self._do(shard, SavedSteps(saved, shard, apply), groups_to_lock(saved, shard))

    def bodies(self) -> list[list[str]]:
        """Return what each conversation holds."""
        assert sorted(self.desk.conversations) == NAMES
        return [self.desk.bodies(name) for name in NAMES]


def done(outcome: Outcome | None) -> list[str]:
    """Return the addresses of what was done; nothing may be left."""
    assert outcome is not None
    assert all(result.status is Status.DONE for result in outcome.results)
    return [result.address for result in outcome.results]


def test_each_part_makes_its_own_and_the_service_is_made_once(desk: Desk) -> None:
    """The first run makes it, under a lease of its own that it does not keep."""
    parts = Parts(desk)
    first, second = (done(parts.apply(shard, manifest("a: 1", "b: 2"))) for shard in HALVES)

    assert first[0] == "desk"
    assert "desk" not in second
    assert len(first) + len(second) == 1 + 3 * len(NAMES)
    assert parts.bodies() == [["1", "2"]] * len(NAMES)
    assert desk.count("create_service") == 1
    assert parts.locked == [OF_SERVICES, *(frozenset(shard.groups()) for shard in HALVES)]
    again = [done(parts.apply(shard, manifest("a: 1", "b: 2"))) for shard in HALVES]
    assert again == [[], []]


def test_a_service_whose_create_was_lost_is_not_made_twice(desk: Desk) -> None:
    """The next part settles it first, under the lease of services."""
    parts = Parts(desk)
    desk.fault("create_service:1:reset_after", "list_services:2:503", "list_services:3:503")
    parts.apply(HALVES[0], manifest("a: 1"))
    desk.fault()

    for shard in reversed(HALVES):
        done(parts.apply(shard, manifest("a: 1")))

    assert parts.bodies() == [["1"]] * len(NAMES)
    assert services(desk.emulator) == ["desk"]


def test_each_part_of_a_saved_plan_is_used_once(desk: Desk) -> None:
    """In whichever order; then the whole has nothing left to do."""
    saved = decode_plan(desk.save(manifest("a: 1", "b: 2")))
    parts = Parts(desk)
    for shard in reversed(HALVES):
        done(parts.apply_saved(shard, saved))
        with pytest.raises(PlanError, match="applied already"):
            parts.apply_saved(shard, saved)

    assert parts.bodies() == [["1", "2"]] * len(NAMES)
    assert desk.count("create_service") == 1
    with pytest.raises(PlanError, match="applied already"):
        desk.apply_saved(encode_plan(saved))


def test_the_whole_of_a_plan_does_what_its_parts_have_left(desk: Desk) -> None:
    """Also where another number of parts was used before."""
    desk.apply(manifest("a: 1"))
    saved = decode_plan(desk.save(manifest("a: 1", "b: 2")))
    parts = Parts(desk)
    done(parts.apply_saved(Shard(1, 3), saved))
    done(parts.apply_saved(Shard(1, 2), saved))

    desk.apply_saved(encode_plan(saved))

    assert parts.bodies() == [["1", "2"]] * len(NAMES)


def test_a_part_that_failed_goes_on(desk: Desk) -> None:
    """What it has done is not done again, and the other part is not touched by it."""
    desk.apply(manifest("a: 1"))
    saved = decode_plan(desk.save(manifest("a: 1", "b: 2", "c: 3")))
    parts = Parts(desk)
    desk.fault("create_message:3:400/50500")
    first = parts.apply_saved(HALVES[0], saved)
    assert first is not None
    assert {one.status for one in first.results} == {Status.DONE, Status.FAILED, Status.NOT_REACHED}
    desk.fault()

    for shard in HALVES:
        done(parts.apply_saved(shard, saved))

    assert parts.bodies() == [["1", "2", "3"]] * len(NAMES)


def test_a_service_that_moves_concerns_every_part() -> None:
    """So no part does it; a conversation that moves adds the group that it leaves."""
    with pytest.raises(UsageError, match="renames a service"):
        groups_of_part(HALVES[0], [Move("old", "desk")])
    assert len(groups_of_part(HALVES[0], ())) == GROUPS // 2
    assert SERVICES not in groups_of_part(HALVES[0], ())


def test_services_that_vanish_again_and_again_end_the_run() -> None:
    """A run that deletes what this one makes must be ended first."""

    class Vanishing:
        lacks_services = True
        may_remove_services = False

        async def services(self, settings: Settings) -> Outcome | None:
            raise NotImplementedError

        part = removals = services

    steps = Vanishing()

    def under(groups: frozenset[int] | None, step: object) -> Outcome | None:
        del step
        steps.lacks_services = groups != OF_SERVICES
        return Outcome(results=())

    with pytest.raises(StateError, match="deleted again and again"):
        in_steps(steps, frozenset({1}), under)


@pytest.mark.parametrize("is_saved", [False, True])
def test_a_conversation_that_moves_to_another_part(desk: Desk, *, is_saved: bool) -> None:
    """The part of its new name takes it over, and nothing else of the group that it leaves is lost."""
    desk.apply(manifest("a: 1"))
    old = NAMES[0]
    was = next(shard for shard in HALVES if shard.has(f"desk/{old}"))
    names = (f"n{number}" for number in range(100))
    new = next(name for name in names if not was.has(f"desk/{name}"))
    moved = f"moved:\n  - {{from: desk/{old}, to: desk/{new}}}\n"
    kept = conversation("a: 1", "b: 2", name=new, settings=f"unique_name: {old}")
    wanted = together(kept, *(conversation("a: 1", "b: 2", name=name) for name in NAMES[1:])) + moved
    saved = decode_plan(desk.save(wanted))
    parts = Parts(desk)

    for shard in (was, *(one for one in HALVES if one != was)):
        done(parts.apply_saved(shard, saved) if is_saved else parts.apply(shard, wanted))

    assert parts.bodies() == [["1", "2"]] * len(NAMES)
    state = desk.run(parts.stored(ALL))
    assert state is not None
    assert f"desk/{old}" not in state.bindings
    assert f"desk/{new}/a" in state.bindings
    assert len(state.bindings) == 1 + 3 * len(NAMES)
    assert not decode_plan(desk.save(wanted)).plan.actions
