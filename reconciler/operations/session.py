"""A session: the settings, the open connection and the state that an operation works with."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from reconciler.errors import StateError
from reconciler.manifest.account import check_account
from reconciler.model import Desired
from reconciler.model.cut import part_of_desired
from reconciler.model.shard import Shard
from reconciler.operations.connection import Connection, Guard, connect
from reconciler.operations.own_secrets import refuse_own_credentials
from reconciler.planner.cut import belongs_to, part_of_state
from reconciler.planner.join import join, join_alone
from reconciler.planner.pipeline import complete, decide, prepare
from reconciler.planner.targeted import named_by, needs_rest, with_rest, within
from reconciler.plans.options import Options
from reconciler.plans.part import Part
from reconciler.plans.plan import Plan
from reconciler.plans.seen import Seen
from reconciler.refresh.forgotten import read_forgotten
from reconciler.refresh.needs import look_closer
from reconciler.refresh.remote import refresh
from reconciler.runtime.activity import SILENT, Activity
from reconciler.state.files import Files
from reconciler.state.keys import Keys, keys_of
from reconciler.state.model import PlanUsed, Record, State
from reconciler.state.stores.file import new_state
from reconciler.state.stores.interface import check_target, read_in
from reconciler.state.stores.opening import open_store
from reconciler.twilio.endpoint import Endpoint

if TYPE_CHECKING:
    from reconciler.applier.progress import Use
    from reconciler.applier.settle_parents import Settled
    from reconciler.emulator import Emulator
    from reconciler.state.stores.interface import Store
    from reconciler.twilio.client import Twilio


NOTHING = Desired(services=(), digest="")


_now: Final = partial(datetime.now, UTC)


class Settings(Struct, frozen=True):
    """Where the API and the state are, and how requests are paced; from the options of the command line."""

    endpoint: Endpoint | Emulator
    """The API: that of `--endpoint`, or an emulator in this process."""
    state: Path | str
    """The path or the address of the state: `--state`."""
    environment: str = ""
    """The environment that was chosen: `--env`; empty for none."""
    is_trusted: bool = True
    """Whether the person who runs the command named the state, not a settings file."""
    parallelism: int = 10
    """The most requests in flight: `--parallelism`."""
    rate: float | None = None
    """The most changes per second to one conversation: `--rate`; None is the endpoint's default."""
    settle: float = 10
    """The settle window in seconds: `--settle`. A create without a reply may show in a listing that late."""
    max_wait: float = 120
    """Seconds after its first attempt from which a failed request is not sent again: `--max-wait`."""
    activity: Activity = SILENT
    """Is told what is read, and which requests wait to be sent again."""
    see: Callable[[Seen], None] | None = None
    """Is given what a plan was made from; None where nobody shows more than the plan."""
    files: Files | None = None
    """The file system of the state; None is the real one. Commands that only read pass one that refuses."""
    keys: Keys | None = None
    """The keys that seal and open the state; None are those of the environment."""
    guard: Guard | None = None
    """The only account that requests may use, or None."""
    now: Callable[[], datetime] = _now
    """Our own clock, with an offset. Relative timelines and dates in the future are judged by it."""
    held: Store | None = None
    """The store of the state, where the caller holds its lock; None opens one to read."""
    shard: Shard | None = None
    """The part of all conversations that the operation is about; None for all."""
    groups: frozenset[int] | None = None
    """The groups of conversations that are read of a state that is kept by group; None for all."""

    def keyring(self) -> Keys:
        """Return the keys; raises UsageError for those of the environment if they cannot be used."""
        return keys_of(os.environ) if self.keys is None else self.keys

    def store(self) -> Store:
        """Return the store of the state; raises UsageError for an address that cannot be used."""
        return self.held or open_store(
            self.state,
            files=self.files,
            trusted=self.is_trusted,
            keys=self.keyring(),
            groups=self.groups,
        )


class RestNeeded(Exception):
    """The state was read in part, and the plan needs the rest of it."""


