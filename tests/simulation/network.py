"""The ways of one process to the store and to the API, on which replies are lost and requests are late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, TypeVar

from starlette.types import Message, Receive, Scope, Send

from reconciler.emulator import Emulator
from reconciler.emulator.connection import EXTENSION
from reconciler.emulator.store import Store
from reconciler.state.deadlines import REQUEST_SECONDS, SETTLE_SECONDS
from tests.simulation.machines import Process
from tests.simulation.mixes import Mix
from tests.simulation.witness import Witness
from tests.support.blobs import WRITES, MemoryBlobs, Trouble

T = TypeVar("T")

_LATENCIES: Final = (0.02, 0.02, 0.05, 0.3, 2.0)


class Away(MemoryBlobs):
    """The way of *process* to the objects of the store; of a thousand calls *faulty* go wrong."""

    def __init__(
        self, objects: Witness, process: Process, chance: Random, *, faulty: float, mix: Mix
    ) -> None:
        def strike(name: str, _count: int) -> Trouble | None:
            strikes = chance.random() * 1000 < faulty and name in mix.aimed_at
            return chance.choice(list(Trouble)) if strikes else None

        super().__init__(objects, trouble=strike)
        self.place = objects.place
        self._process = process
        self._chance = chance

    async def _call(self, name: str, act: Callable[[], Awaitable[T]]) -> T:
        kind = "write" if name in WRITES else "read"
        await self._process.point(kind)
        self.latency = self._chance.choice(_LATENCIES)
        try:
            result = await super()._call(name, act)
        except Exception:
            await self._process.point(kind)
            raise
        await self._process.point(kind)
        return result


class Line:
    """The way of *process* to the API, *slow* times as long; of a thousand requests *faulty* go wrong.

    The process may be frozen before it asks whether a request may be sent, and after the reply, but not in
    between. A request that was handed over fails within its time limit; it has reached the server then, or
    does within the settle window, or never.
    """

    def __init__(
        self,
        emulator: Emulator,
        process: Process,
        chance: Random,
        *,
        faulty: float,
        mix: Mix,
    ) -> None:
        self._server = emulator.app
        self._process = process
        self._chance = chance
        self._faulty = faulty
        self._mix = mix
        self._under_way: set[asyncio.Task[list[Message]]] = set()
        self._changes = 0

    @property
    def is_changing(self) -> bool:
        """Whether a request that changes something was handed over and is not answered."""
        return self._changes > 0 and not self._process.dead

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a request, and return the reply if it comes."""
        changes = scope["method"] != "GET"
        self._changes += changes
        try:
            reply = await self._exchange(scope, receive)
        finally:
            self._changes -= changes
        for message in reply:
            await send(message)

    async def _exchange(self, scope: Scope, receive: Receive) -> list[Message]:
        chance, mix = self._chance, self._mix
        latency = chance.choice(_LATENCIES) * mix.slow
        faulty = self._faulty if mix.reads_fail or scope["method"] != "GET" else 0
        fate = chance.choice(mix.fates) if chance.random() * 1000 < faulty else ""
        fails = chance.choice([latency, chance.uniform(1, REQUEST_SECONDS - 5)])
        arrives = {"late": fails + chance.uniform(0, SETTLE_SECONDS - 2)}.get(fate, min(latency, fails))
        if fate != "never":
            arriving = asyncio.create_task(self._arrive(scope, receive, arrives))
            self._under_way.add(arriving)
            arriving.add_done_callback(self._under_way.discard)
        if fate:
            await asyncio.sleep(fails)
            await self._process.point("request")
            scope["extensions"][EXTENSION].reset()
            return []
        reply = await asyncio.shield(arriving)
        await asyncio.sleep(latency)
        await self._process.point("request")
        return reply

    async def _arrive(self, scope: Scope, receive: Receive, seconds: float) -> list[Message]:
        await asyncio.sleep(seconds)
        reply: list[Message] = []

        async def send(message: Message) -> None:
            reply.append(message)

        await self._server(scope, receive, send)
        return reply


class Reached:
    """An emulator as one process reaches it."""

    def __init__(self, emulator: Emulator, line: Line) -> None:
        self.store: Store = emulator.store
        self.app = line
