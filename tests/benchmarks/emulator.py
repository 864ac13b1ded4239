"""How fast the emulator is, so that a benchmark of the client knows what it does not measure.

Run it by hand: `python -m tests.benchmarks.emulator`. It prints seconds and rates.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from reconciler.emulator import Emulator
from reconciler.emulator.server import running

MESSAGES = 100_000
REQUESTS = 1_000
AUTH = ("AC" + "0" * 32, "token")


def report(what: str, count: int, started: float) -> None:
    """Print what was done since *started*."""
    seconds = time.perf_counter() - started
    sys.stdout.write(f"{what:<52}{seconds:>8.2f} s{count / seconds:>12,.0f} /s\n")


def fill(emulator: Emulator) -> str:
    """Create the messages, and return the path of their list."""
    store = emulator.store
    service = store.services.create({"FriendlyName": "Benchmark"}).sid
    conversation = store.conversations.create(service, {}).sid
    started = time.perf_counter()
    with store.transaction():
        for number in range(MESSAGES):
            store.messages.create(
                service,
                conversation,
                {"Body": f"message {number} ".ljust(80, "."), "Attributes": '{"a":1,"b":"x"}'},
            )
    report("fill the store, messages", MESSAGES, started)
    return f"/v1/Services/{service}/Conversations/{conversation}/Messages"


async def ask(client: httpx.AsyncClient, path: str, where: str) -> None:
    """Time lists, fetches and creates."""
    for size in (1000, 100):
        started = time.perf_counter()
        url, pages = f"{path}?PageSize={size}", 0
        while url:
            body = (await client.get(url)).content
            following = body.partition(b'"next_page_url":')[2].partition(b',"key"')[0]
            url, pages = following.strip(b'"').decode() if following != b"null" else "", pages + 1
        report(f"{where}: list {MESSAGES:,} messages by {size:,}", MESSAGES, started)
    sid = (await client.post(path, data={"Body": "Hi"})).json()["sid"]
    started = time.perf_counter()
    for _ in range(REQUESTS):
        await client.get(f"{path}/{sid}")
    report(f"{where}: fetch, requests", REQUESTS, started)
    started = time.perf_counter()
    for _ in range(REQUESTS):
        await client.post(path, data={"Body": "Hi"})
    report(f"{where}: create, requests", REQUESTS, started)


async def in_process(emulator: Emulator, path: str) -> None:
    """Time the emulator without a socket."""
    origin = "https://conversations.twilio.com"
    async with httpx.AsyncClient(transport=emulator.transport(), base_url=origin, auth=AUTH) as client:
        await ask(client, path, "in process")


async def over_http(origin: str, path: str) -> None:
    """Time the emulator behind a socket; client and server share the interpreter."""
    async with httpx.AsyncClient(base_url=origin, auth=AUTH, trust_env=False) as client:
        await ask(client, path, "over HTTP")


def main() -> None:
    """Measure in process, then over HTTP, on a store in a file."""
    with TemporaryDirectory() as folder, closing(Emulator(Path(folder) / "emulator.db")) as emulator:
        path = fill(emulator)
        asyncio.run(in_process(emulator, path))
        with running(emulator) as origin:
            asyncio.run(over_http(origin, path))


if __name__ == "__main__":
    main()
