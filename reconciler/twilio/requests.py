"""The four kinds of requests of the API: read, create, update and delete a resource."""

from __future__ import annotations

from typing import TypeVar

from msgspec.json import Decoder

from reconciler.twilio.exchange import Call, Exchange
from reconciler.twilio.failures import Idempotency

T = TypeVar("T")


class Requests:
    """Requests over *exchange*.

    Each takes the name of the *operation* and the *path* of the resource, which errors show. *form* is the
    encoded body, *bucket* the sid that the rate limit counts by. *webhooks* asks Twilio to call the account's
    webhooks, which a request of its REST API does not do by itself.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def read(self, operation: str, path: str, decoder: Decoder[T]) -> T:
        """Return the resource at *path*."""
        return await self._exchange.send(Call(operation, path, self._exchange.url(path)), decoder)

    async def create(
        self, operation: str, path: str, form: bytes, decoder: Decoder[T], *, bucket: str, webhooks: bool
    ) -> T:
        """Return the resource that was created in the collection at *path*."""
        call = self._post(operation, path, form, Idempotency.NOT_IDEMPOTENT, bucket, webhooks=webhooks)
        return await self._exchange.send(call, decoder)

    async def update(
        self, operation: str, path: str, form: bytes, decoder: Decoder[T], *, bucket: str, webhooks: bool
    ) -> T:
        """Return the resource at *path* after the update."""
        call = self._post(operation, path, form, Idempotency.IDEMPOTENT, bucket, webhooks=webhooks)
        return await self._exchange.send(call, decoder)

    async def delete(self, operation: str, path: str, *, bucket: str, webhooks: bool) -> None:
        """Delete the resource at *path*."""
        call = Call(
            operation,
            path,
            self._exchange.url(path),
            idempotency=Idempotency.IDEMPOTENT,
            method="DELETE",
            bucket=bucket,
            headers=_webhooks_header(on=webhooks),
        )
        await self._exchange.send(call, None)

    def _post(
        self, operation: str, path: str, form: bytes, idempotency: Idempotency, bucket: str, *, webhooks: bool
    ) -> Call:
        return Call(
            operation,
            path,
            self._exchange.url(path),
            idempotency=idempotency,
            method="POST",
            bucket=bucket,
            content=form,
            headers={"Content-Type": "application/x-www-form-urlencoded", **_webhooks_header(on=webhooks)},
        )


def _webhooks_header(*, on: bool) -> dict[str, str]:
    return {"X-Twilio-Webhook-Enabled": "true"} if on else {}
