"""Any sequence of edits, faults, crashes and foreign changes, and what holds after an apply that succeeds.

The next plan is empty. Each declared message stands exactly once and in order. What others posted is
untouched. And whenever the state names a message that is gone, the plan says so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.errors import RemoteError
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.blobs import MemoryBlobs, Objects
from tests.support.desk import Desk, conversation, together
from tests.support.mortal import SLOW, Death, MortalBlobs, MortalFiles, MortalPage, PowerOff
from tests.support.single_page import MemoryPage, Server

SERVICE = "desk"
KEYS = tuple(f"k{number}" for number in range(6))
BODIES = ("Hello", "Hello", "Hello", "Bye")
Changes: TypeAlias = dict[str, list[tuple[str, str]]]
OPTIONS = Options(duplicate=True, allow_recreate=True, max_delete=100, max_delete_percent=True)
TROUBLE = (
    "create_message:{n}:reset_before",
    "create_message:{n}:reset_after",
    "create_message:{n}:delay=2",
    "create_message:{n}:503_after",
    "create_message:{n}:429=1",
    "create_message:{n}:400",
    "create_message:{n}:truncate",
    "create_conversation:{n}:reset_after",
    "create_conversation:{n}:reset_before",
    "create_service:{n}:reset_after",
    "update_message:{n}:reset_after",
    "delete_message:{n}:reset_after",
    "delete_message:{n}:403",
    "list_messages:{n}:503",
    "list_messages:late=2",
    "*:p=0.15:503",
)

faults = st.lists(
    st.builds(lambda text, n: text.replace("{n}", str(n)), st.sampled_from(TROUBLE), st.integers(1, 4)),
    max_size=3,
)
manifests = st.fixed_dictionaries(
    {},
    optional={
        name: st.lists(
            st.tuples(st.sampled_from(KEYS), st.sampled_from(BODIES)),
            max_size=6,
            unique_by=lambda one: one[0],
        )
        for name in "cd"
    },
)
"""What is rewritten of the manifest, by conversation."""
moments = st.one_of(
    st.tuples(st.just("create_message"), st.integers(1, 4)),
    st.tuples(st.just("*"), st.integers(1, 12)),
    st.tuples(st.just("call"), st.integers(1, 40)),
)
"""What is counted until a process dies, and how far: requests of a kind, or calls to the disk."""


@dataclass
class Room:
    """What is declared of one conversation, and what others posted to it (sid -> body)."""

    order: str
    declared: list[tuple[str, str]] = field(default_factory=list)
    foreign: dict[str, str] = field(default_factory=dict)


class Life(RuleBasedStateMachine):
    """A pipeline, its editors, and strangers, on one account."""

    mortal: Callable[..., MortalBlobs | MortalPage] = MortalBlobs
    """The way to the state of a process that dies."""

    @initialize(orders=st.tuples(*[st.sampled_from(["append", "strict", "any"])] * 2))
    def begin(self, orders: tuple[str, str]) -> None:
        """Start with an empty account."""
        self.place = tempfile.TemporaryDirectory()
        self.desk = self.make_desk(Path(self.place.name))
        self.rooms = {name: Room(order) for name, order in zip("cd", orders, strict=True)}
        self.posted = 0

    def make_desk(self, folder: Path) -> Desk:
        """Return a desk whose state is in a file."""
        return Desk(folder)

    def teardown(self) -> None:
        """Close what is open."""
        if hasattr(self, "desk"):
            self.desk.emulator.close()
            self.place.cleanup()

    # What people do.

    @rule(name=st.sampled_from("cd"), body=st.sampled_from([*BODIES, "Other"]))
    def post(self, name: str, body: str) -> None:
        """Post as a stranger, often what a managed message says too."""
        if self.is_settled and name in self.desk.conversations:
            self.rooms[name].foreign[self.desk.post(name, body)] = body
            self.desk.elapsed += 60

    @rule(name=st.sampled_from("cd"), at=st.integers(0, 5), change=st.booleans())
    def meddle(self, name: str, at: int, change: bool) -> None:  # noqa: FBT001  # drawn
        """Edit or delete any message as a stranger."""
        live = self.desk.messages(name)
        if self.is_settled and at < len(live):
            sid, store = live[at]["sid"], self.desk.emulator.store
            if change:
                store.messages.update(self.desk.service_sid, name, sid, {"Body": "Edited"})
                if sid in self.rooms[name].foreign:
                    self.rooms[name].foreign[sid] = "Edited"
            else:
                store.messages.delete(self.desk.service_sid, name, sid)
                self.rooms[name].foreign.pop(sid, None)

    @rule(name=st.sampled_from("cd"))
    def demolish(self, name: str) -> None:
        """Delete a conversation as a stranger."""
        if self.is_settled and name in self.desk.conversations:
            self.desk.emulator.store.conversations.delete(self.desk.service_sid, name)
            self.rooms[name].foreign.clear()

    # What the tool does.

    @rule(changes=manifests, trouble=faults)
    def apply_in_trouble(self, changes: Changes, trouble: list[str]) -> None:
        """Apply while the server misbehaves; it may fail, and say so."""
        self.edit(changes)
        self.desk.fault(*trouble)
        with suppress(RemoteError):  # nothing could be read
            self.desk.apply(self.manifest, OPTIONS)
        self.desk.fault()

    @rule(changes=manifests, trouble=faults, moment=moments, half=st.booleans())
    def apply_and_die(
        self,
        changes: Changes,
        trouble: list[str],
        moment: tuple[str, int],
        half: bool,  # noqa: FBT001  # drawn
    ) -> None:
        """Apply in a process that is gone at any moment: a write is done by *half*, a request is handled."""
        self.edit(changes)
        death = Death(*moment, torn=half)
        kind = "*" if death.what == "call" else death.what
        self.desk.fault(*trouble, Fault(kind, Invoke(death.request, after=half)))
        way, self.desk.way = self.desk.way, partial(self.mortal, death=death)
        with suppress(RemoteError, PowerOff):
            self.desk.apply(self.manifest, OPTIONS, files=MortalFiles(death))
        self.desk.way = way
        self.desk.fault()

    @rule(changes=manifests)
    def apply(self, changes: Changes) -> None:
        """Apply in peace: then everything is as declared."""
        self.edit(changes)
        self.desk.elapsed += 60
        outcome = self.desk.apply(self.manifest, OPTIONS)
        assert {result.status for result in outcome.results} <= {Status.DONE}
        assert not self.desk.plan(self.manifest, OPTIONS).actions
        for name, room in self.rooms.items():
            self.expect(name, room)

    def edit(self, changes: Changes) -> None:
        """Rewrite conversations of the manifest."""
        for name, declared in changes.items():
            self.rooms[name].declared = declared

    def expect(self, name: str, room: Room) -> None:
        """Hold what stands against what is declared."""
        live = {message["sid"]: message for message in self.desk.messages(name)}
        bindings = self.desk.state.bindings
        ours = [(bindings[f"{SERVICE}/{name}/{key}"], body) for key, body in room.declared]
        assert {sid: live[sid]["body"] for sid in room.foreign if sid in live} == room.foreign
        assert [live[binding.sid]["body"] for binding, _ in ours] == [body for _, body in ours]
        assert len(live) == len(ours) + len(room.foreign)
        indexes = [live[binding.sid]["index"] for binding, _ in ours]
        if room.order == "strict":
            assert indexes == sorted(indexes)

    @invariant()
    def nothing_vanishes_in_silence(self) -> None:
        """A bound message that does not exist is in the plan, or the plan is refused."""
        if not hasattr(self, "desk") or self.desk.state_if_any is None:
            return
        plan = self.desk.plan(self.manifest, OPTIONS)
        told = {action.address for action in plan.actions}
        told |= {record.address for record in plan.records}
        told |= {intent.address for intent, _ in plan.settlements}
        gone = {
            address
            for address, binding in self.desk.state.bindings.items()
            if address.count("/") == 2
            and binding.sid not in {live["sid"] for live in self.desk.messages(address.split("/")[1])}
        }
        assert gone <= told

    @property
    def is_settled(self) -> bool:
        """Whether no create is open: what strangers do to one cannot be told from what became of it.

        Asked within rules, as threads make it differ between two runs of one example.
        """
        state = self.desk.state_if_any
        return state is not None and not state.intents and not state.in_flight

    @property
    def manifest(self) -> str:
        """The manifest as it is now; a conversation without messages is not in it."""
        rooms = [
            conversation(
                *(f"{key}: {body}" for key, body in room.declared), name=name, settings=f"order: {room.order}"
            )
            for name, room in self.rooms.items()
            if room.declared
        ]
        return together(*rooms) if rooms else f"version: 1\nservices:\n  {SERVICE}: {{}}\n"


class RemoteLife(Life):
    """The same with the state in objects, a call to which takes 60 ms: creates are announced by windows."""

    def make_desk(self, folder: Path) -> Desk:
        """Return a desk whose state is in objects."""
        return Desk(folder, there=Objects(), way=partial(MemoryBlobs, latency=0.03))


class PagedLife(Life):
    """The same with the state on a page, a call to which takes a second: all creates are announced."""

    mortal = MortalPage

    def make_desk(self, folder: Path) -> Desk:
        """Return a desk whose state is on a page."""
        return Desk(folder, there=Server(swaps=True), way=partial(MemoryPage, latency=SLOW))


TestLife = Life.TestCase
TestRemoteLife = RemoteLife.TestCase
TestPagedLife = PagedLife.TestCase
TestLife.settings = settings(
    max_examples=50,
    stateful_step_count=14,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestRemoteLife.settings = settings(TestLife.settings, max_examples=30)
TestPagedLife.settings = settings(TestLife.settings, max_examples=30)
