"""The interface of a store: where a state is kept, and who may change it.

A store is opened by `opening.open_store` for one operation and used in this order:

    store = open_store("s3://bucket/prod")
    with store.lock(holder, timeout=0):         # commands that write; a plan locks only a file
        state = await store.read()              # None: there is no state yet
        async with await store.begin(state) as journal:
            await journal.commit(Opened(intent))    # durable once this returns
            store.may_send()                    # before each create, update or delete
            ...
        await store.write(state)                # folds the journal into a snapshot

The contract suite of the tests says the rest; every kind of store passes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Protocol, Self

from msgspec import Struct

from reconciler.errors import StateError
from reconciler.model import Address
from reconciler.state.deadlines import SETTLE_SECONDS
from reconciler.state.keys import Keys
from reconciler.state.model import Record, State
from reconciler.state.stores.holder import Holder


def silent(_: str) -> None:
    """Tell nobody."""


class LockInfo(Struct, frozen=True):
    """The lock or lease of a state, for a person who looks at it."""

    holder: Holder
    """Who has it, or had it last."""
    until: str = ""
    """When a lease ends unless it is renewed, in whole seconds of UTC; empty for a lock without an end."""
    expired: bool = False
    """Whether that time has passed."""

    def __str__(self) -> str:
        ends = f"; {'expired' if self.expired else 'valid until'} {self.until}" if self.until else ""
        return f"{self.holder}{ends}"


class Journal(Protocol):
    """Appends records that continue the snapshot of `Store.begin`; use it as an async context manager.

    Leaving it waits until all that was committed is durable, or known not to be. A store that cannot be
    written often leaves what `flush` did not ask for to its next write, or to the release of its lock.
    """

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *raised: object) -> None: ...

    async def commit(self, *records: Record) -> None:
        """Return once a crash can undo no create of *records*; callers at the same time share a write.

        They are durable then, all of them or none. Only in a store that `announces` and is no file, replies
        are durable with the next write: what was announced finds them again. Raises StateError if they cannot
        be written, or if somebody else has taken over, and names them; from then on every commit fails.
        """

    async def flush(self) -> None:
        """Return once all that was committed is durable, as a deletion of what was replaced needs it.

        Raises StateError as `commit` does.
        """


class Kept(Protocol):
    """A state that is kept somewhere: all of a `Store` but its lock."""

    @property
    def place(self) -> str:
        """The path or address as messages show it: never with a credential."""

    @property
    def window(self) -> int:
        """The number of creates of a conversation that one write announces; 1 where a write costs little.

        Where it is more than 1, the write of the next window is begun while this one is being sent.
        """

    @property
    def announces(self) -> bool:
        """Whether `begin` must be given every create of the run in `State.in_flight`.

        A store that cannot be written often (git, HTTP) has them written once. A file has them too, as its
        journal can be lost.
        """

    @property
    def is_grouped(self) -> bool:
        """Whether it is kept by group of conversations, each under a lock of its own."""

    @property
    def fences(self) -> bool:
        """Whether a run whose lock was taken away can write nothing more; over HTTP it can."""

    @property
    def is_unfolded(self) -> bool:
        """Whether what `read` returned includes records that `write` would fold into the snapshot."""

    def narrow(self, groups: Collection[int] | None) -> None:
        """Let `read` and `locks` be about these groups of conversations, and services, alone; None are all.

        A state that is kept as a whole is read as a whole, and so is one whose lock is held.
        """

    async def read(self) -> State | None:
        """Return the state with its journal replayed, or None if there is no state yet; writes nothing.

        Raises StateError if it is damaged, of a newer release, encrypted without a key, or moved away.
        """

    async def begin(self, state: State) -> Journal:
        """Write *state* as `write` does, and return a journal that continues it."""

    def follow(self, plan_id: str, actions: Mapping[int, Address], records: Collection[Address]) -> None:
        """Note where the saved plan that is applied changes something, before `begin`.

        *actions* are the addresses of its actions, by number, and *records* those of its other changes. A
        state that is kept by group records the plan's progress in the groups of these addresses.
        """

    async def establish(self, state: State) -> State:
        """Return *state*, of which nothing is stored yet, as it is to begin.

        Where several runs may begin it at once, all of them get the lineage of the first. Nothing happens
        unless the lock is held.
        """

    async def write(self, state: State, *, anew: bool = False) -> None:
        """Make *state* the snapshot, its serial higher than before, and remove the journal that it contains.

        A store that is grouped leaves the groups as they are that did not change; with *anew* it writes them
        too, as a change of keys needs it.
        Raises StateError if it cannot be written, belongs to another lineage than what is there, or if
        somebody else has taken over. After an error, `read` returns the old state or the new one.
        """

    def next_serial(self, state: State) -> int:
        """Return the serial that `begin` or `write` will give to *state*."""

    def may_send(self) -> None:
        """Return if a request that changes something at Twilio may be handed to the transport right now.

        Raises NotSent when the lock could end before the request does (`REQUEST_SECONDS`), or is lost.
        """

    def on_loss(self, stop: Callable[[], None]) -> None:
        """Let *stop* be called, in the running event loop, once the lock is lost or cannot be kept."""

    async def locks(self) -> list[LockInfo]:
        """Return who holds the lock; empty if nobody does.

        Where state and lease are one document, the `read` before, without a lock, has found it already.
        """

    async def unlock(self, settle: float = SETTLE_SECONDS) -> LockInfo | None:
        """Free the lock whoever holds it, and return whose it was; None if nobody held it.

        The next run waits until no request of that holder can be on its way. Raises StateError for a file,
        whose lock ends with its process.
        """

    async def mark(self, state: State, moved_to: str) -> None:
        """Leave a marker in place of *state*, which was moved to another address; the lock is held.

        From then on `read` raises `document.Moved`, which names that address. `write` of the same lineage
        replaces the marker: a state can move back.
        """

    async def close(self) -> None:
        """Free what is held open; no call follows."""


class Store(Kept, Protocol):
    """Where one state is kept. It serves one operation at a time; open another for another."""

    @property
    def is_file(self) -> bool:
        """Whether this is a file: its methods never wait, and `plan` locks it."""

    def lock(
        self,
        holder: Holder,
        *,
        timeout: float,
        waiting: Callable[[str], None] = silent,
        settle: float = SETTLE_SECONDS,
        reading: bool = False,
    ) -> AbstractContextManager[None]:
        """Hold the lock of the state in the name of *holder*; wait at most *timeout* seconds for another's.

        *waiting* is called with a whole sentence before it waits. *settle* is the settle window of the run in
        seconds. With *reading* the command changes nothing, so that only a file is locked. A lease is renewed
        until the block ends, also while the event loop is blocked.

        Raises StateError, which names the other holder, when the time has passed; and at the end of the
        block, if the lease was lost in it and nothing else says so.
        """

    def lock_async(
        self,
        holder: Holder,
        *,
        timeout: float,
        waiting: Callable[[str], None] = silent,
        settle: float = SETTLE_SECONDS,
        reading: bool = False,
    ) -> AbstractAsyncContextManager[None]:
        """Hold the same lock as `lock` does; the event loop goes on while this waits."""


async def read_in(store: Store, environment: str, keys: Keys) -> State | None:
    """Return the state in *store* as one of *environment* (empty: none), or None if there is none yet.

    *keys* make its hard digests.

    A state that has no environment yet gets this one with the next write. Raises StateError for one of
    another, and as `Store.read` does.
    """
    state = await store.read()
    if state is not None:
        claim(state, store.place, environment)
        state.digest_keys = keys.of_digests
    return state


def claim(state: State, place: str, environment: str) -> None:
    """Let *state* belong to *environment*; raises StateError if it belongs to another one."""
    if state.environment and state.environment != environment:
        used = f"`--env {environment}`" if environment else "no `--env`"
        raise StateError(
            f"the state `{place}` belongs to environment `{state.environment}`, but this command has {used}",
            hint=f"pass `--env {state.environment}`, or name another state",
        )
    state.environment = environment


def check_target(place: str, state: State, account_sid: str, origin: str) -> None:
    """Raise StateError, naming both sides, unless *state* belongs to this account and origin."""
    if (state.account_sid, state.origin) != (account_sid, origin):
        raise StateError(
            f"the state `{place}` belongs to account {state.account_sid[:64]} "
            f"at {state.origin[:200]}, but this command uses account {account_sid} at {origin}",
            hint="use the credentials and the `--endpoint` of that state, or another one with `--state`",
        )
