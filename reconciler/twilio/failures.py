"""Turn error replies and broken connections into errors, and decide which requests may be sent again.

A create may be sent again only if it certainly did not happen: the API has no idempotency key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum, auto
from http import HTTPStatus
from typing import Final

from reconciler.errors import Conflict, NotFound, NotSent, OutcomeUnknown, Refused, RemoteError, Throttled
from reconciler.text.foreign import quoted
from reconciler.twilio import wire
from reconciler.twilio.endpoint import is_loopback
from reconciler.twilio.network import Broken, Reply, Url

_BUSY: Final = frozenset({50002, 50334, 50349, 50391, 50449, 50514})
"""Twilio's error codes for a resource that another request is changing or deleting: this one was rejected."""
_CLASSES: Final[Mapping[int, type[RemoteError]]] = {
    404: NotFound,
    408: OutcomeUnknown,  # a gateway timed out: the server behind it may still have acted
    409: Conflict,
    429: Throttled,
}
_CREDENTIALS_HINT: Final = (
    "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (or TWILIO_API_KEY and TWILIO_API_SECRET); "
    "keys belong to one region, see TWILIO_REGION and TWILIO_EDGE"
)


_LOCAL_CREDENTIALS_HINT: Final = (
    "the emulator takes any account and any token: `export TWILIO_ACCOUNT_SID=AC{digits} "
    "TWILIO_AUTH_TOKEN=any`; one that was started with `--require-token` takes that token only"
).format(digits="0" * 32)
_CONNECTION_HINT: Final = "check the network and `--endpoint`"
_BROKEN_HINT: Final = "check the network, and run the command again: what is done is not done twice"
_CERTIFICATE_HINT: Final = (
    "check `--endpoint`; where a proxy or server has a certificate of your own authority, "
    "set SSL_CERT_FILE to the file of that authority"
)


_REQUEST_ID: Final = re.compile(r"RQ[0-9A-Za-z]{1,64}")


class Idempotency(Enum):
    """What sending a request twice does, in the terms of HTTP (RFC 9110, section 9.2)."""

    SAFE = auto()
    """Nothing: a read changes nothing on the server."""
    IDEMPOTENT = auto()
    """The same as sending it once: an update, a deletion, an upload that no message refers to."""
    NOT_IDEMPOTENT = auto()
    """A duplicate: a create."""


def may_repeat(error: Exception, idempotency: Idempotency) -> bool:
    """Return whether a request that ended in *error* may be sent again without looking what it did."""
    if isinstance(error, NotSent | Throttled):
        return True
    if idempotency is Idempotency.NOT_IDEMPOTENT:
        return False
    if isinstance(error, OutcomeUnknown):
        return True
    return idempotency is Idempotency.IDEMPOTENT and isinstance(error, Refused) and error.code in _BUSY


def of_reply(
    reply: Reply,
    content: bytes,
    url: Url,
    *,
    hide: Callable[[str], str],
    operation: str,
    where: str,
) -> RemoteError | None:
    """Return the error for *reply* from *url*, whose body is *content*, or None if it is a success.

    *hide* takes our credentials out of the server's message.
    """
    status = reply.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    body = wire.error_body(content)
    error = OutcomeUnknown if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _CLASSES.get(status, Refused)
    if body is None and error is NotFound:
        # A 404 without Twilio's JSON comes from another server: the address is wrong.
        error = Refused
    answer = f"Twilio answered {status}"
    if body is None:
        answer += " with no readable error"
    else:
        answer += f" (code {body.code})" if body.code is not None else ""
    return error(
        f"{operation} failed at `{where}`: {answer}",
        reply=hide(body.message) if body is not None else "",
        hint=_hint(status, body, local=is_loopback(url.host)),
        operation=operation,
        where=where,
        status=status,
        code=body.code if body is not None else None,
        request_id=_request_id(reply),
        retry_after=wire.retry_after(reply.headers.get("retry-after"), datetime.now(UTC)),
    )


def of_broken(error: Broken, url: Url, *, operation: str, where: str) -> RemoteError:
    """Return `NotSent` if no connection to *url* was made, else `OutcomeUnknown`."""
    server = url.netloc
    cause = wire.shortened(quoted(error.__cause__ or error, error.who))
    if not error.sent:
        return NotSent(
            f"{operation} failed: no connection to `{server}`: {cause}",
            hint=_unreached(error, url),
            operation=operation,
            where=where,
        )
    return OutcomeUnknown(
        f"{operation} failed at `{where}`: the connection to `{server}` broke",
        reply=cause,
        hint=_BROKEN_HINT,
        operation=operation,
        where=where,
    )


def _unreached(error: Broken, url: Url) -> str:
    """Return what to do where no connection to *url* could be made because of *error*."""
    if "certificate" in str(error).lower():
        return _CERTIFICATE_HINT
    if url.origin.startswith("http:") and is_loopback(url.host):
        return f"nothing listens there; `reconciler emulator --port {url.port or 80}` starts an emulator"
    return _CONNECTION_HINT


def of_deadline(seconds: float, url: Url, *, operation: str, where: str) -> OutcomeUnknown:
    """Return the error for an attempt that was aborted after *seconds*."""
    return OutcomeUnknown(
        f"{operation} failed at `{where}`: no whole reply from `{url.netloc}` within {seconds:.0f} s",
        hint="check the network and `--endpoint`, or pass a longer `--max-wait`",
        operation=operation,
        where=where,
    )


def of_unreadable(error: wire.Unreadable, reply: Reply, *, operation: str, where: str) -> OutcomeUnknown:
    """Return the error for a reply of status 2xx whose body cannot be decoded."""
    return OutcomeUnknown(
        f"{operation} failed at `{where}`: Twilio's reply cannot be read",
        reply=wire.shortened(str(error)),
        hint="check that `--endpoint` is the address of a Twilio Conversations API",
        operation=operation,
        where=where,
        status=reply.status,
        request_id=_request_id(reply),
    )


def _request_id(reply: Reply) -> str | None:
    text = reply.headers.get("twilio-request-id", "")
    return text if _REQUEST_ID.fullmatch(text) else None


def _hint(status: int, body: wire.ErrorBody | None, *, local: bool) -> str | None:
    """Return what to do about a reply; *local* says whether the server is on this machine."""
    if status == HTTPStatus.UNAUTHORIZED or (body is not None and body.code in {20003, 20005, 20006}):
        return _LOCAL_CREDENTIALS_HINT if local else _CREDENTIALS_HINT
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "try again later, or with a lower `--parallelism` or `--rate`"
    if body is None:
        return "check that `--endpoint` is the address of a Twilio Conversations API, and try again"
    return None if body.code is None else f"see https://www.twilio.com/docs/errors/{body.code}"
