"""Send one webhook to the addresses where it may go, and read the answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection
from typing import Final
from urllib.parse import urlencode

import httpx

from reconciler.emulator.webhooks.delivery import Answer, Webhook
from reconciler.emulator.webhooks.targets import Forbidden, addresses

_LARGEST_ANSWER: Final = 256 * 1024
"""Bytes of an answer that are read."""
_NEVER: Final = httpx.Timeout(None)
"""The whole of it has a limit, its parts have none."""


async def send(hook: Webhook, *, allowed: Collection[str], seconds: float) -> Answer:
    """Send *hook*, follow no redirect, and return the answer that came within *seconds*."""
    try:
        return await asyncio.wait_for(_send(hook, allowed), seconds)
    except TimeoutError:
        return Answer(error=f"no answer within {seconds:g} s")
    except (Forbidden, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return Answer(error=str(error) or type(error).__name__)


async def _send(hook: Webhook, allowed: Collection[str]) -> Answer:
    url = httpx.URL(hook.url)
    content = urlencode(hook.parameters) if hook.method == "POST" else None
    refused: httpx.ConnectError | None = None
    verify = ssl.create_default_context() if url.scheme == "https" else False
    async with httpx.AsyncClient(trust_env=False, verify=verify, timeout=_NEVER) as client:
        for address in await addresses(hook.url, allowed):
            request = httpx.Request(
                hook.method,
                url.copy_with(host=address),  # not resolved again: the name may mean another by then
                headers={"Host": url.netloc.decode("ascii"), **hook.headers},
                content=content,
                extensions={"sni_hostname": url.host},
            )
            try:
                return await _answer(client, request)
            except httpx.ConnectError as error:
                refused = error
    raise refused or Forbidden("there is no address to send it to")


async def _answer(client: httpx.AsyncClient, request: httpx.Request) -> Answer:
    response = await client.send(request, stream=True)
    try:
        body = bytearray()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > _LARGEST_ANSWER:
                break
        return Answer(response.status_code, bytes(body))
    finally:
        await response.aclose()