class Session(Struct):
    """What is open while a command runs. A command that writes holds the lock of the state around it."""

    settings: Settings
    connection: Connection
    store: Store
    state: State
    settled: list[Settled] = msgspec.field(default_factory=list)
    """What became of the creates that earlier runs left open; filled by `settle`."""
    is_whole: bool = True
    """Whether *state* has all groups of conversations that the settings are about."""

    @property
    def client(self) -> Twilio:
        """The client of the connection."""
        return self.connection.client

    async def settle(self, seconds: float, *, services: bool = True) -> None:
        """Settle the creates that earlier runs left open, and apply the answers to the state in memory.

        *seconds* is the settle window. Without *services*, theirs stay open for who may write them.
        """
        intents = self.state.intents
        aside = {} if services else {one: intents.pop(one) for one in [*intents] if "/" not in one}
        if intents or self.state.in_flight:
            from reconciler.applier.settlement import settle_all  # noqa: PLC0415 - only after a crash

            self.settled = await settle_all(self.client, self.state, seconds, self.settings.now)
            self.state.in_flight.clear()
            for one in self.settled:
                self.state.intents[one.intent.address] = one.intent
                if one.record is not None:
                    self.state.apply(one.record)
        self.state.intents |= aside

    async def plan(self, desired: Desired, options: Options) -> Plan:
        """Return the plan that brings Twilio to *desired*, or with `refresh_only` the state to Twilio.

        Raises RestNeeded, if a part of the state was read, where `read_rest` has to come first.
        """
        part = await self.plan_part(desired, options)
        return join([part]) if self.settings.shard is None else join_alone(part)

    async def plan_part(self, desired: Desired, options: Options) -> Part:
        """Return what `plan` is made from: all that there is to decide, and nothing judged.

        What is not planned of the state is written as it is. Raises RestNeeded.
        """
        if (shard := self.settings.shard) is not None:
            has = belongs_to(shard, desired.moves)
            settled = [one for one in self.settled if has(one.intent.address)]
            few = part_of_desired(desired, shard.has), part_of_state(self.state, has)
            return await self._part_of(*few, options, settled)
        named = named_by(options, desired) if self.settings.see is None else None
        if named is not None:
            few = part_of_desired(desired, named.__contains__), part_of_state(self.state, within(named))
            made = await self._part_of(*few, options, self.settled)
            if not self.is_whole and needs_rest(made, self.state.bindings):
                raise RestNeeded
            part = with_rest(made, named, desired, self.state.bindings)
            if part is not None:
                return part
        if not self.is_whole:
            raise RestNeeded
        return await self._part_of(desired, self.state, options, self.settled)

    async def _part_of(
        self, desired: Desired, state: State, options: Options, settled: Sequence[Settled]
    ) -> Part:
        """Return what is to be decided for *desired* and *state*; open creates were *settled* before."""
        seldom = self.store.announces and not self.store.is_file
        options = msgspec.structs.replace(options, is_seldom_written=seldom)
        prepared = prepare(desired, state, options, self.settings.now())
        remote = await refresh(
            self.client,
            prepared.desired,
            prepared.state,
            options,
            bound=prepared.bound,
            removals=not options.refresh_only,
            activity=self.settings.activity,
        )
        if forgotten := prepared.refactored.forgotten:
            texts = await read_forgotten(self.client, forgotten)
            remote = msgspec.structs.replace(remote, forgotten=texts)
        decided = decide(prepared, remote)
        while closer := await look_closer(self.client, decided.part, decided.remote, prepared.bound, options):
            decided = decide(prepared, closer)
        unknown = {one.intent.address: one.unknown for one in settled if one.unknown}
        part = complete(prepared, decided, unknown)
        if self.settings.see is not None:
            self.settings.see(Seen(decided.known.desired, decided.remote, prepared.bound))
        refuse_own_credentials(part.actions, self.settings.endpoint)
        return msgspec.structs.replace(
            part,
            settlements=tuple(
                (one.intent, one.binding.sid if one.binding else None) for one in settled if not one.unknown
            ),
            requests_read=self.client.counters.read,
        )

    async def read_rest(self) -> None:
        """Read all of the state, of which a part was read; what was settled in memory is forgotten."""
        self.store.narrow(None)
        settings = self.settings
        state = await read_in(self.store, settings.environment, settings.keyring())
        if state is not None:
            check_target(self.store.place, state, self.state.account_sid, self.state.origin)
            self.state = state
        self.settled, self.is_whole = [], True

    async def keep(self, plan: Plan, use: Use | None = None) -> None:
        """Write the state if there is anything new: records of *plan*, settled creates, a plan that is done.

        A journal that a crash left is such a reason too. *use* is given if *plan* was saved.
        """
        if plan.records or self.settled or use is not None or self.store.is_unfolded:
            records: list[Record] = [*plan.records]
            if use is not None:
                records.append(PlanUsed(use.plan_id))
            for record in records:
                self.state.apply(record)
            await self.store.write(self.state)


