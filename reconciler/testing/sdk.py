"""Clients of the official SDK whose requests go to another address than Twilio's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from twilio.rest import Client


ANYBODY: Final = "AC" + "0" * 32
"""An account that an emulator lets in."""


def sdk_client(
    base_url: str | None,
    *,
    username: str = ANYBODY,
    password: str = "emulator",  # noqa: S107 (no secret: an emulator takes any)
    account_sid: str | None = None,
) -> Client:
    """Return a client of the official SDK whose requests to Conversations go to *base_url*.

        client = sdk_client("http://127.0.0.1:8010")
        client.conversations.v1.services.list()

    *base_url* is an origin, such as that of an emulator in another process; None is Twilio itself. *username*
    is the sid of an account or an API key, and *account_sid* that of the account where it is a key. Requests
    to other products of Twilio raise UsageError; so does this function if the SDK is not installed.
    """
    try:
        from twilio.http.http_client import TwilioHttpClient  # noqa: PLC0415 - optional, and slow
        from twilio.rest import Client  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "the official SDK is not installed",
            hint="install `twilio`, or the extra `testing` of this package",
        ) from error

    origin = None if base_url is None else base_url.rstrip("/")

    class Redirected(TwilioHttpClient):  # type: ignore[misc] # the SDK has no types
        """Sends requests to Conversations to *base_url*, and refuses all others."""

        def request(self, method: str, url: str, *args: Any, **more: Any) -> Any:
            parts = urlsplit(url)
            is_next_page = f"{parts.scheme}://{parts.netloc}" == origin
            if not (is_next_page or parts.netloc.startswith("conversations.")):
                raise UsageError(
                    f"`{parts.netloc}` was asked for, but {origin} is Conversations alone",
                    hint="use `client.conversations`, and another stand-in for Twilio's other products",
                )
            here = f"{origin}{parts._replace(scheme='', netloc='').geturl()}"
            return super().request(method, here, *args, **more)

    return Client(username, password, account_sid, http_client=Redirected() if origin else None)
