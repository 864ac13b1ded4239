"""Clients of the official SDK whose requests go to another address than Twilio's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from twilio.rest import Client


def sdk_client(username: str, password: str, account_sid: str | None, base_url: str | None) -> Client:
    """Return a client of the SDK whose requests to Conversations go to *base_url*, an origin.

    Raises UsageError if the SDK is not installed.
    """
    try:
        from twilio.http.http_client import TwilioHttpClient  # noqa: PLC0415 - optional, and slow
        from twilio.rest import Client  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "the official SDK is not installed",
            hint="install `twilio`, or the extra `testing` of this package",
        ) from error

    class Redirected(TwilioHttpClient):  # type: ignore[misc] # the SDK has no types
        """Sends requests to Conversations to *base_url*, and refuses all others."""

        def request(self, method: str, url: str, *args: Any, **more: Any) -> Any:
            parts = urlsplit(url)
            if not parts.netloc.startswith("conversations."):
                raise UsageError(
                    f"`{parts.netloc}` was asked for, but {base_url} is Conversations alone",
                    hint="use `client.conversations`, and another stand-in for Twilio's other products",
                )
            here = f"{base_url}{parts._replace(scheme='', netloc='').geturl()}"
            return super().request(method, here, *args, **more)

    return Client(username, password, account_sid, http_client=Redirected() if base_url else None)
