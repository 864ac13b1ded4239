"""A local Twilio Conversations, made of SQLite and Starlette. It shares no code with the client.

`Emulator` runs in this process, and `server.serve` serves one over HTTP. `decisions` lists the behaviour that
Twilio's documents leave open, `fault_text` the notation of faults, and `control` the emulator's own urls.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
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
    from reconciler.emulator.webhooks.engine import Webhooks

__all__ = ["Emulator", "EmulatorOptions", "Fault", "FaultScript"]


class Emulator:
    """One emulated account, kept in *path* or else in memory.

    Requests may use any origin; urls in replies repeat it. *clock* gives the dates of objects, and scripted
    latency waits with *sleep*. Raises UsageError if the file cannot be used.
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
        self.store.templates.add(options.templates)

    @property
    def store(self) -> Store:
        """The emulated account: tests may fill and read it without a request."""
        return self._site.store

    @property
    def faults(self) -> FaultScript:
        """The faults in force; rules can be added and cleared at any time."""
        return self._site.faults

    @property
    def requests(self) -> deque[Handled]:
        """The log of requests; of more than 100,000, only the last."""
        return self._site.requests

    @property
    def webhooks(self) -> Webhooks:
        """The webhooks that it sends."""
        return self._site.webhooks

    @cached_property
    def app(self) -> ASGIApp:
        """The ASGI app."""
        from reconciler.emulator.app import build  # noqa: PLC0415 (Starlette)

        return build(self._site)

    def over_http(self, is_stopping: Callable[[], bool]) -> ASGIApp:
        """Return the ASGI app for a port of this machine: it refuses other hosts, and serves the inspector.

        *is_stopping* returns whether the server is about to stop.
        """
        from reconciler.emulator.hosts import OwnHostsOnly  # noqa: PLC0415 (Starlette)
        from reconciler.emulator.inspector.front import WithInspector  # noqa: PLC0415

        options = self._site.options
        app = WithInspector(self.app, self._site, is_stopping) if options.inspector else self.app
        return OwnHostsOnly(app, options.allowed_hosts)

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return a transport for `httpx.AsyncClient` that reaches this emulator without a socket."""
        from reconciler.emulator.transport import EmulatorTransport  # noqa: PLC0415 (httpx)

        return EmulatorTransport(self.app)

    def close(self) -> None:
        """Carry out delayed requests, drop webhooks that wait, and close the store."""
        self._site.catch_up(everything=True)
        self._site.webhooks.outbox.close()
        self._site.store.close()
