"""An emulator that is asked one request at a time, on a clock that stands."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from reconciler.emulator import Emulator
from reconciler.emulator.fault_text import parse_fault

ORIGIN = "https://conversations.twilio.com"
ACCOUNT = "AC" + "0" * 32
START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """Return where it stands."""
        return self.now

    def forward(self, seconds: float) -> None:
        """Move it."""
        self.now += timedelta(seconds=seconds)


class Api:
    """Asks an emulator one request at a time, without a socket."""

    def __init__(self, emulator: Emulator, *, auth: tuple[str, str] = (ACCOUNT, "token")) -> None:
        self.emulator = emulator
        self._auth = auth

    def __call__(
        self, method: str, url: str, form: dict[str, Any] | None = None, **more: Any
    ) -> httpx.Response:
        """Return the reply to one request."""

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self.emulator.transport(), base_url=ORIGIN, auth=self._auth, trust_env=False
            ) as client:
                return await client.request(method, url, data=form, **more)

        return asyncio.run(ask())

    def get(self, url: str, **query: str) -> dict[str, Any]:
        """Return what a GET shows."""
        return self._shown(self("GET", url, params=query or None))

    def post(self, url: str, **form: str) -> dict[str, Any]:
        """Return what a POST made; `Timers_Inactive` stands for `Timers.Inactive`."""
        return self._shown(self("POST", url, {name.replace("_", "."): form[name] for name in form}))

    def refusal(self, method: str, url: str, **form: str) -> tuple[int, int]:
        """Return status and code of a request that is refused."""
        reply = self(method, url, {name.replace("_", "."): form[name] for name in form})
        assert reply.status_code >= 400, reply.text
        return reply.status_code, reply.json()["code"]

    def fault(self, *texts: str) -> None:
        """Put faults in force."""
        self.emulator.faults.add(*map(parse_fault, texts))

    def _shown(self, reply: httpx.Response) -> dict[str, Any]:
        assert reply.status_code < 300, reply.text
        shown: dict[str, Any] = reply.json()
        return shown
