"""Rounds on a clock that jumps, against an emulator that others change meanwhile."""

from __future__ import annotations

import asyncio
import signal
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from msgspec import structs

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.operations.session import Settings
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.interface import Store
from reconciler.state.stores.lock import lock
from reconciler.watch.events import Ending, Told
from reconciler.watch.hints import Hints
from reconciler.watch.loop import Watch
from reconciler.watch.notify import Command
from reconciler.watch.round import Rounds
from reconciler.watch.schedule import Kind, Schedule
from tests.support import blobs
from tests.support.blobs import MemoryBlobs
from tests.support.desk import Desk, conversation, together

HOLDER = Holder("me@here", 1, "watch", "2026-11-30T00:00:00Z")
_ROUNDS = 60
TWO = together(conversation("a: one", "b: two"), conversation("a: three", name="d"))


class Watched:
    """A desk that is watched; *after* is called with each round, before the next one."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.hints = Hints()
        self.told: list[Told] = []

    def run(
        self,
        manifest: str,
        after: Callable[[Told], None],
        *,
        rounds: int,
        applies: bool = True,
        schedule: Schedule = Schedule(300),  # noqa: B008 - frozen
        command: Command | None = None,
        keeps: bool = True,
    ) -> list[Told]:
        """Watch for so many *rounds*, and return what they told."""
        self.desk.interrupts.signum = None
        desired = self.desk.desired(manifest)
        carried = Rounds(
            load=lambda: desired,
            settings=_settings(self.desk),
            holder=lambda: HOLDER,
            interrupts=self.desk.interrupts,
            now=lambda: "2026-11-30T00:00:00Z",
            applies=applies,
            command=command,
        )
        count = 0

        def tell(told: Told) -> None:
            nonlocal count
            count += 1
            if keeps:
                self.told.append(told)
            after(told)
            if count == rounds:
                self.desk.interrupts.signum = signal.SIGTERM

        watch = Watch(carried.run, schedule, self.hints, self.desk.interrupts, tell=tell, chance=lambda: 0.5)
        self.desk.run(watch())
        return self.told


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A desk with two conversations that are applied already."""
    with Desk(tmp_path) as desk:
        desk.apply(TWO)
        yield Watched(desk)


class _AwaySettings(Settings, frozen=True):
    """Settings with a state away from this machine, which each round opens anew."""

    desk: Desk | None = None

    def store(self) -> Store:
        """Return the store of the state."""
        assert self.desk is not None
        opened = self.held or self.desk.settings().held
        assert opened is not None
        return opened


def _settings(desk: Desk) -> Settings:
    plain = desk.settings(settle=10)
    if plain.held is None:
        return plain
    return _AwaySettings(plain.endpoint, plain.state, settle=plain.settle, now=plain.now, desk=desk)


def _nothing(_: Told) -> None:
    pass


def test_a_foreign_edit_is_mended_within_one_interval(watched: Watched) -> None:
    """The next round sees it, says so, and applies what the manifest says."""
    desk = watched.desk

    def edit(_: Told) -> None:
        if len(watched.told) == 1:
            desk.edit("c", 0, "changed")

    _, mended, quiet = watched.run(TWO, edit, rounds=3)

    assert mended.ending is Ending.APPLIED
    assert mended.drift == {"drifted": 1}
    assert desk.bodies("c") == ["one", "two"]
    assert quiet.ending is Ending.IN_SYNC
    assert quiet.next_in == 300


def test_a_watch_that_only_plans_changes_nothing(watched: Watched) -> None:
    """It tells of the same change in each round."""
    desk = watched.desk
    desk.edit("c", 0, "changed")
    before = desk.state_path.read_bytes()

    told = watched.run(TWO, _nothing, rounds=2, applies=False)

    assert [one.ending for one in told] == [Ending.CHANGES_PENDING] * 2
    assert desk.bodies("c") == ["changed", "two"]
    assert desk.state_path.read_bytes() == before
    assert desk.count("update_message") == 0


