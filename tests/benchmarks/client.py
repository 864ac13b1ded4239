"""Client CPU per page of 100 messages, at 4 and at 64 requests in flight, and per create, at 50.

Run `python -m tests.benchmarks.client`. The server is a process of its own that answers from
memory, so the CPU shown is the client's alone. The ratio is what matters; times differ by machine.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection

import msgspec

from reconciler.twilio.client import Twilio
from reconciler.twilio.endpoint import Endpoint
from reconciler.twilio.pace import Pace
from reconciler.twilio.transport import open_http

PAGES = 2000
MESSAGES = 100
CREATES = 5000
AT_ONCE = 50

_SERVICE = "IS" + "1" * 32
_CONVERSATION = "CH" + "2" * 32
_CREDENTIALS = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "none"}


def main() -> None:
    """Measure, and print one line for each number of requests in flight."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    port = ours.recv()
    try:
        asyncio.run(_read(port, 4, pages=200))
        asyncio.run(_create(port, AT_ONCE, 200))
        created = asyncio.run(_create(port, AT_ONCE, CREATES))
        costs = {parallelism: asyncio.run(_read(port, parallelism, PAGES)) for parallelism in (1, 4, 16, 64)}
    finally:
        server.kill()
        server.join()
    for parallelism, (cpu, wall) in costs.items():
        print(f"{parallelism:3} in flight: {cpu * 1e6:6.0f} µs CPU per page, {1 / wall:6.0f} pages/s")  # noqa: T201
    cpu, wall = created
    print(f"{AT_ONCE:3} in flight: {cpu * 1e6:6.0f} µs CPU per create, {1 / wall:6.0f} messages/s")  # noqa: T201
    print(f"CPU per page at 64 / at 4: {costs[64][0] / costs[4][0]:.2f} (at most 1.5)")  # noqa: T201


async def _read(port: int, parallelism: int, pages: int) -> tuple[float, float]:
    """Return CPU and wall seconds per page."""

    async def read(twilio: Twilio) -> None:
        async for page in twilio.message_pages(_SERVICE, _CONVERSATION):
            assert len(page) == MESSAGES

    return await _cost(port, parallelism, pages, read)


async def _create(port: int, parallelism: int, messages: int) -> tuple[float, float]:
    """Return CPU and wall seconds per create."""
    fields = {"author": "alice", "body": "x" * 80, "attributes": '{"importance":"high","seen":false}'}

    async def create(twilio: Twilio) -> None:
        await twilio.create_message(_SERVICE, _CONVERSATION, fields)

    return await _cost(port, parallelism, messages, create)


async def _cost(
    port: int, parallelism: int, count: int, work: Callable[[Twilio], Coroutine[object, object, None]]
) -> tuple[float, float]:
    """Do *work* about *count* times, *parallelism* at once; return CPU and wall seconds of each."""
    endpoint = Endpoint.parse(f"http://127.0.0.1:{port}", {**os.environ, **_CREDENTIALS})
    async with open_http(endpoint) as http:
        twilio = Twilio(
            http,
            base_url=endpoint.base_url,
            media_url=endpoint.media_url,
            pace=Pace(parallelism=parallelism, rate=None),
        )

        async def worker() -> None:
            for _ in range(count // parallelism):
                await work(twilio)

        begin = time.process_time(), time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(parallelism)))
        done = count // parallelism * parallelism
        return (time.process_time() - begin[0]) / done, (time.perf_counter() - begin[1]) / done


def _serve(started: Connection) -> None:
    messages = [
        {
            "sid": f"IM{number:032x}",
            "index": number,
            "author": "alice",
            "body": "x" * 80,
            "attributes": '{"importance":"high","seen":false}',
            "date_created": "2026-01-05T09:00:00Z",
            "date_updated": "2026-01-05T09:00:00Z",
            "media": None,
            "delivery": None,
        }
        for number in range(MESSAGES)
    ]
    page = {
        "meta": {"key": "messages", "page_size": MESSAGES, "next_page_url": None},
        "messages": messages,
    }
    listed, created = _reply(b"200 OK", page), _reply(b"201 Created", messages[0])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                if head.startswith(b"post"):
                    await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
                writer.write(created if head.startswith(b"post") else listed)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        started.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def _reply(status: bytes, value: object) -> bytes:
    body = msgspec.json.encode(value)
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


if __name__ == "__main__":
    main()
