"""What the commands do, without flags and without output: one function each.

A plan is made from what is desired, what is live and what the state remembers; applying it is a
second step, so that whoever calls can look at the plan first. The caller holds the state's lock.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from reconciler import __version__
from reconciler.apply.run import Run, Watcher
from reconciler.apply.settle import Settled, Settling, settle_all
from reconciler.canonical import canonical_instant
from reconciler.model import Desired, Remote
from reconciler.plan.actions import Outcome, Plan, Refusal
from reconciler.plan.build import build_plan
from reconciler.plan.document import FORMAT_VERSION, SavedPlan
from reconciler.plan.draft import Options
from reconciler.refresh import refresh
from reconciler.session import Session, connect
from reconciler.state.model import State
from reconciler.state.store import StateStore, new_state
from reconciler.twilio.endpoint import Endpoint

if TYPE_CHECKING:
    from reconciler.interrupt import Interrupts

NOTHING = Desired(services=(), digest="")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a command works and how patiently. All times are in seconds."""

    endpoint: Endpoint
    state: Path
    parallelism: int = 10
    rate: float | None = None
    settle: float = 10
    max_wait: float = 120


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
        self.settled = await settle_all(
            self.session.client, self.state, Settling(seconds=seconds, clock=time.monotonic)
        )
        self.state.in_flight.clear()
        for one in self.settled:
            self.state.intents[one.intent.address] = one.intent
            if one.record is not None:
                self.state.apply(one.record)

    async def plan(self, desired: Desired, options: Options) -> Plan:
        """Return what would bring the remote side to *desired*."""
        remote: Remote = await refresh(self.session.client, desired, self.state, options)
        plan = build_plan(desired, remote, self.state, options)
        unknown = tuple(_unknown(one) for one in self.settled if one.unknown)
        return msgspec.structs.replace(
            plan,
            settlements=tuple((one.intent, one.binding.sid if one.binding else None) for one in self.settled),
            refusals=(*unknown, *plan.refusals),
            requests_read=self.session.client.counters.read,
        )

    def keep(self, plan: Plan) -> None:
        """Write the state if planning alone has taught it something."""
        if plan.records or self.settled:
            for record in plan.records:
                self.state.apply(record)
            self.store.write(self.state)


async def plan(desired: Desired, settings: Settings, options: Options) -> SavedPlan:
    """Return what *desired* needs, ready to be saved. Nothing is written, remotely or to the state."""
    async with open_workplace(settings) as work:
        await work.settle(0)
        return SavedPlan(
            format_version=FORMAT_VERSION,
            id=os.urandom(16).hex(),
            reconciler_version=__version__,
            created_at=canonical_instant(datetime.now(UTC)),
            account_sid=work.state.account_sid,
            origin=work.state.origin,
            plan=await work.plan(desired, options),
        )


async def apply(
    desired: Desired,
    settings: Settings,
    options: Options,
    *,
    approve: Callable[[Plan], Watcher | None],
    interrupts: Interrupts,
) -> Outcome | None:
    """Plan, let *approve* decide, and carry out; None if it was not approved or must not be.

    *approve* sees the plan and returns who is told of the progress, or None.
    """
    async with open_workplace(settings) as work:
        await work.settle(settings.settle)
        made = await work.plan(desired, msgspec.structs.replace(options, record=True))
        watcher = approve(made)
        if watcher is None or not made.applyable:
            return None
        return await carry_out(work, made, watcher, interrupts)


async def carry_out(work: Workplace, made: Plan, watcher: Watcher, interrupts: Interrupts) -> Outcome:
    """Apply a plan that was approved."""
    if not made.actions:
        work.keep(made)
        return Outcome(results=(), read=work.session.client.counters.read)
    run = Run(
        work.session.client,
        work.state,
        made,
        settling=Settling(seconds=work.settings.settle, clock=time.monotonic),
        parallelism=work.settings.parallelism,
        watcher=watcher,
    )

    def stop() -> None:
        run.stop()
        work.session.pace.stop()

    interrupts.stop_gently(stop)
    return await run(work.store)


@asynccontextmanager
async def open_workplace(settings: Settings) -> AsyncIterator[Workplace]:
    """Read the state, and make sure that it belongs to where the requests will go."""
    store = StateStore(settings.state)
    state = store.read()
    async with connected(settings) as session:
        account_sid = session.account_sid or await session.client.account_sid()
        if state is not None:
            store.check(state, account_sid, session.origin)
        else:
            state = new_state(account_sid, session.origin)
        yield Workplace(settings, session, store, state)


def connected(settings: Settings) -> AbstractAsyncContextManager[Session]:
    """Return an open session for these settings."""
    return connect(
        settings.endpoint, parallelism=settings.parallelism, rate=settings.rate, max_wait=settings.max_wait
    )


def _unknown(one: Settled) -> Refusal:
    address = one.intent.address
    return Refusal(
        "unknown_outcome",
        f"whether `{address}` was created cannot be told: webhooks were on, and messages above index "
        f"{one.intent.boundary} may be it, rewritten",
        f"look at the conversation, then run `reconciler import {address} SID` with the message's sid",
    )
