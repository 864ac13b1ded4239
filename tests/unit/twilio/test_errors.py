"""Which error each failure is, what it says, and what it never shows."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.errors import Conflict, NotFound, NotSent, OutcomeUnknown, Refused, RemoteError, Throttled
from reconciler.twilio.client import Twilio
from reconciler.twilio.endpoint import Credentials
from reconciler.twilio.pace import Pace
from reconciler.twilio.pooled import OverHttpx
from reconciler.twilio.transport import Identified

Run = Callable[[Any], Any]
Answer = Callable[[httpx.Request], httpx.Response]

BASE = "http://127.0.0.1:8080/v1"
TWILIO = "https://conversations.twilio.com/v1"
WHERE = "/Services/IS1/Conversations/CH1/Messages"
TOKEN = "t0ken-that-nobody-may-see"
NO_JSON = "it stops being JSON at character 1"
HTML = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"


def twilio_error(status: int, code: int | None = None, message: str = "Something") -> httpx.Response:
    """Return an error as Twilio shapes it."""
    body = {"message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}
    return httpx.Response(
        status, json=body | ({"code": code} if code else {}), headers={"Twilio-Request-Id": "RQ1"}
    )


def failure(run: Run, answer: Answer, base: str = BASE) -> RemoteError:
    """Return the error of a create at *base* that is answered by *answer*."""

    async def main() -> None:
        http = Identified(OverHttpx(httpx.MockTransport(answer)), Credentials("AC1", TOKEN), origins=[base])
        pace = Pace(max_wait=10)
        await Twilio(http, base_url=base, media_url=base, pace=pace).create_message("IS1", "CH1", {})

    with pytest.raises(RemoteError) as caught:
        run(main())
    return caught.value


def raising(error: Exception) -> Answer:
    """Answer with a broken connection."""

    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (twilio_error(400, 50377), Refused),
        (twilio_error(401, 20003), Refused),
        (twilio_error(403, 20003), Refused),
        (twilio_error(404, 20404), NotFound),
        (twilio_error(405, 20004), Refused),
        (twilio_error(409, 50353), Conflict),
        (twilio_error(429, 20429), Throttled),
        (twilio_error(429, 50063), Throttled),
        (httpx.Response(429, text=HTML), Throttled),
        (httpx.Response(302, headers={"Location": "https://evil.example"}), Refused),
        (httpx.Response(404, text=HTML), Refused),
        (httpx.Response(400), Refused),
        (httpx.Response(408), OutcomeUnknown),
        (twilio_error(500), OutcomeUnknown),
        (twilio_error(503, 20503), OutcomeUnknown),
        (httpx.Response(503, text=HTML), OutcomeUnknown),
        (httpx.Response(502), OutcomeUnknown),
        (httpx.Response(201, text=HTML), OutcomeUnknown),
        (httpx.Response(201), OutcomeUnknown),
        (httpx.Response(201, json={"sid": "IM1", "index": "zero"}), OutcomeUnknown),
        (httpx.Response(201, content=b'{"sid":"IM1","in'), OutcomeUnknown),
    ],
)
def test_class_of_a_reply(run: Run, reply: httpx.Response, kind: type[RemoteError]) -> None:
    """A definite no, a maybe, and the few that need telling apart."""
    error = failure(run, lambda _: reply)

    assert type(error) is kind
    assert error.status == reply.status_code


@pytest.mark.parametrize(
    ("exception", "kind"),
    [
        (httpx.ConnectError("All connection attempts failed"), NotSent),
        (httpx.ConnectTimeout(""), NotSent),
        (httpx.PoolTimeout(""), NotSent),
        (httpx.ProxyError("407 Proxy Authentication Required"), NotSent),
        (httpx.ReadTimeout(""), OutcomeUnknown),
        (httpx.WriteTimeout(""), OutcomeUnknown),
        (httpx.ReadError(""), OutcomeUnknown),
        (httpx.WriteError(""), OutcomeUnknown),
        (httpx.CloseError(""), OutcomeUnknown),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), OutcomeUnknown),
        (httpx.LocalProtocolError(""), OutcomeUnknown),
        (httpx.DecodingError("bad gzip"), OutcomeUnknown),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_class_of_a_broken_connection(run: Run, exception: Exception, kind: type[RemoteError]) -> None:
    """Before there is a connection nothing was sent; afterwards anything may have happened."""
    error = failure(run, raising(exception))

    assert type(error) is kind
    assert error.__cause__ is exception
    assert error.hint is not None


def test_every_transport_error_of_httpx_is_classed(run: Run) -> None:
    """An exception that a later httpx adds is an unknown outcome, and no traceback."""
    leaves = [httpx.RequestError]
    while any(kind.__subclasses__() for kind in leaves):
        leaves = [leaf for kind in leaves for leaf in (kind.__subclasses__() or [kind])]

    for kind in leaves:
        assert isinstance(failure(run, raising(kind("x"))), NotSent | OutcomeUnknown), kind


def test_fields_of_an_error(run: Run) -> None:
    """Everything that the text is built from is there to be used."""
    error = failure(run, lambda _: twilio_error(400, 50377, "Conversation is closed"))

    assert (error.operation, error.where) == ("create message", WHERE)
    assert (error.status, error.code, error.request_id) == (400, 50377, "RQ1")


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (
            twilio_error(400, 50504, "Body too long"),
            f"create message failed at `{WHERE}`: Twilio answered 400 (code 50504): Body too long",
        ),
        (
            twilio_error(500, None, "An error occurred"),
            f"create message failed at `{WHERE}`: Twilio answered 500: An error occurred",
        ),
        (
            httpx.Response(503, text=HTML),
            f"create message failed at `{WHERE}`: Twilio answered 503 with no readable error",
        ),
        (
            httpx.Response(200, text=HTML),
            f"create message failed at `{WHERE}`: Twilio's reply cannot be read: " + NO_JSON,
        ),
    ],
)
def test_text_of_an_error(run: Run, reply: httpx.Response, text: str) -> None:
    """What was tried, where, and what the answer was."""
    assert failure(run, lambda _: reply).text == text


def test_refused_connection_names_the_server(run: Run) -> None:
    """Host and port are what a person checks first; on this machine, it is the emulator that is missing."""
    refused = raising(httpx.ConnectError("All connection attempts failed"))
    here, there = failure(run, refused), failure(run, refused, TWILIO)

    assert "no connection to `127.0.0.1:8080`: httpx says " in here.text
    assert "`reconciler emulator --port 8080`" in (here.hint or "")
    assert "no connection to `conversations.twilio.com`: httpx says " in there.text
    assert there.hint == "check the network and `--endpoint`"


@pytest.mark.parametrize("reply", [twilio_error(401, 20003), httpx.Response(401), twilio_error(403, 20003)])
def test_refused_credentials_name_the_variables(run: Run, reply: httpx.Response) -> None:
    """All four variables, and the trap that keys belong to one region; an emulator takes any."""
    hint = failure(run, lambda _: reply, TWILIO).hint or ""

    for word in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_API_KEY", "TWILIO_API_SECRET", "region"):
        assert word in hint
    assert "takes any account and any token" in (failure(run, lambda _: reply).hint or "")


def test_hint_leads_to_the_documentation_of_the_code(run: Run) -> None:
    """The address is ours, not what the reply says: a server cannot send people elsewhere."""
    reply = httpx.Response(400, json={"code": 50377, "message": "m", "more_info": "https://evil.example"})

    assert failure(run, lambda _: reply).hint == "see https://www.twilio.com/docs/errors/50377"


def test_throttling_tells_attempts_and_what_to_change(run: Run) -> None:
    """After the bound on waiting, the error says how often it was tried."""
    error = failure(run, lambda _: twilio_error(429, 20429, "Too Many Requests"))

    assert "Twilio answered 429 (code 20429): Too Many Requests (" in error.text
    assert " attempts in " in error.text
    assert "--parallelism" in (error.hint or "")


def test_retry_after_of_a_reply_is_kept(run: Run) -> None:
    """The header's value is part of the error."""
    error = failure(run, lambda _: httpx.Response(429, headers={"Retry-After": "3600"}))

    assert error.retry_after == 3600


def test_server_text_is_cut(run: Run) -> None:
    """A stack trace or a page of text does not flood the output."""
    error = failure(run, lambda _: twilio_error(400, 50504, "x" * 10_000))

    assert len(error.text) < 400


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: twilio_error(401, 20003),
        lambda _: httpx.Response(503, text=HTML),
        lambda _: httpx.Response(200, text=HTML),
        raising(httpx.ConnectError("refused")),
        raising(httpx.ReadError("reset")),
    ],
)
def test_no_error_shows_a_credential(run: Run, answer: Answer) -> None:
    """Neither text, hint, fields nor a traceback with all causes holds the token in any form."""
    error = failure(run, answer)

    shown = "".join(traceback.format_exception(error)) + repr(vars(error)) + repr(error)
    for secret in (TOKEN, "QUMxOnQwa2Vu"):
        assert secret not in shown
