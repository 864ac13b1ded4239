"""An apply with 50 requests in flight beside bare POSTs: `python -m tests.benchmarks.apply_posts`.

The bare ones go over the same HTTP client to the same emulator, 50 at a time, with the same fields, and their
replies are thrown away: no plan, no journal, no order, nothing tried again.
"""

from __future__ import annotations

import asyncio
import os
import time

import httpx

from reconciler.runtime.concurrency import each
from reconciler.twilio.endpoint import Endpoint
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
    async with httpx.AsyncClient(transport=open_http(endpoint)) as http:
        service = (await http.post(f"{one.url}/v1/Services", data={"FriendlyName": "bare"})).json()["sid"]
        where = f"{one.url}/v1/Services/{service}/Conversations"
        made = [(await http.post(where, data={})).json()["sid"] for _ in range(_CONVERSATIONS)]
        urls = [f"{where}/{made[number % _CONVERSATIONS]}/Messages" for number in range(count)]
        headers = {"Content-Type": "application/x-www-form-urlencoded"}

        async def post(url: str) -> None:
            body = form({"author": "alice", "body": "Message 100"}, MESSAGE_FORM)
            (await http.post(url, content=body, headers=headers)).raise_for_status()

        began, cpu = time.perf_counter(), time.process_time()
        await each(urls, post, at_once=_PARALLELISM)
        took, used = time.perf_counter() - began, time.process_time() - cpu
    return Applied(took, used, count, count, count / _PARALLELISM * one.latency)


if __name__ == "__main__":
    main()
