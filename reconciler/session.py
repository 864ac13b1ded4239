"""Reach the API that `--endpoint` names: Twilio over the network, or the emulator in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.twilio.endpoint import EMULATOR, Endpoint

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio
    from reconciler.twilio.pace import Pace


@dataclass(frozen=True, slots=True)
class Session:
    """An open client, and who it speaks for: a state is bound to *account_sid* and *origin*.

    *account_sid* is empty if only an API key is known; the account is then asked for its own sid.
    """

    client: Twilio
    pace: Pace
    account_sid: str
    origin: str


@asynccontextmanager
async def connect(
    endpoint: Endpoint, *, parallelism: int, rate: float | None, max_wait: float
) -> AsyncIterator[Session]:
    """Open a session; no request is sent.

    At most *parallelism* requests are in flight, at most *rate* changes a second go to one
    conversation (None: 30 on Twilio, no bound on this machine), and one request is tried again for
    at most *max_wait* seconds.
    """
    from reconciler.twilio.client import Twilio  # noqa: PLC0415  # httpx
    from reconciler.twilio.pace import Pace  # noqa: PLC0415
    from reconciler.twilio.transport import open_http  # noqa: PLC0415

    pace = Pace.of(endpoint, parallelism=parallelism, rate=rate, max_wait=max_wait)
    urls = {"base_url": endpoint.base_url, "media_url": endpoint.media_url}
    if endpoint.emulator_file is None:
        async with open_http(endpoint) as http:
            yield Session(Twilio(http, pace=pace, **urls), pace, endpoint.account_sid or "", endpoint.origin)
        return
    import httpx  # noqa: PLC0415

    from reconciler.emulator import Emulator  # noqa: PLC0415

    file = Path(endpoint.emulator_file)
    file.parent.mkdir(parents=True, exist_ok=True)
    emulator = Emulator(file)
    try:
        account = emulator.store.account_sid
        async with httpx.AsyncClient(transport=emulator.transport(), auth=(account, "emulator")) as http:
            origin = f"{EMULATOR}:{emulator.store.store_id}"
            yield Session(Twilio(http, pace=pace, **urls), pace, account, origin)
    finally:
        emulator.close()
