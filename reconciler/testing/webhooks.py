"""The webhooks of the services of one world."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from reconciler.errors import UsageError, require_several
from reconciler.runtime.concurrency import finish

if TYPE_CHECKING:
    from reconciler.emulator import Emulator
    from reconciler.emulator.webhooks.delivery import Webhook

PATIENCE: Final = 60.0
"""Seconds after which webhooks that cause each other are taken to go on for ever."""


class Webhooks:
    """The webhooks that the emulator sends for the services of one world.

    As on Twilio, a write over REST causes them only with the header `X-Twilio-Webhook-Enabled: true`;
    `onDeliveryUpdated` needs none.
    """

    def __init__(self, emulator: Emulator, service_sids: Collection[str]) -> None:
        self._emulator = emulator
        self._service_sids = service_sids
        self._received: list[Webhook] = []
        for sid in service_sids:
            emulator.webhooks.receivers.setdefault(sid, []).append(self._received.append)

    @property
    def auth_token(self) -> str:
        """The token with which they are signed, for the validator of the application under test."""
        return self._emulator.webhooks.auth_token

    @property
    def received(self) -> tuple[Webhook, ...]:
        """Every post-action webhook since the world was made, in the order of its events, whoever got it.

        Each has an `event`, `parameters`, `headers`, and the `url` for which it is signed. Waits as `settle`
        does.
        """
        self.settle()
        return tuple(self._received)

    def to(
        self,
        url: str | None = None,
        *,
        pre: str | None = None,
        events: Iterable[str] | None = None,
        allow_host: str | None = None,
    ) -> None:
        """Send the webhooks of every service of this world to *url*, and the pre-action ones to *pre*.

        *events* are those that are sent; all if left out. Both urls must lead to this machine, or to the host
        that *allow_host* names. Raises UsageError.
        """
        from reconciler.emulator.webhooks.events import AFTER, BEFORE  # noqa: PLC0415 - the emulator's routes
        from reconciler.emulator.webhooks.resources import settings  # noqa: PLC0415

        require_several({"events": events})
        every = (*(AFTER if url else ()), *(BEFORE if pre else ()))
        wanted = every if events is None else tuple(events)
        for event in wanted:
            if event not in every:
                wrong = (
                    f"`{event}` is no event"
                    if event not in (*AFTER, *BEFORE)
                    else f"nothing is sent `{event}`"
                )
                raise UsageError(
                    wrong, hint=f"events of `url` are {', '.join(AFTER)}; those of `pre` {', '.join(BEFORE)}"
                )
        if allow_host is not None:
            self._emulator.webhooks.outbox.allowed.add(allow_host.lower())
        for one in filter(None, (url, pre)):
            self._check(one)
        for sid in self._service_sids:
            settings(self._emulator.store, sid).set(
                {
                    "pre_webhook_url": pre,
                    "post_webhook_url": url,
                    "filters": list(wanted),
                    "method": "POST",
                }
            )

    def _check(self, url: str) -> None:
        from reconciler.emulator.webhooks.targets import Forbidden, addresses, is_url  # noqa: PLC0415

        if not is_url(url):
            raise UsageError(f"`{url}` is no http(s) url", hint="write `http://127.0.0.1:8000/webhook`")
        try:
            finish(addresses(url, self._emulator.webhooks.outbox.allowed))
        except Forbidden as error:
            host = urlsplit(url).hostname
            raise UsageError(
                f"webhooks are not sent to `{url}`: {error}", hint=f"allow it with `allow_host={host!r}`"
            ) from error

    def settle(self, seconds: float = PATIENCE) -> None:
        """Wait until every webhook was answered, also those that the answers caused.

        An application that goes on after its answer is not waited for. Raises UsageError after *seconds*.
        """
        if not self._emulator.webhooks.outbox.wait(seconds):
            raise UsageError(
                f"webhooks are still sent after {seconds:g} s",
                hint="an application that answers its own messages goes on for ever",
            )

    def close(self) -> None:
        """Receive no more."""
        for sid in self._service_sids:
            self._emulator.webhooks.receivers.pop(sid, None)
