"""Objects by obstore: what a server's answers mean, and what is sent to whom."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from reconciler.errors import StateError
from reconciler.state.stores.adapters import obstore as adapter
from reconciler.state.stores.adapters.obstore import BucketBlobs, open_blobs
from reconciler.state.stores.primitives import Changed, Exists, Unheard
from tests.support.listener import Answer, Heard, Listener, listening

SECRET = "geheim" * 5
TOKEN = "token-of-a-session"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """A server that the environment names as the endpoint of S3."""
    with listening() as listener:
        monkeypatch.setenv("AWS_ENDPOINT_URL", listener.url.removesuffix("/hook"))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield listener


def ask(call: Callable[[BucketBlobs], Coroutine[Any, Any, Any]]) -> Any:
    """Return the answer to one call."""

    async def main() -> Any:
        blobs = open_blobs("s3", "bucket", "prod", allow_http=True)
        try:
            return await call(blobs)
        finally:
            await blobs.close()

    return asyncio.run(main())


CALLS: dict[str, Callable[[BucketBlobs], Coroutine[Any, Any, Any]]] = {
    "get": lambda blobs: blobs.get("head"),
    "create": lambda blobs: blobs.create("head", b"new"),
    "swap": lambda blobs: blobs.swap("head", b"new", '"1"'),
    "delete": lambda blobs: blobs.delete(["head"]),
    "names": lambda blobs: blobs.names("journal/"),
}


def answers(status: int, code: str = "") -> Callable[[Heard], Answer]:
    """Return an answer as S3 gives it, with a text that nobody is to see."""
    body = f"<Error><Code>{code}</Code><Message>{SECRET} of a stranger</Message></Error>" if code else SECRET
    return lambda _: (status, body.encode())


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "code"), [(500, "InternalError"), (503, "SlowDown"), (429, ""), (408, ""), (502, "")]
)
def test_an_answer_that_may_pass_is_unheard(server: Listener, call: str, status: int, code: str) -> None:
    """It is asked once: a write that was repeated could find its own first attempt."""
    server.answer = answers(status, code)
    with pytest.raises(Unheard, match=f"^it answered {f'{status} {code}'.strip()}$"):
        ask(CALLS[call])
    assert len(server.heard) == 1


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "code"),
    [
        *((403, "AccessDenied"), (403, "RequestTimeTooSkewed"), (401, ""), (400, "ExpiredToken"), (405, "")),
        (501, "NotImplemented"),
        (404, "NoSuchBucket"),
    ],
)
def test_an_answer_that_stays_is_an_error(server: Listener, call: str, status: int, code: str) -> None:
    """It names the place and the reason, says what to do, and shows neither the text nor a credential."""
    server.answer = answers(status, code)
    with pytest.raises(StateError, match=f"`s3://bucket/prod` cannot be used: .*{code}") as refused:
        ask(CALLS[call])
    assert refused.value.hint
    assert SECRET not in f"{refused.value} {refused.value.hint}"
    assert len(server.heard) == 1


def test_there_is_no_object(server: Listener) -> None:
    """Neither to read, nor to replace; a conditional write of S3 that met another is asked again."""
    server.answer = answers(404, "NoSuchKey")
    assert ask(CALLS["get"]) is None
    with pytest.raises(Changed):
        ask(CALLS["swap"])
    server.answer = answers(412, "PreconditionFailed")
    with pytest.raises(Changed):
        ask(CALLS["swap"])
    with pytest.raises(Exists):
        ask(CALLS["create"])
    server.answer = answers(409, "ConditionalRequestConflict")
    for call in ("create", "swap"):
        with pytest.raises(Unheard, match="409 ConditionalRequestConflict"):
            ask(CALLS[call])


def test_what_is_written_depends_on_the_version(server: Listener) -> None:
    """The conditions are in the requests, whatever the environment says about them."""
    for call in ("create", "swap"):
        server.answer = answers(412, "PreconditionFailed")
        with pytest.raises((Exists, Changed)):
            ask(CALLS[call])
    created, swapped = server.heard
    assert created.headers["if-none-match"] == "*"
    assert swapped.headers["if-match"] == '"1"'
    assert {created.url, swapped.url} == {f"{server.url.removesuffix('/hook')}/bucket/prod/head"}


def test_no_server(server: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens there."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Unheard, match="no connection"):
        ask(CALLS["get"])
    assert not server.heard


def test_a_server_that_does_not_answer(server: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole call has one time limit."""
    monkeypatch.setattr(adapter, "CALL_SECONDS", 0.2)
    ended = threading.Event()

    def wait(_: Heard) -> Answer:
        ended.wait()
        return 200, b""

    server.answer = wait
    try:
        with pytest.raises(Unheard, match="it did not answer within"):
            ask(CALLS["create"])
    finally:
        ended.set()


def test_a_redirect_takes_no_signature_along(server: Listener) -> None:
    """A redirected GET is followed; the server that it leads to gets neither signature nor secret."""
    with listening() as other:
        other.answer = answers(404, "NoSuchKey")
        server.answer = lambda _: (307, f"{other.url}".encode())
        assert ask(CALLS["get"]) is None
        (heard,) = other.heard
    assert "authorization" not in {name.lower() for name in heard.headers}
    assert SECRET not in repr(heard)


def test_without_tls_nothing_is_sent(server: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is allowed by who opens it: no variable does."""
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")

    async def main() -> None:
        blobs = open_blobs("s3", "bucket", "prod", allow_http=False)
        with pytest.raises(Unheard):
            await blobs.get("head")
        await blobs.close()

    asyncio.run(main())
    assert not server.heard


def test_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment must say is said."""
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(StateError, match="no usable account") as refused:
        open_blobs("az", "states", "prod", allow_http=False)
    assert "AZURE_STORAGE_ACCOUNT_NAME" in str(refused.value.hint)
