"""A state over Terraform's HTTP protocol: addresses, replies, and what is never sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx
import pytest

from reconciler.errors import StateError, UsageError
from reconciler.state.keys import NO_KEYS
from reconciler.state.stores.adapters import terraform
from reconciler.state.stores.adapters.terraform import Lock, TerraformPage
from reconciler.state.stores.https import open_store
from reconciler.state.stores.primitives import Changed, Held, Sheet, Unheard
from tests.support.terraform_server import PASSWORD, PATH, USERNAME, Answer, Asked, TerraformServer, id_in

T = TypeVar("T")

ADDRESS = f"https://state.example{PATH}"
LOCK = Lock(f"{ADDRESS}/lock", "POST", "DELETE")
INFO = json.dumps(
    {
        "ID": "1",
        "Operation": "apply",
        "Info": "",
        "Who": "ann@here",
        "Version": "x",
        "Created": "y",
        "Path": "",
    }
).encode()


@pytest.fixture
def server() -> TerraformServer:
    """A server without a state."""
    return TerraformServer()


def page(server: TerraformServer, *, password: str = PASSWORD, lock: Lock = LOCK) -> TerraformPage:
    """Return the page as another process opens it."""
    return TerraformPage(ADDRESS, lock, credentials=(USERNAME, password), transport=server.transport())


def do(work: Coroutine[Any, Any, T]) -> T:
    """Run *work*."""
    return asyncio.run(work)


def document(serial: int) -> bytes:
    """Return something that a server takes."""
    return json.dumps({"serial": serial}).encode()


def test_a_document_is_written_by_who_has_the_lock(server: TerraformServer) -> None:
    """Each write names the lock's id; another is refused, and told who has it."""

    async def main() -> None:
        one, other = page(server), page(server)
        assert (await one.read()).data is None
        await one.lock(INFO)
        version = await one.replace(document(1), "")
        found = await other.read()
        assert (found.data, found.version) == (document(1), version)
        assert found.date is not None
        with pytest.raises(Changed):
            await other.replace(document(2), version)
        with pytest.raises(Held) as held:
            await other.lock(INFO.replace(b'"1"', b'"2"'))
        assert id_in(held.value.info) == "1"
        await one.unlock(INFO)
        await one.unlock(INFO)
        await other.lock(INFO.replace(b'"1"', b'"2"'))
        assert server.data == document(1)

    do(main())


def test_a_lock_is_forced_without_an_id(server: TerraformServer) -> None:
    """The write of whoever had it is refused from then on."""

    async def main() -> None:
        one = page(server)
        await one.lock(INFO)
        await page(server).unlock(b"")
        with pytest.raises(Changed):
            await one.replace(document(1), "")
        assert server.data is None

    do(main())


@pytest.mark.parametrize("status", [200, 201])
def test_a_success_without_a_document_is_no_absent_state(server: TerraformServer, status: int) -> None:
    """Taken for one, what the server has would be written over; 204 and 404 say that there is none."""
    server.trouble = lambda _: Answer(status, b"")

    with pytest.raises(StateError, match=f"answers with status {status} and nothing"):
        do(page(server).read())


@pytest.mark.parametrize("status", [204, 404])
def test_a_state_that_is_not_there(server: TerraformServer, status: int) -> None:
    """Servers say so in both ways."""
    server.trouble = lambda _: Answer(status, b"")

    assert do(page(server).read()).data is None


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 403, 405, 413, 422])
def test_what_trying_again_does_not_mend_is_an_error(server: TerraformServer, status: int) -> None:
    """A redirect is one: credentials would follow it."""
    server.trouble = lambda _: Answer(status, b"geheim", {"Location": "https://evil.example/x"})
    for call in (page(server).read, lambda: page(server).replace(b"{}", ""), lambda: page(server).lock(INFO)):
        before = len(server.asked)
        with pytest.raises(StateError, match=f"with status {status}") as refused:
            do(call())
        assert len(server.asked) == before + 1
        assert "geheim" not in f"{refused.value} {refused.value.hint}"
        assert PASSWORD not in f"{refused.value} {refused.value.hint}"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_keeps_the_answer_away_is_not_heard(server: TerraformServer, status: int) -> None:
    """The protocol looks then what became of it."""
    server.trouble = lambda _: Answer(status)
    for call in (page(server).read, lambda: page(server).replace(b"{}", ""), lambda: page(server).lock(INFO)):
        with pytest.raises(Unheard, match=f"status {status}"):
            do(call())


def test_wrong_credentials_are_named_by_their_variables(server: TerraformServer) -> None:
    """Not by their values."""
    with pytest.raises(StateError) as refused:
        do(page(server, password="wrong-sesame").read())
    assert "RECONCILER_STATE_PASSWORD" in (refused.value.hint or "")
    assert "wrong-sesame" not in f"{refused.value} {refused.value.hint}"


