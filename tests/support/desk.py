"""An emulator, a state and manifests in one process, on a clock that jumps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from reconciler.emulator import Emulator, Fault
from reconciler.emulator.fault_text import parse_fault
from reconciler.manifest.load import load
from reconciler.model import Address, Desired
from reconciler.operations.apply import carry_out, plan_and_apply
from reconciler.operations.apply_saved import apply_saved
from reconciler.operations.import_object import import_object
from reconciler.operations.plan import make_plan
from reconciler.operations.session import Settings, open_session
from reconciler.plans.actions import Action
from reconciler.plans.options import Options
from reconciler.plans.outcome import Outcome, Result, Status
from reconciler.plans.plan import Plan
from reconciler.plans.planfile import decode_plan, encode_plan
from reconciler.plans.redact import withheld
from reconciler.runtime.interrupts import Interrupts
from reconciler.state import edit
from reconciler.state.files import Files
from reconciler.state.intents import fold_in_flight, open_intents
from reconciler.state.model import State
from reconciler.state.remembered import Intent
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.file import StateStore
from reconciler.state.stores.grouped import Grouped
from reconciler.state.stores.interface import Store
from reconciler.state.stores.objects import Objects
from reconciler.state.stores.pages import Pages
from tests.support import blobs
from tests.support.blobs import MemoryBlobs
from tests.support.jumping import run_jumping
from tests.support.single_page import MemoryPage, Server
from tests.support.stores import Here, holder, paged_state, stored_state

T = TypeVar("T")


class NotApplyable(Exception):
    """The plan was refused."""

    def __init__(self, plan: Plan) -> None:
        super().__init__("; ".join(refusal.text for refusal in plan.refusals))
        self.plan = plan


class Desk:
    """Applies manifests to an emulator without a process or a socket; use it as a context manager.

    The emulator's clock is the loop's, and goes on from run to run. The service is called `desk`. With
    *there* the state is kept in objects or on a page, and each run reaches it by what *way* returns; else in
    a file. With *groups* it is kept by group of conversations, and runs work on these.
    """

    def __init__(
        self,
        folder: Path,
        *,
        there: blobs.Objects | Server | None = None,
        way: Callable[[Any], MemoryBlobs | MemoryPage] = MemoryBlobs,
        groups: Collection[int] = (),
    ) -> None:
        self.folder = folder
        self.there = there
        self.way = way
        self.groups = groups
        self.state_path = folder / "reconciler.state.json"
        self.emulator = Emulator(clock=self._now, sleep=asyncio.sleep)
        self.interrupts = Interrupts()
        self.began: list[Action] = []
        self.halves: list[tuple[Address, str | None]] = []
        self.ended: list[Result] = []
        self.elapsed = 0.0
        self._start = datetime.now(UTC)
        self._ahead = {"server": timedelta(), "own": timedelta()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.emulator.close()

    # What happens.

    def apply(
        self,
        manifest: str,
        options: Options = Options(),  # noqa: B008  # frozen
        *,
        settle: float = 10,
        files: Files | None = None,
        reviewed: Callable[[], object] = lambda: None,
    ) -> Outcome:
        """Plan and apply *manifest*, with *reviewed* done in between.

        Raises NotApplyable with the plan if it is refused.
        """

        def approve(plan: Plan) -> Desk:
            if not plan.applyable:
                raise NotApplyable(plan)
            reviewed()
            return self

        self.interrupts = Interrupts()
        self.began.clear()
        self.ended.clear()
        settings = self.settings(settle=settle, files=files)
        outcome = self.run(
            self._locked(
                settings,
                plan_and_apply(
                    self.desired(manifest), settings, options, approve=approve, interrupts=self.interrupts
                ),
            )
        )
        assert outcome is not None
        return outcome

    def carry_out(self, actions: tuple[Action, ...], *, settle: float = 10) -> Outcome:
        """Carry out a plan of just these actions."""
        settings = self.settings(settle=settle)

        async def work() -> Outcome:
            async with open_session(settings) as session:
                plan = Plan(actions, lineage=session.state.lineage, serial=session.state.serial)
                return await carry_out(session, plan, self, Interrupts())

        return self.run(self._locked(settings, work()))

    def plan(self, manifest: str, options: Options = Options()) -> Plan:  # noqa: B008  # frozen
        """Return what `plan` would show."""
        return self.run(make_plan(self.desired(manifest), self.settings(), options)).plan

    def save(self, manifest: str, options: Options = Options()) -> bytes:  # noqa: B008  # frozen
        """Return the file that `plan --out` writes."""
        settings = msgspec.structs.replace(self.settings(), now=self._now)
        desired = self.desired(manifest)
        options = msgspec.structs.replace(options, record=True)
        saved = self.run(make_plan(desired, settings, options))
        if not saved.plan.applyable:
            raise NotApplyable(saved.plan)
        return encode_plan(msgspec.structs.replace(saved, plan=withheld(saved.plan)))

    def apply_saved(
        self,
        saved: bytes,
        manifest: str | None = None,
        *,
        settle: float = 10,
        files: Files | None = None,
        state: Path | None = None,
    ) -> Outcome:
        """Apply what `save` returned, to the state at *state* or the usual one."""
        self.interrupts = Interrupts()
        self.began.clear()
        self.ended.clear()
        settings = msgspec.structs.replace(self.settings(settle=settle, files=files), now=self._now)
        settings = msgspec.structs.replace(settings, state=state or settings.state)
        return self.run(
            self._locked(
                settings,
                apply_saved(
                    decode_plan(saved),
                    settings,
                    desired=self.desired(manifest) if manifest is not None else None,
                    watcher=self,
                    interrupts=self.interrupts,
                ),
            )
        )

    def bind(self, address: Address, sid: str, manifest: str) -> None:
        """Do what `import ADDRESS SID` does."""
        settings = self.settings()
        self.run(self._locked(settings, import_object(address, sid, self.desired(manifest), settings)))

    def close_intent(self, address: Address) -> None:
        """Say that an open create did not happen, as `state rm ADDRESS` does."""
        settings = self.settings()

        async def work() -> None:
            store = settings.store()
            state = await store.read()
            assert state is not None
            fold_in_flight(state)
            edit.close(state, [address]) or edit.remove(state, [address])
            await store.write(state)

        self.run(self._locked(settings, work()))

    def open_intents(self) -> dict[Address, Intent]:
        """Return the creates of which the state does not know what became of them."""
        return {intent.address: intent for intent in open_intents(self.state)}

    def fault(self, *faults: str | Fault) -> None:
        """Script trouble, from now on and instead of what was scripted before."""
        self.emulator.faults.clear()
        self.emulator.faults.add(*(parse_fault(one) if isinstance(one, str) else one for one in faults))

    def fault_more(self, *faults: str | Fault) -> Callable[[], None]:
        """Return what scripts further trouble when it is called, as `Invoke` does in the middle of a run."""
        return lambda: self.emulator.faults.add(
            *(parse_fault(one) if isinstance(one, str) else one for one in faults)
        )

    def post(self, conversation: str, body: str, **fields: str) -> str:
        """Post a message as somebody else, and return its sid."""
        fields = {"Author": "system", "Body": body, **fields}
        return self.emulator.store.messages.create(self.service_sid, conversation, fields).sid

    def edit(self, conversation: str, index: int, body: str) -> None:
        """Change the body of a message as somebody else."""
        sid = self.messages(conversation)[index]["sid"]
        self.emulator.store.messages.update(self.service_sid, conversation, sid, {"Body": body})

    def set_clock(self, hours: float, *, whose: str = "server") -> None:
        """Let the server's clock, or our `own`, jump ahead by that much."""
        self._ahead[whose] += timedelta(hours=hours)

    def desired(self, manifest: str) -> Desired:
        """Return what *manifest* says."""
        path = self.folder / "desk.yaml"
        path.write_text(manifest, encoding="utf-8")
        return load((path,))

    # What is there.

    @property
    def service_sid(self) -> str:
        """The sid of the only service."""
        ((sid,),) = self._rows("SELECT sid FROM services")
        return str(sid)

    @property
    def state(self) -> State:
        """What the next command will read."""
        state = self.state_if_any
        assert state is not None
        return state

    @property
    def state_if_any(self) -> State | None:
        """The same, or None before the first write."""
        if self.there is None:
            return StateStore(self.state_path).read()
        return stored_state(self.there) if isinstance(self.there, blobs.Objects) else paged_state(self.there)

    @property
    def conversations(self) -> list[str]:
        """The unique names of all conversations, the oldest first."""
        return [name for (name,) in self._rows("SELECT unique_name FROM conversations ORDER BY id")]

    def messages(self, conversation: str) -> list[dict[str, Any]]:
        """Return the messages of a conversation by index."""
        rows = self._rows(
            "SELECT document FROM messages WHERE conversation ="
            " (SELECT id FROM conversations WHERE unique_name = ?) ORDER BY number",
            conversation,
        )
        return [json.loads(document) for (document,) in rows]

    def bodies(self, conversation: str) -> list[str]:
        """Return what the messages of a conversation say, by index."""
        return [message["body"] for message in self.messages(conversation)]

    def count(self, kind: str) -> int:
        """Return how many requests of that kind there were."""
        return sum(request.kind == kind for request in self.emulator.requests)

    def _rows(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        return self.emulator.store._database.all(sql, values)

    def settings(self, *, settle: float = 10, files: Files | None = None) -> Settings:
        """Return the settings of an operation at this desk; *settle* is in seconds."""
        return Settings(
            endpoint=self.emulator,
            state=self.state_path,
            settle=settle,
            files=files,
            now=self._own_now,
            held=self._store(),
        )

    def _store(self) -> Store | None:
        if self.there is None:
            return None
        clocks = Clocks(lambda: self._now().timestamp(), lambda: self._now().timestamp(), asyncio.sleep)
        ours = self.way(self.there)
        if isinstance(ours, MemoryPage):
            return Here.of(Pages(ours, clocks=clocks))
        ours.now = clocks.wall
        if self.groups:
            return Here.of(Grouped(ours, self.groups, clocks=clocks))
        return Here.of(Objects(ours, clocks=clocks))

    async def _locked(self, settings: Settings, work: Coroutine[Any, Any, T]) -> T:
        """Do *work* under the lock of a store that needs one: nobody else is at a file."""
        if settings.held is None:
            return await work
        try:
            async with settings.held.lock_async(holder(), timeout=1000, settle=settings.settle):
                return await work
        finally:
            work.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* on the clock that jumps, and return its result."""

        async def timed() -> T:
            try:
                return await work
            finally:
                self.elapsed += asyncio.get_running_loop().time()

        return run_jumping(timed())

    def _now(self) -> datetime:
        try:
            running = asyncio.get_running_loop().time()
        except RuntimeError:
            running = 0.0
        return self._start + self._ahead["server"] + timedelta(seconds=self.elapsed + running)

    def _own_now(self) -> datetime:
        return self._now() - self._ahead["server"] + self._ahead["own"]

    # Whoever watches.

    def started(self, action: Action) -> None:
        """Remember what was begun."""
        self.began.append(action)

    def halfway(self, action: Action, sid: str | None) -> None:
        """Remember the replacement whose first half is done, and its new message."""
        self.halves.append((action.address, sid))

    def finished(self, result: Result) -> None:
        """Remember what was ended."""
        self.ended.append(result)


def statuses(outcome: Outcome) -> dict[str, Status]:
    """Return what became of each address."""
    return {result.address: result.status for result in outcome.results}


def conversation(*messages: str, name: str = "c", settings: str = "") -> str:
    """Return a manifest of one conversation; a message is `key: body`, or a whole flow mapping."""
    lines = ["version: 1", "services:", "  desk:", "    conversations:", f"      {name}:"]
    lines += [f"        {setting}" for setting in settings.split("; ") if setting]
    lines.append("        messages:")
    for message in messages:
        key, _, body = message.partition(": ")
        lines.append(
            f"          - {message}" if message[0] == "{" else f'          - {{key: {key}, body: "{body}"}}'
        )
    return "\n".join(lines) + "\n"


def together(*manifests: str) -> str:
    """Return one manifest of several conversations, each given as a manifest of its own."""
    first, *others = manifests
    return first + "".join(other.partition("    conversations:\n")[2] for other in others)
