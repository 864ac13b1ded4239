"""One round of a watch: plan, and apply what was planned, under a lock that is held only meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from reconciler.errors import NotFound
from reconciler.model import Address, Desired, ResourceType, type_of
from reconciler.operations.apply import carry_out
from reconciler.operations.session import Session, Settings, open_session
from reconciler.plans.options import Options
from reconciler.plans.outcome import Outcome
from reconciler.plans.plan import Plan
from reconciler.refresh.reading import highest_index
from reconciler.runtime.concurrency import AT_ONCE, each

if TYPE_CHECKING:
    from reconciler.applier.results import Watcher
    from reconciler.runtime.interrupts import Interrupts
    from reconciler.state.stores.holder import Holder


class Newest(msgspec.Struct):
    """The newest message of each conversation, as the last quick look saw it."""

    indexes: dict[str, int] = {}
    """By the sid of the conversation: the index of its newest message, -1 if it had none."""


async def look(
    desired: Desired, settings: Settings, options: Options, holder: Holder, interrupts: Interrupts
) -> Plan:
    """Return the plan of *desired*; nothing is written. Only the state of a file is locked."""
    store = settings.store()
    async with store.lock_async(holder, timeout=0, settle=settings.settle, reading=True):
        held = msgspec.structs.replace(settings, held=store)
        async with open_session(held, desired, read_only=True) as session:
            _stop_with(session, interrupts)
            await session.settle(0)
            return await session.plan(desired, options)


async def look_quickly(
    desired: Desired, settings: Settings, newest: Newest, interrupts: Interrupts
) -> list[Address]:
    """Return the conversations of the state whose newest message is not that of the last look.

    One request per conversation is sent. Edits and deletions of older messages are not seen. A conversation
    that is seen for the first time counts as changed, and so does one that is gone.
    """
    async with open_session(settings, desired, read_only=True) as session:
        _stop_with(session, interrupts)
        known = {
            binding.sid: (address, binding.service_sid)
            for address, binding in session.state.bindings.items()
            if type_of(address) is ResourceType.CONVERSATION
        }
        seen: dict[str, int] = {}

        async def read(sid: str) -> None:
            with suppress(NotFound):
                seen[sid] = await highest_index(session.client, known[sid][1], sid)

        await each(list(known), read, at_once=AT_ONCE)
    before, newest.indexes = newest.indexes, seen
    return [address for sid, (address, _) in known.items() if sid not in seen or seen[sid] != before.get(sid)]


async def conversations_of(sids: frozenset[str], settings: Settings) -> list[Address]:
    """Return the addresses to which the state binds the conversations *sids*; reads the state alone."""
    state = await settings.store().read()
    if state is None:
        return []
    return [
        address
        for address, binding in state.bindings.items()
        if type_of(address) is ResourceType.CONVERSATION and binding.sid in sids
    ]


async def apply_as_seen(
    seen: Plan,
    desired: Desired,
    settings: Settings,
    options: Options,
    *,
    holder: Holder,
    watcher: Callable[[Plan], Watcher],
    interrupts: Interrupts,
) -> Outcome | None:
    """Plan again under the lock, and apply the plan if it does what *seen* does; else return None."""
    store = settings.store()
    async with store.lock_async(holder, timeout=0, settle=settings.settle):
        held = msgspec.structs.replace(settings, held=store)
        async with open_session(held, desired) as session:
            _stop_with(session, interrupts)
            await session.settle(settings.settle)
            plan = await session.plan(desired, msgspec.structs.replace(options, record=True))
            if plan.refusals or plan.actions != seen.actions:
                return None
            return await carry_out(session, plan, watcher(plan), interrupts)


def _stop_with(session: Session, interrupts: Interrupts) -> None:
    """Let a signal end the reading within the requests in flight."""
    interrupts.stop_gently(session.connection.pace.stop)