def test_a_state_without_a_lock_is_read_and_not_written(server: TerraformServer) -> None:
    """The hint says what to set."""
    one = page(server, lock=Lock(""))
    assert do(one.read()).data is None
    with pytest.raises(UsageError) as refused:
        do(page(server, lock=Lock("")).lock(INFO))
    assert "RECONCILER_STATE_LOCK_ADDRESS" in (refused.value.hint or "")


def test_one_request_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if a byte arrives now and then."""

    async def trickle(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(terraform, "CALL_SECONDS", 0.01)
    one = TerraformPage(ADDRESS, LOCK, credentials=None, transport=httpx.MockTransport(trickle))
    with pytest.raises(Unheard, match="no answer within"):
        do(one.read())


def test_a_reply_that_is_cut_short_is_not_heard() -> None:
    """Nor is a connection that fails; its text is none of ours to show."""

    def broken(_: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("peer closed connection \x1b[31m")

    one = TerraformPage(ADDRESS, LOCK, credentials=None, transport=httpx.MockTransport(broken))
    with pytest.raises(Unheard, match=r"^RemoteProtocolError: the connection failed$"):
        do(one.read())


def test_an_odd_date_is_none(server: TerraformServer) -> None:
    """Then clocks cannot be compared."""
    for date in ("yesterday", "", "Mon, 99 Nov 2026 00:00:00 GMT"):
        server.trouble = lambda _, date=date: Answer(204, headers={"Date": date})  # type: ignore[misc]
        assert do(page(server).read()) == Sheet(None)


BAD = (
    *("http://example.com/x", "https://me:geheim@example.com/x", "https://me@example.com/x", "https:///x"),
    *("https://example.com/x?token=geheim", "https://example.com/x#y", "https://example.com:99999/x"),
    *(
        "https://example.com/a b",
        "https://example.com\\@evil.example/x",
        "https://exa\tmple.com/x",
        "https://",
    ),
    *(
        "http://localhost.example.com/x",
        "http://127.0.0.1@evil.example/x",
        "https://[::1",
        "https://ex\u0430mple.com/",
    ),
)


@pytest.mark.parametrize("address", BAD)
def test_addresses_that_are_refused(address: str) -> None:
    """Clear text, credentials, and tricks by which libraries read another host; none of it is shown."""
    for environ in ({}, {"RECONCILER_STATE_LOCK_ADDRESS": address}):
        with pytest.raises(UsageError, match=r"cannot be used|is not encrypted") as refused:
            open_store(address if not environ else ADDRESS, environ, trusted=True, keys=NO_KEYS)
        assert "geheim" not in f"{refused.value} {refused.value.hint}"


def test_the_lock_is_that_of_the_state() -> None:
    """That of another state, or at another host, would keep nobody out."""
    for lock in (
        "https://evil.example/lock",
        f"{ADDRESS}x/lock",
        "https://state.example/api/v4/projects/7/terraform/state/staging/lock",
    ):
        with pytest.raises(UsageError, match="is not below it"):
            open_store(ADDRESS, {"RECONCILER_STATE_LOCK_ADDRESS": lock}, trusted=True, keys=NO_KEYS)
    for method in ("post", "GET /x", ""):
        environ = {"RECONCILER_STATE_LOCK_ADDRESS": f"{ADDRESS}/lock", "RECONCILER_STATE_LOCK_METHOD": method}
        if method:
            with pytest.raises(UsageError, match="are methods of HTTP"):
                open_store(ADDRESS, environ, trusted=True, keys=NO_KEYS)
        else:
            open_store(ADDRESS, environ, trusted=True, keys=NO_KEYS)


def test_a_strangers_host_gets_no_request() -> None:
    """A settings file alone leads to no host but the one that the environment names."""
    for given in ({}, {"RECONCILER_STATE_HOST": "example.com"}, {"RECONCILER_STATE_HOST": ""}):
        with pytest.raises(UsageError, match=r"names a state at `state\.example`"):
            open_store(ADDRESS, given, trusted=False, keys=NO_KEYS)
    open_store(ADDRESS, {"RECONCILER_STATE_HOST": "State.Example"}, trusted=False, keys=NO_KEYS)


def test_every_request_is_one_of_the_protocol(server: TerraformServer) -> None:
    """With the type of what is sent, and this tool's name."""

    async def main() -> None:
        one = page(server)
        await one.lock(INFO)
        await one.replace(document(1), "")
        await one.read()
        await one.unlock(INFO)

    do(main())
    assert [(one.method, one.target) for one in server.asked] == [
        ("POST", f"{PATH}/lock"),
        ("POST", f"{PATH}?ID=1"),
        ("GET", PATH),
        ("DELETE", f"{PATH}/lock"),
    ]
    sent: Asked
    for sent in server.asked:
        assert sent.headers["user-agent"].startswith("reconciler/")
        assert sent.headers.get("content-type", "") == ("application/json" if sent.body else "")
