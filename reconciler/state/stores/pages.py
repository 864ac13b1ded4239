"""The store of one document that is replaced as a whole (a git ref, a state over HTTP).

It cannot be written often. So every create of a run is announced in the document before the first is sent,
and what is recorded afterwards is written every 30 s, before a deletion that relies on it, and at the end. A
reply that was not written is found again by what was announced. Every write renews the lease.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from reconciler.errors import StateError
from reconciler.state.deadlines import SETTLE_SECONDS
from reconciler.state.intents import open_intents
from reconciler.state.keys import NO_KEYS, Keys
from reconciler.state.model import State
from reconciler.state.stores import others_page
from reconciler.state.stores.clocks import Clocks
from reconciler.state.stores.holder import Holder
from reconciler.state.stores.holding import Leased
from reconciler.state.stores.interface import LockInfo
from reconciler.state.stores.page_document import Document, Kept, kept_of, state_of
from reconciler.state.stores.page_holder import PageHolder
from reconciler.state.stores.page_journal import PageJournal
from reconciler.state.stores.primitives import Page
from reconciler.state.stores.whole import Whole


class Pages(Whole, Leased[PageHolder]):
    """The state on *page*, as an async `Store` for one event loop (`background` makes it one for any)."""

    is_file = False
    window = 1
    announces = True

    def __init__(self, page: Page, *, keys: Keys = NO_KEYS, clocks: Clocks | None = None) -> None:
        self._page = page
        self._keys = keys
        self._clocks = clocks or Clocks()
        self._journal: PageJournal | None = None
        self._seen: tuple[Document | None] | tuple[()] = ()
        """The document of somebody else that `read` found, for the next `locks`."""
        self._is_unfolded = False
        self._unsettled = False
        """Whether what is stored may hold an open create of this run."""

    @property
    def place(self) -> str:
        """The address."""
        return self._page.place

    @property
    def fences(self) -> bool:
        """Whether the server compares versions."""
        return self._page.swaps

    @property
    def is_unfolded(self) -> bool:
        """Whether a run that did not end wrote what was read last."""
        return self._is_unfolded

    # Reading.

    async def read(self) -> State | None:
        """Return the state, or None; raises StateError if it is damaged or was moved away."""
        if self._held is None:
            found = await others_page.read(self._page, self._clocks)
            self._seen = (found,)
            kept = Kept() if found is None else found.kept
        else:
            kept = self._held.kept
        self._is_unfolded = kept.is_unfolded
        return state_of(kept, self.place, self._keys)

    # The lease.

    async def acquire(
        self, holder: Holder, *, patience: float, waiting: Callable[[str], None], settle: float
    ) -> None:
        """Take the lease, and wait until creates that an earlier run left open can be looked up.

        Raises StateError as `Store.lock` does. That wait is made however short *patience* is.
        """
        self._seen = ()
        held = PageHolder(self._page, self._clocks, holder, settle=settle, waiting=waiting)
        self._held = held
        try:
            await held.acquire(patience, self._beat)
            if not held.kept.moved_to:
                state = await self.read()
                if state is not None and (state.intents or state.in_flight):
                    self._unsettled = True
                    await held.wait_until_quiet()
        except BaseException:
            await self.release()
            raise

    async def release(self) -> None:
        """Write what is left to write with a released lease, and the time from which "not found" counts."""
        held, self._held = self._held, None
        journal, self._journal = self._journal, None
        if held is None:
            return
        if journal is not None:
            self._unsettled = bool(open_intents(journal.state))
        await held.release(
            lambda: held.kept if journal is None or not journal.is_behind else journal.kept(),
            unsettled=self._unsettled,
        )
        self._loss = held.loss

    async def _beat(self) -> bool:
        """Write what was recorded since the last write; return whether there was anything."""
        if self._journal is None or self._journal.is_closed or not self._journal.is_behind:
            return False
        await self._journal.write()
        return True

    async def locks(self) -> list[LockInfo]:
        """Return who has the lease, or had it and has not released it, as the last `read` found it."""
        found = self._seen[0] if self._seen else await others_page.read(self._page, self._clocks)
        self._seen = ()
        return [] if found is None or found.lease.free else [found.lease.info(self._clocks.wall())]

    async def unlock(self, settle: float = SETTLE_SECONDS) -> LockInfo | None:
        """Free lease and lock; the holder notices at its next write, and sends nothing after its end."""
        return await others_page.free(self._page, self._clocks, settle=settle)

    # Writing.

    def next_serial(self, state: State) -> int:
        """Return the serial of the next state that `begin` or `write` writes."""
        journal = self._journal
        written = self._held.kept.state_serial if self._held is not None else 0
        return max(state.serial, written, journal.state.serial if journal is not None else 0) + 1

    async def begin(self, state: State) -> PageJournal:
        """Write *state* with all that it announces, and return the journal that continues it."""
        held = self._holding()
        await held.wait_until_allowed()
        await self._write(state, is_unfolded=True)
        self._journal = PageJournal(held, self.place, state, self._keys)
        return self._journal

    async def write(self, state: State, *, anew: bool = False) -> None:
        """Make *state* what is there."""
        del anew  # it is always written
        await self._write(state, is_unfolded=False)

    async def _write(self, state: State, *, is_unfolded: bool) -> None:
        held = self._holding()
        self._check_lineage(held.kept.lineage or None, state.lineage)
        serial = self.next_serial(state)
        kept = kept_of(state, serial, self._keys, is_unfolded=is_unfolded)
        await held.put(lambda: kept)
        self._journal = None
        state.serial = serial
        self._is_unfolded = is_unfolded
        self._unsettled = bool(state.intents or state.in_flight)

    async def mark(self, state: State, moved_to: str) -> None:
        """Leave a marker beside the state, which stays in the document."""
        held = self._holding()
        if held.kept.lineage != state.lineage:
            raise StateError(f"the state `{self.place}` is not the one that was moved")
        marked = structs.replace(held.kept, moved_to=moved_to)
        await held.put(lambda: marked)

    async def close(self) -> None:
        """Free what the adapter holds open."""
        await self._page.close()
