"""Client CPU per page of 100 messages, at 4 and at 64 requests in flight.

Run `python -m tests.benchmarks.client`. The server is a process of its own that answers from
memory, so the CPU shown is the client's alone. The ratio is what matters; times differ by machine.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from multiprocessing.connection import Connection

import msgspec

from reconciler.twilio.client import Twilio
from reconciler.twilio.endpoint import Endpoint
from reconciler.twilio.pace import Pace
from reconciler.twilio.transport import open_http

PAGES = 2000
MESSAGES = 100


def main() -> None:
    """Measure, and print one line for each number of requests in flight."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    port = ours.recv()
    try:
        asyncio.run(_read(port, 4, pages=200))
        costs = {parallelism: asyncio.run(_read(port, parallelism, PAGES)) for parallelism in (1, 4, 16, 64)}
    finally:
        server.kill()
        server.join()
    for parallelism, (cpu, wall) in costs.items():
        print(f"{parallelism:3} in flight: {cpu * 1e6:6.0f} µs CPU per page, {1 / wall:6.0f} pages/s")  # noqa: T201
    print(f"CPU per page at 64 / at 4: {costs[64][0] / costs[4][0]:.2f} (at most 1.5)")  # noqa: T201


async def _read(port: int, parallelism: int, pages: int) -> tuple[float, float]:
    """Return CPU and wall seconds per page."""
    endpoint = Endpoint.parse(f"http://127.0.0.1:{port}", os.environ)
    async with open_http(endpoint) as http:
        twilio = Twilio(
            http,
            base_url=endpoint.base_url,
            media_url=endpoint.media_url,
            pace=Pace(parallelism=parallelism, rate=None),
        )

        async def worker(count: int) -> None:
            for _ in range(count):
                async for page in twilio.message_pages("IS1", "CH1"):
                    assert len(page) == MESSAGES

        begin = time.process_time(), time.perf_counter()
        await asyncio.gather(*(worker(pages // parallelism) for _ in range(parallelism)))
        done = pages // parallelism * parallelism
        return (time.process_time() - begin[0]) / done, (time.perf_counter() - begin[1]) / done


def _serve(started: Connection) -> None:
    body = msgspec.json.encode(
        {
            "meta": {"key": "messages", "page_size": MESSAGES, "next_page_url": None},
            "messages": [
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
            ],
        }
    )
    reply = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        started.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    main()
