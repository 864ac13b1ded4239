"""A server that repeats our own credentials: they stay unseen in errors, causes, logs and what is read."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from reconciler.errors import RemoteError
from reconciler.twilio.client import Twilio
from reconciler.twilio.endpoint import Credentials
from reconciler.twilio.masking import MASK
from reconciler.twilio.pace import Pace
from reconciler.twilio.pooled import OverHttpx
from reconciler.twilio.transport import Identified

Run = Callable[[Any], Any]
Answer = Callable[[httpx.Request], httpx.Response]

BASE = "http://127.0.0.1:8080/v1"
ACCOUNT = "AC" + "1" * 32
TOKENS = ("0123456789abcdef" * 2, 'aB+/c~d?ü"e\\f', "sesame-open", "gone with the ~wind~~~>>>???")
SERVICE, CONVERSATION, MESSAGE = "IS" + "1" * 32, "CH" + "1" * 32, "IM" + "1" * 32


def pair(token: str) -> str:
    """Return what follows `Basic`."""
    return base64.b64encode(f"{ACCOUNT}:{token}".encode()).decode()


FORMS: dict[str, Callable[[str], str]] = {
    "token": lambda token: token,
    "token-in-url": lambda token: quote(token, safe=""),
    "token-in-path": quote,
    "pair": lambda token: f"{ACCOUNT}:{token}",
    "header": lambda token: f"Authorization: Basic {pair(token)}",
    "header-cut": lambda token: f"Basic {pair(token).rstrip('=')}",
    "header-in-url": lambda token: quote(pair(token), safe=""),
    "header-in-url-small": lambda token: (
        quote(pair(token), safe="").replace("%2F", "%2f").replace("%2B", "%2b")
    ),
    "header-for-urls": lambda token: pair(token).replace("+", "-").replace("/", "_"),
}


def read(run: Run, answer: Answer, token: str) -> str:
    """Return all that a program sees of a listing: the messages, or the error with fields and causes."""

    async def main() -> str:
        async with Identified(
            OverHttpx(httpx.MockTransport(answer)), Credentials(ACCOUNT, token), origins=[BASE]
        ) as http:
            twilio = Twilio(http, base_url=BASE, media_url=BASE, pace=Pace(max_wait=0))
            try:
                return repr([page async for page in twilio.message_pages(SERVICE, CONVERSATION)])
            except RemoteError as error:
                return "".join(traceback.format_exception(error)) + str(vars(error)) + repr(error)

    shown: str = run(main())
    return shown


def page(text: str) -> httpx.Response:
    """Return a listing with one message that says *text*."""
    message = {"sid": MESSAGE, "index": 0, "body": text, "attributes": "{}"}
    places = {"chat_service_sid": SERVICE, "conversation_sid": CONVERSATION}
    return httpx.Response(200, json={"messages": [message | places], "meta": {"next_page_url": None}})


def broken(text: str) -> httpx.Response:
    """Break off with words of the server, as h11 does about a line that is no header."""
    cause = ValueError(f"illegal header line: {text}")
    raise httpx.RemoteProtocolError(f"illegal header line: {text}") from cause


def broken_with(error: httpx.RequestError) -> httpx.Response:
    """Raise *error*, as the transport does."""
    raise error


REPLIES: dict[str, Callable[[str], httpx.Response]] = {
    "refused": lambda text: httpx.Response(400, json={"code": 20001, "message": f"bad: {text}"}),
    "failed": lambda text: httpx.Response(500, json={"code": 20500, "message": f"{'x' * 190} {text}"}),
    "denied": lambda text: httpx.Response(401, json={"message": text}),
    "escaped": lambda text: httpx.Response(
        400, content=httpx.Response(0, json={"message": text}).content.replace(b"/", b"\\/")
    ),
    "no-page": lambda text: httpx.Response(200, json={"messages": text, "meta": {text: text}}),
    "next-page": lambda text: httpx.Response(
        200, json={"messages": [], "meta": {"next_page_url": f"http://{text}"}}
    ),
    "message": page,
    "broken": broken,
}


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reply", REPLIES)
def test_no_form_of_our_credentials_comes_back(run: Run, token: str, form: str, reply: str) -> None:
    """Whatever the server writes them in, they are gone where its bytes come in."""
    text = FORMS[form](token)

    shown = read(run, lambda _: REPLIES[reply](text), token)

    assert shown
    assert not [one for one in FORMS.values() if one(token) in shown or repr(one(token))[1:-1] in shown]
    assert reply in {"failed", "no-page", "next-page"} or MASK in shown


def test_a_header_of_a_reply_is_no_way_either(run: Run) -> None:
    """The id of a request is shown to ask Twilio's support with, and is one or nothing."""
    token = TOKENS[0]

    shown = read(run, lambda _: httpx.Response(400, headers={"Twilio-Request-Id": token}), token)

    assert token not in shown


@pytest.mark.parametrize("word", ["emulator", "hunter2", "1234"])
@pytest.mark.parametrize("reply", ["refused", "broken"])
def test_an_error_that_is_nothing_but_a_short_secret_is_hidden(run: Run, word: str, reply: str) -> None:
    """Inside another text nobody could tell it from an ordinary word."""
    replies: dict[str, Callable[[str], httpx.Response]] = {
        "refused": lambda text: httpx.Response(400, json={"code": 20001, "message": text}),
        "broken": lambda text: broken_with(httpx.RemoteProtocolError(text)),
    }

    shown = read(run, lambda _: replies[reply](word), word)

    assert word not in shown.replace(__file__, "")
    assert MASK in shown


@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_the_password_for_a_proxy_comes_back(
    run: Run, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the proxy hears it, and repeats it where it refuses the connection."""
    password = "s3same/open+wide"
    monkeypatch.setenv("HTTPS_PROXY", f"http://{ACCOUNT}:{quote(password, safe='')}@127.0.0.1:9")
    text = FORMS[form](password)

    shown = read(run, lambda _: broken_with(httpx.ProxyError(f"407 {text}")), TOKENS[0])

    assert not [one for one in FORMS.values() if one(password) in shown]
    assert MASK in shown


@pytest.mark.parametrize("word", ["emulator", "token", "message", "1234"])
def test_an_ordinary_word_is_no_secret(run: Run, word: str) -> None:
    """The emulator takes any password; texts with that word in them are shown as they are."""
    assert f"the {word} of the day" in read(run, lambda _: page(f"the {word} of the day"), word)
