"""Reach the API that `--endpoint` names: Twilio over the network, or the emulator in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.runtime.atomic_file import require_own_folders
from reconciler.twilio.endpoint import EMULATOR, Endpoint

if TYPE_CHECKING:
    import httpx

    from reconciler.emulator import Emulator
    from reconciler.twilio.client import Twilio
    from reconciler.twilio.pace import Pace


class Session(Struct, frozen=True):
    """An open client, and who it speaks for: a state is bound to *account_sid* and *origin*.

    *account_sid* is empty if only an API key is known; the account is then asked for its own sid.
    *certain* says that the credentials themselves name it: beside an API key it is only claimed.
    """

    client: Twilio
    pace: Pace
    account_sid: str
    origin: str
    certain: bool = True


@asynccontextmanager
async def connect(
    endpoint: Endpoint | Emulator,
    *,
    parallelism: int,
    rate: float | None,
    max_wait: float,
    read_only: bool = False,
) -> AsyncIterator[Session]:
    """Open a session; no request is sent. An emulator that is given stays open.

    With *read_only* nothing but GET can be sent over it.

    At most *parallelism* requests are in flight, at most *rate* changes a second go to one
    conversation (None: 30 on Twilio, no bound on this machine), and one request is tried again for
    at most *max_wait* seconds.
    """
    from reconciler.twilio.client import Twilio  # noqa: PLC0415  # httpx
    from reconciler.twilio.pace import Pace  # noqa: PLC0415
    from reconciler.twilio.transport import open_http  # noqa: PLC0415

    address = endpoint if isinstance(endpoint, Endpoint) else Endpoint.parse(EMULATOR, {})
    pace = Pace.of(address, parallelism=parallelism, rate=rate, max_wait=max_wait)
    urls = {"base_url": address.base_url, "media_url": address.media_url}
    with _emulator(endpoint) as emulator:
        if emulator is None:
            async with open_http(address) as http:
                _limit(http, read_only=read_only)
                yield Session(
                    Twilio(http, pace=pace, **urls),
                    pace,
                    address.account_sid or "",
                    address.origin,
                    certain=address.credentials is None
                    or address.credentials.username == address.account_sid,
                )
            return
        import httpx  # noqa: PLC0415

        account = emulator.store.account_sid
        async with httpx.AsyncClient(transport=emulator.transport(), auth=(account, "emulator")) as http:
            _limit(http, read_only=read_only)
            origin = f"{EMULATOR}:{emulator.store.store_id}"
            yield Session(Twilio(http, pace=pace, **urls), pace, account, origin)


def _limit(http: httpx.AsyncClient, *, read_only: bool) -> None:
    if read_only:
        http.event_hooks = {"request": [_refuse_writes]}


async def _refuse_writes(request: httpx.Request) -> None:
    """Stop a request that could change anything before it is sent: whoever made it is wrong."""
    if request.method != "GET":
        raise AssertionError(f"{request.method} {request.url.path} over a session that only reads")


@contextmanager
def _emulator(endpoint: Endpoint | Emulator) -> Iterator[Emulator | None]:
    """Yield the emulator in this process that is meant, or None if another machine or process is."""
    if not isinstance(endpoint, Endpoint):
        yield endpoint
    elif endpoint.emulator_file is None:
        yield None
    else:
        from reconciler.emulator import Emulator  # noqa: PLC0415

        file = Path(endpoint.emulator_file)
        try:
            require_own_folders(file, Path.cwd())
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"cannot open the emulator's data file `{file}`: {(error.strerror or str(error)).lower()}",
                hint="name another file with `--endpoint emulator:FILE`",
            ) from error
        with closing(Emulator(file)) as emulator:
            yield emulator
