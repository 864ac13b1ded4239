"""A process that is forked from one that has sent requests."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import asyncio, os, sys
from reconciler.twilio.endpoint import Endpoint
from reconciler.twilio.network import Broken, Request, Url
from reconciler.twilio.transport import open_http

async def ask():
    async with open_http(Endpoint.parse("http://127.0.0.1:1", {})) as http:
        try:
            await http.send(Request("GET", Url.parse("http://127.0.0.1:1/"), {}))
        except Broken:
            return 0
    return 1

if asyncio.run(ask()):
    sys.exit(1)
child = os.fork()
if child == 0:
    os._exit(asyncio.run(ask()))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_forked_process_sends_too() -> None:
    """Pyreqwest's thread is not in it, so that its requests would wait forever."""
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", SCRIPT], timeout=60, check=False)

    assert ended.returncode == 0