@asynccontextmanager
async def open_session(
    settings: Settings,
    desired: Desired | None = None,
    *,
    read_only: bool = False,
    missing: Callable[[str], StateError] | None = None,
    groups: frozenset[int] | None = None,
) -> AsyncIterator[Session]:
    """Read the state, connect, and check that state and *desired* belong to that account and endpoint.

    Raises StateError or ManifestError if they do not. With *read_only*, nothing but GET can be sent. Without
    a state, what *missing* returns for its place is raised; None begins a new state. Only *groups* of
    conversations are read of a state that is kept by group; None are all.
    """
    store = settings.store()
    is_whole = groups is None or not store.is_grouped
    store.narrow(groups)
    state = await read_in(store, settings.environment, settings.keyring())
    if state is None and missing is not None:
        raise missing(store.place)
    async with open_connection(settings, read_only=read_only) as connection:
        connection.pace.on_wait = settings.activity.waiting
        account_sid = await account_of(connection, desired)
        if state is None:
            state = new_state(account_sid, connection.origin, settings.environment)
            if settings.shard is not None and desired is not None:
                state.lineage = _lineage_of_parts(state, desired)
            state.digest_keys = settings.keyring().of_digests
            state = await store.establish(state)
        check_target(store.place, state, account_sid, connection.origin)
        connection.client.guard(store.may_send)
        try:
            yield Session(settings, connection, store, state, is_whole=is_whole)
        finally:
            sent = connection.client.counters
            settings.activity.spent(sent.read, sent.write, sent.retried, sent.statuses)


def _lineage_of_parts(state: State, desired: Desired) -> str:
    """Return the lineage of *state*, which is new: the same for all parts of *desired*.

    One plan is made of them.
    """
    told = (state.account_sid, state.origin, state.environment, desired.digest)
    return sha256("\0".join(told).encode()).hexdigest()[: len(state.lineage)]


async def account_of(connection: Connection, desired: Desired | None) -> str:
    """Return the sid of the account that requests go to.

    Raises ManifestError if *desired* names another. The account sid given beside an API key is compared
    first, as that costs no request; then the API is asked.
    """
    claimed = connection.account_sid
    if desired is None or desired.account_sid is None:
        return claimed or await connection.client.account_sid()
    if claimed:
        check_account(desired, claimed, connection.origin)
        if connection.certain:
            return claimed
    account_sid = await connection.client.account_sid()
    check_account(desired, account_sid, connection.origin)
    return account_sid


def open_connection(
    settings: Settings, *, read_only: bool = False
) -> AbstractAsyncContextManager[Connection]:
    """Return an open connection for these settings; with *read_only*, nothing but GET can be sent over it."""
    return connect(
        settings.endpoint,
        parallelism=settings.parallelism,
        rate=settings.rate,
        max_wait=settings.max_wait,
        machines=1 if settings.shard is None else settings.shard.count,
        read_only=read_only,
        guard=settings.guard,
    )
