"""An apply with 50 requests in flight beside bare POSTs: `python -m tests.benchmarks.apply_posts`.

The bare ones go over the same HTTP client to the same emulator, 50 at a time, with the same fields, and their
replies are thrown away: no plan, no journal, no order, nothing tried again.
"""

from __future__ import annotations

import asyncio
import os
import time
from http import HTTPStatus

import msgspec

from reconciler.runtime.concurrency import each
from reconciler.twilio import body
from reconciler.twilio.endpoint import Endpoint
from reconciler.twilio.network import Request, Url
from reconciler.twilio.transport import open_http
from reconciler.twilio.wire import MESSAGE_FORM, form
from tests.benchmarks._bench import CREDENTIALS, Applied, Bench, bench
from tests.benchmarks._process import say

_LATENCY = 0.02
_PARALLELISM = 50
_CONVERSATIONS = 100
_MESSAGES = 100
_ROUNDS = 3


def main() -> None:
    """Measure both in turn, and print their medians."""
    applied, bare = [], []
    with bench(_LATENCY, _PARALLELISM) as one:
        for _ in range(_ROUNDS):
            one.begin([1] * _CONVERSATIONS)
            sizes = [1 + _MESSAGES] * _CONVERSATIONS
            applied.append(one.measure(sizes, longest=1 + _MESSAGES, again=True))
            bare.append(asyncio.run(_bare(one)))
    ours, floor = _median(applied), _median(bare)
    ours.tell("apply")
    floor.tell("bare POSTs")
    say(
        f"apply / bare: {ours.took / ours.actions / (floor.took / floor.actions):.2f} times the time, "
        f"{ours.cpu / ours.actions / (floor.cpu / floor.actions):.2f} times the client CPU a message"
    )


def _median(runs: list[Applied]) -> Applied:
    return sorted(runs, key=lambda run: run.cpu)[len(runs) // 2]


async def _bare(one: Bench) -> Applied:
    endpoint = Endpoint.parse(one.url, {**os.environ, **CREDENTIALS})
    count = _CONVERSATIONS * _MESSAGES
    async with open_http(endpoint) as http:

        async def post(path: str, fields: bytes) -> bytes:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            reply = await http.send(Request("POST", Url.parse(one.url + path), headers, fields))
            try:
                assert reply.status == HTTPStatus.CREATED
                return await body.read(reply)
            finally:
                await reply.aclose()

        async def create(path: str, fields: bytes) -> str:
            sid: str = msgspec.json.decode(await post(path, fields))["sid"]
            return sid

        service = await create("/v1/Services", b"FriendlyName=bare")
        where = f"/v1/Services/{service}/Conversations"
        made = [await create(where, b"") for _ in range(_CONVERSATIONS)]
        paths = [f"{where}/{made[number % _CONVERSATIONS]}/Messages" for number in range(count)]

        async def message(path: str) -> None:
            await post(path, form({"author": "alice", "body": "Message 100"}, MESSAGE_FORM))

        began, cpu = time.perf_counter(), time.process_time()
        await each(paths, message, at_once=_PARALLELISM)
        took, used = time.perf_counter() - began, time.process_time() - cpu
    return Applied(took, used, count, count, count / _PARALLELISM * one.latency)


if __name__ == "__main__":
    main()