def test_quiet_rounds_cost_the_same_and_memory_stays_flat(watched: Watched) -> None:
    """A quick round sends one request for each conversation; a full one also looks at the parents."""
    sizes: list[int] = []
    costs: set[tuple[Kind, int]] = set()
    rounds = iter(range(_ROUNDS))

    def measure(told: Told) -> None:
        assert told.requests is not None
        watched.desk.emulator.requests.clear()
        number = next(rounds)
        if number > 1:  # the first quick look takes every conversation for a new one
            costs.add((told.kind, told.requests.read))
        if number in {_ROUNDS // 4, _ROUNDS - 1}:
            sizes.append(tracemalloc.get_traced_memory()[0])

    tracemalloc.start()
    try:
        watched.run(TWO, measure, rounds=_ROUNDS, schedule=Schedule(60, full_every=2), keeps=False)
    finally:
        tracemalloc.stop()

    assert costs == {(Kind.FULL, 5), (Kind.QUICK, 2)}
    assert sizes[1] - sizes[0] < 30_000, "bytes"


def test_a_quick_round_sees_a_new_message_and_no_edit(watched: Watched) -> None:
    """What it does not see waits for a full round."""
    desk = watched.desk
    deleting = TWO.replace("messages:", "unmanaged: delete\n        messages:", 1)

    def change(_: Told) -> None:
        if len(watched.told) == 2:
            desk.edit("d", 0, "changed")
            desk.post("c", "a customer's")

    told = watched.run(deleting, change, rounds=5, schedule=Schedule(60, full_every=4))

    assert [one.kind for one in told] == [Kind.FULL, Kind.QUICK, Kind.QUICK, Kind.QUICK, Kind.FULL]
    assert [one.ending for one in told][2:] == [Ending.NOTHING_NEW, Ending.NOTHING_NEW, Ending.APPLIED]
    assert told[2].requests is not None
    assert told[2].requests.read > 2, "the conversation with the new message was read"
    assert desk.bodies("d") == ["three"]


def test_a_hint_is_looked_at_within_the_next_second(watched: Watched) -> None:
    """The conversation that it names, alone; a hint about another's does nothing."""
    desk = watched.desk
    sid = desk.state.bindings["desk/d"].sid

    def edit(told: Told) -> None:
        if len(watched.told) == 1:
            desk.edit("d", 0, "changed")
            for _ in range(10_000):
                watched.hints.mark(sid)
            watched.hints.mark("CH" + "0" * 32)
        elif told.kind is Kind.HINTED:
            watched.hints.mark("CH" + "0" * 32)

    full, hinted, foreign = watched.run(TWO, edit, rounds=3)

    assert (hinted.kind, hinted.ending) == (Kind.HINTED, Ending.APPLIED)
    assert full.next_in - hinted.next_in == pytest.approx(1)
    assert desk.bodies("d") == ["three"]
    assert foreign.requests is not None
    assert foreign.requests.read == 0
    assert foreign.ending is Ending.NOTHING_NEW


def test_guards_are_never_relaxed(watched: Watched) -> None:
    """A plan that deletes too much is held back, round after round, with what permits it by hand."""
    desk = watched.desk
    many = conversation(*[f"m{number}: text {number}" for number in range(12)], name="e")
    desk.apply(together(TWO, many))
    few = together(TWO, conversation("m0: text 0", name="e"))

    told = watched.run(few, _nothing, rounds=2)

    assert [one.ending for one in told] == [Ending.HELD_BACK] * 2
    assert "--max-delete" in told[0].refusals[0]
    assert len(desk.bodies("e")) == 12


def test_another_run_is_waited_for(watched: Watched) -> None:
    """A round while somebody else applies says who does, and a later one comes in time."""
    with lock(
        watched.desk.state_path, holder=Holder("ann@ci", 7, "apply", "2026-11-30T00:00:00Z"), timeout=0
    ):
        (told,) = watched.run(TWO, _nothing, rounds=1)

    assert told.ending is Ending.LOCKED
    assert "ann@ci" in told.error
    assert watched.run(TWO, _nothing, rounds=1)[-1].ending is Ending.IN_SYNC


@pytest.mark.parametrize(("fault", "words"), [("*:401", "401"), ("*:503", "503")])
def test_failures_come_later_and_later_and_end(watched: Watched, fault: str, words: str) -> None:
    """An hour of 503, or of refused credentials: the watch goes on, and the first success is as before."""
    desk = watched.desk
    desk.fault(fault)

    def mend(_: Told) -> None:
        if len(watched.told) == 4:
            desk.fault()

    told = watched.run(TWO, mend, rounds=5)

    assert [one.ending for one in told] == [Ending.FAILED] * 4 + [Ending.IN_SYNC]
    assert words in told[0].error
    assert [one.next_in for one in told] == pytest.approx([300, 600, 1200, 2400, 300])


def test_a_hint_about_another_s_conversation_does_not_end_a_back_off(watched: Watched) -> None:
    """It looked at nothing, so it is no success."""
    watched.desk.fault("*:503")

    def hint(told: Told) -> None:
        if told.kind is Kind.FULL:
            watched.hints.mark("CH" + "0" * 32)

    told = watched.run(TWO, hint, rounds=5)

    assert [one.ending for one in told[:4]] == [Ending.FAILED, Ending.NOTHING_NEW] * 2
    assert [one.next_in for one in told if one.kind is Kind.FULL] == pytest.approx([300, 600, 1200])


def test_a_hint_whose_look_failed_is_looked_at_again(watched: Watched) -> None:
    """After the back-off, and long before the next full round: the webhook does not come again."""
    desk = watched.desk
    sid = desk.state.bindings["desk/d"].sid

    def edit(_: Told) -> None:
        number = len(watched.told)
        if number == 1:
            desk.edit("d", 0, "changed")
            desk.fault("*:503")
            watched.hints.mark(sid)
        elif number == 3:
            desk.fault()

    told = watched.run(TWO, edit, rounds=5, schedule=Schedule(300, full_every=9))

    assert [(one.kind, one.ending) for one in told] == [
        (Kind.FULL, Ending.IN_SYNC),
        (Kind.HINTED, Ending.FAILED),
        (Kind.QUICK, Ending.FAILED),
        (Kind.HINTED, Ending.APPLIED),
        (Kind.QUICK, Ending.NOTHING_NEW),
    ]
    assert desk.bodies("d") == ["three"]


def test_a_new_message_whose_look_failed_is_looked_at_again(watched: Watched) -> None:
    """The next quick round takes it for new once more."""
    desk = watched.desk

    def post(_: Told) -> None:
        if len(watched.told) == 2:
            desk.post("c", "a customer's")
            desk.fault("fetch_conversation:503")
        else:
            desk.fault()

    told = watched.run(TWO, post, rounds=5, schedule=Schedule(60, full_every=9))

    assert [one.ending for one in told][2:] == [Ending.FAILED, Ending.NOTHING_NEW, Ending.NOTHING_NEW]
    again, quiet = (one.requests.read for one in told[3:] if one.requests is not None)
    assert again > quiet, "the conversation with the new message was read"


def test_a_command_may_refuse(watched: Watched, tmp_path: Path) -> None:
    """It gets the plan as JSON, without our credentials; then nothing is applied."""
    watched.desk.edit("c", 0, "changed")
    seen = tmp_path / "plan.json"
    script = tmp_path / "policy"
    script.write_text(f'#!/bin/sh\ncat > {seen}\n[ -z "$TWILIO_AUTH_TOKEN" ] && exit 3\n')
    script.chmod(0o755)
    environ = {"PATH": "/usr/bin:/bin", "TWILIO_AUTH_TOKEN": "secret"}

    (told,) = watched.run(TWO, _nothing, rounds=1, command=Command(str(script), environ))

    assert told.ending is Ending.HELD_BACK
    assert "--on-change" in told.error
    assert '"drifted"' in seen.read_text()
    assert watched.desk.bodies("c") == ["changed", "two"]


def test_a_command_that_failed_is_told_again_until_it_succeeds(watched: Watched, tmp_path: Path) -> None:
    """Where nothing is applied: what could not be delivered is delivered once, and not twice."""
    watched.desk.edit("c", 0, "changed")
    script = tmp_path / "notify"
    script.write_text(f'#!/bin/sh\necho told >> {tmp_path}/log\n[ "$(wc -l < {tmp_path}/log)" -gt 1 ]\n')
    script.chmod(0o755)
    command = Command(str(script), {"PATH": "/usr/bin:/bin"})

    told = watched.run(TWO, _nothing, rounds=3, applies=False, command=command)

    assert [one.ending for one in told] == [Ending.HELD_BACK] + [Ending.CHANGES_PENDING] * 2
    assert (tmp_path / "log").read_text() == "told\n" * 2


def test_a_lease_that_is_taken_over_ends_the_round_and_names_who_has_it(tmp_path: Path) -> None:
    """What that round announced is looked up by a later one: nothing is sent twice, and the rest is done."""
    texts = [f"m{number:02}: Text {number}" for number in range(40)]
    wanted = conversation("z: Zero", *texts)
    with Desk(tmp_path, there=blobs.Objects(), way=partial(MemoryBlobs, latency=0.015)) as desk:
        desk.apply(conversation("z: Zero"))
        taking: list[asyncio.Task[None]] = []

        async def take() -> None:
            store = desk.settings().store()
            await store.unlock()
            async with store.lock_async(structs.replace(HOLDER, who="bob@there"), timeout=10):
                pass

        desk.fault(
            "*:latency=0.06",
            Fault("create_message", Invoke(lambda: taking.append(asyncio.create_task(take()))), nth=3),
        )

        told = Watched(desk).run(wanted, _nothing, rounds=4)

        ending, *others = told
        assert ending.ending is Ending.FAILED
        assert "it was taken over by bob@there" in ending.error
        assert ending.next_in is not None
        assert Ending.APPLIED in [one.ending for one in others]
        assert others[-1].ending is Ending.IN_SYNC
        assert desk.bodies("c") == ["Zero", *(f"Text {number}" for number in range(40))]
