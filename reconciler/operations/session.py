"""What an operation works with: settings, an open connection, and the state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from reconciler.manifest.account import check_account
from reconciler.model import Desired, Remote
from reconciler.operations.connection import Session, connect
from reconciler.planner.build import build_plan
from reconciler.planner.drift import plan_refresh
from reconciler.planner.open_creates import hold_back
from reconciler.planner.refactoring import prepare
from reconciler.planner.refactoring_actions import finish
from reconciler.planner.timeline import resolve_times
from reconciler.plans.fingerprint import fingerprinted
from reconciler.plans.options import Options
from reconciler.plans.plan import Plan
from reconciler.plans.redact import mark
from reconciler.plans.sid_references import fill, mark_references
from reconciler.refresh.needs import look_closer
from reconciler.refresh.remote import refresh
from reconciler.state.files import Files
from reconciler.state.index import grouped
from reconciler.state.model import PlanUsed, Record, State
from reconciler.state.stores.file import StateStore, new_state
from reconciler.twilio.endpoint import Endpoint

if TYPE_CHECKING:
    from reconciler.applier.progress import Use
    from reconciler.applier.settle_parents import Settled
    from reconciler.emulator import Emulator


NOTHING = Desired(services=(), digest="")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a command works and how patiently. All times are in seconds.

    *files* stands for the disk that the state is on; None is the real one. *now* is the clock that relative
    timelines and dates in the future are judged by.
    """

    endpoint: Endpoint | Emulator
    state: Path
    parallelism: int = 10
    rate: float | None = None
    settle: float = 10
    max_wait: float = 120
    files: Files | None = None
    now: Callable[[], datetime] = _now


@dataclass(slots=True)
class Workplace:
    """Everything open while a command works. Whoever writes holds the lock (`state.lock`) around it."""

    settings: Settings
    session: Session
    store: StateStore
    state: State
    settled: list[Settled] = field(default_factory=list)

    async def settle(self, seconds: float) -> None:
        """Look up what earlier runs left open, and take the answers into the state in memory."""
        if not self.state.intents and not self.state.in_flight:
            return
        from reconciler.applier.settlement import settle_all  # noqa: PLC0415 - only after a crash

        self.settled = await settle_all(self.session.client, self.state, seconds, self.settings.now)
        self.state.in_flight.clear()
        for one in self.settled:
            self.state.intents[one.intent.address] = one.intent
            if one.record is not None:
                self.state.apply(one.record)

    async def plan(self, desired: Desired, options: Options) -> Plan:
        """Return what would bring the remote side to *desired*, or only the state to the remote side."""
        prepared = prepare(desired, self.state, options)
        timed = resolve_times(
            prepared.desired, prepared.state, self.settings.now(), re_anchor=options.re_anchor
        )
        bound = grouped(prepared.state)
        remote: Remote = await refresh(
            self.session.client,
            timed.desired,
            prepared.state,
            options,
            bound=bound,
            removals=not options.refresh_only,
        )
        filled = fill(timed.desired, remote)
        build = plan_refresh if options.refresh_only else partial(build_plan, bound=bound)
        plan = build(filled.desired, remote, prepared.state, options)
        while closer := await look_closer(self.session.client, plan, remote, bound, options):
            remote = closer
            plan = build(filled.desired, remote, prepared.state, options)
        plan = mark(finish(plan, prepared, remote), filled.desired, prepared.state)
        plan = fingerprinted(mark_references(plan, filled), remote)
        unknown = {one.intent.address: one.unknown for one in self.settled if one.unknown}
        if unknown:
            plan = hold_back(plan, unknown, destroy=options.destroy)
        return msgspec.structs.replace(
            plan,
            settlements=tuple(
                (one.intent, one.binding.sid if one.binding else None)
                for one in self.settled
                if not one.unknown
            ),
            warnings=(*plan.warnings, *(() if options.destroy or options.refresh_only else timed.warnings)),
            requests_read=self.session.client.counters.read,
        )

    def keep(self, plan: Plan, use: Use | None = None) -> None:
        """Write the state if planning alone has taught it something, or a journal is left from a crash.

        That a saved plan is done is such a thing.
        """
        if plan.records or self.settled or use is not None or self.store.journal_path.exists():
            records: list[Record] = [*plan.records]
            if use is not None:
                records.append(PlanUsed(use.plan_id))
            for record in records:
                self.state.apply(record)
            self.store.write(self.state)


@asynccontextmanager
async def open_workplace(
    settings: Settings, desired: Desired | None = None, *, read_only: bool = False
) -> AsyncIterator[Workplace]:
    """Read the state, and make sure that it and *desired* belong to where the requests will go."""
    store = StateStore(settings.state, files=settings.files)
    state = store.read()
    async with connected(settings, read_only=read_only) as session:
        account_sid = await account_of(session, desired)
        if state is not None:
            store.check(state, account_sid, session.origin)
        else:
            state = new_state(account_sid, session.origin)
        yield Workplace(settings, session, store, state)


async def account_of(session: Session, desired: Desired | None) -> str:
    """Return the account that requests go to; raises ManifestError if *desired* is meant for another.

    What is claimed beside an API key is compared first, as that costs no request, and then asked for.
    """
    claimed = session.account_sid
    if desired is None or desired.account_sid is None:
        return claimed or await session.client.account_sid()
    if claimed:
        check_account(desired, claimed, session.origin)
        if session.certain:
            return claimed
    account_sid = await session.client.account_sid()
    check_account(desired, account_sid, session.origin)
    return account_sid


def connected(settings: Settings, *, read_only: bool = False) -> AbstractAsyncContextManager[Session]:
    """Return an open session for these settings; over one that is *read_only* nothing but GET can be sent."""
    return connect(
        settings.endpoint,
        parallelism=settings.parallelism,
        rate=settings.rate,
        max_wait=settings.max_wait,
        read_only=read_only,
    )
