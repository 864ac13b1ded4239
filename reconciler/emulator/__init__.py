"""A local Twilio Conversations: SQLite behind, Starlette in front, no code shared with the client.

`Emulator` runs in process, `server.serve` over HTTP. `decisions` says what it does where Twilio's
documents do not; `fault_text` how trouble is scripted, `control` what else its urls offer.
"""

from __future__ import annotations

from collections import deque
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.emulator.faults import Fault, FaultScript, script
from reconciler.emulator.options import EmulatorOptions

if TYPE_CHECKING:
    import httpx
    from starlette.types import ASGIApp

    from reconciler.emulator.database import Clock
    from reconciler.emulator.site import Handled, Sleep
    from reconciler.emulator.store import Store

__all__ = ["Emulator", "EmulatorOptions", "Fault", "FaultScript"]


class Emulator:
    """One emulated account, kept in *path* or else in memory.

    Any origin will do for requests: urls in replies repeat it. *clock* is the store's, *sleep* is what
    scripted latency waits with. Raises UsageError if the file cannot be used.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        options: EmulatorOptions | None = None,
        clock: Clock | None = None,
        sleep: Sleep | None = None,
    ) -> None:
        import asyncio  # noqa: PLC0415 (these are heavy, and not every command needs them)

        from reconciler.emulator.site import Site  # noqa: PLC0415
        from reconciler.emulator.store import Store, utc_now  # noqa: PLC0415

        options = options or EmulatorOptions()
        self._site = Site(
            Store(path, clock=clock or utc_now),
            options,
            script(options.faults, options.fault_seed),
            sleep or asyncio.sleep,
        )

    @property
    def store(self) -> Store:
        """The account behind: tests may fill and read it without a request."""
        return self._site.store

    @property
    def faults(self) -> FaultScript:
        """The script in force: `add` and `clear` work at any time."""
        return self._site.faults

    @property
    def requests(self) -> deque[Handled]:
        """What was asked so far, up to 100,000 requests."""
        return self._site.requests

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """The names besides those of this machine that it answers to over HTTP."""
        return self._site.options.allowed_hosts

    @cached_property
    def app(self) -> ASGIApp:
        """The ASGI app."""
        from reconciler.emulator.app import build  # noqa: PLC0415 (Starlette)

        return build(self._site)

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return a transport for `httpx.AsyncClient` that reaches this emulator without a socket."""
        from reconciler.emulator.transport import EmulatorTransport  # noqa: PLC0415 (httpx)

        return EmulatorTransport(self.app)

    def close(self) -> None:
        """Carry out what is still delayed, and close the store."""
        self._site.catch_up(everything=True)
        self._site.store.close()
