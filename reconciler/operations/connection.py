"""Connect to the API that `--endpoint` names: Twilio over the network, or the emulator in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.runtime.atomic_file import require_own_folders
from reconciler.twilio.endpoint import EMULATOR, Credentials, Endpoint

if TYPE_CHECKING:
    from reconciler.emulator import Emulator
    from reconciler.twilio.client import Twilio
    from reconciler.twilio.network import Transport
    from reconciler.twilio.pace import Pace


class Connection(Struct, frozen=True):
    """An open client, and the account and endpoint that it works at: a state is bound to those two."""

    client: Twilio
    pace: Pace
    """The limits of the client, by which its requests can be stopped."""
    account_sid: str
    """The sid of the account (AC…); empty if only an API key is known, and then the API must be asked."""
    origin: str
    """The endpoint: `scheme://host[:port]`, or the emulator and the id of its store."""
    certain: bool = True
    """Whether the credentials themselves name the account; a sid beside an API key may be another's."""


class Guard(Struct, frozen=True):
    """The only account that requests may use, as a settings file says."""

    sid: str
    """The account (AC…)."""
    place: str
    """`file:line:column` of what says so."""

    async def check(self, connection: Connection) -> None:
        """Raise UsageError unless *connection* uses that account.

        The account sid given beside an API key is compared first, as that costs no request; then the API is
        asked.
        """
        if connection.account_sid:
            self._compare(connection.account_sid, connection.origin)
        if not (connection.account_sid and connection.certain):
            self._compare(await connection.client.account_sid(), connection.origin)

    def _compare(self, account_sid: str, origin: str) -> None:
        if account_sid != self.sid:
            served = "`reconciler emulator` serves one that takes any account: set TWILIO_ACCOUNT_SID"
            raise UsageError(
                f"`account` at {self.place} is {self.sid}, but this command uses account {account_sid} "
                f"at {origin}",
                hint=served
                if origin.startswith(EMULATOR)
                else "use the credentials of that account, or correct `account`",
            )


@asynccontextmanager
async def connect(
    endpoint: Endpoint | Emulator,
    *,
    parallelism: int,
    rate: float | None,
    max_wait: float,
    machines: int = 1,
    read_only: bool = False,
    guard: Guard | None = None,
) -> AsyncIterator[Connection]:
    """Open a connection; no request is sent yet. An emulator that is passed in stays open afterwards.

    At most *parallelism* requests are in flight, and at most *rate* changes a second go to one conversation
    (None: 30 on Twilio, no limit on this machine); *machines* share both. A request is not sent again once
    *max_wait* seconds have passed since its first attempt. With *read_only*, nothing but GET can be sent.

    Raises UsageError if *guard* names another account; where only an API key is known, that takes a request.
    """
    from reconciler.twilio.client import Twilio  # noqa: PLC0415  # asyncio
    from reconciler.twilio.pace import Pace  # noqa: PLC0415
    from reconciler.twilio.transport import Identified, open_http  # noqa: PLC0415

    address = endpoint if isinstance(endpoint, Endpoint) else Endpoint.parse(EMULATOR, {})
    pace = Pace.of(address, parallelism=parallelism, rate=rate, max_wait=max_wait, machines=machines)
    urls = {"base_url": address.base_url, "media_url": address.media_url}
    with _emulator(endpoint) as emulator:
        http: Transport
        if emulator is None:
            account, origin, http = address.account_sid or "", address.origin, open_http(address)
            certain = address.credentials is None or address.credentials.username == address.account_sid
        else:
            account, origin = emulator.store.account_sid, f"{EMULATOR}:{emulator.store.store_id}"
            credentials = Credentials(account, "emulator")
            from reconciler.operations.in_process import InProcess  # noqa: PLC0415  # starlette

            http = Identified(InProcess(emulator.app), credentials, origins=urls.values())
            certain = True
        async with http as transport:
            client = Twilio(_limited(transport, read_only=read_only), pace=pace, **urls)
            connection = Connection(client, pace, account, origin, certain=certain)
            if guard is not None:
                await guard.check(connection)
            yield connection


def _limited(http: Transport, *, read_only: bool) -> Transport:
    from reconciler.twilio.transport import ReadOnly  # noqa: PLC0415

    return ReadOnly(http) if read_only else http


@contextmanager
def _emulator(endpoint: Endpoint | Emulator) -> Iterator[Emulator | None]:
    """Yield the emulator in this process that *endpoint* names, or None if it names a server."""
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
