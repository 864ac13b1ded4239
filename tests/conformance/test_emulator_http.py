"""Credentials, headers, methods, control urls, scripted faults: in process and over a real connection."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.emulator import Emulator, Fault
from reconciler.emulator.fault_text import parse_fault
from reconciler.emulator.faults import Invoke
from reconciler.emulator.server import running
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.api import Api, Clock

ACCOUNT = "AC" + "0" * 32
NO_AUTH = httpx.Auth()


@pytest.mark.parametrize(
    "auth", [("AC1", "token"), (ACCOUNT, ""), ("", "token"), ("US" + "0" * 32, "token"), ("é", "token")]
)
def test_refuses_credentials_that_are_none(api: Api, auth: tuple[str, str]) -> None:
    """401 with Twilio's one word, whatever is wrong."""
    reply = api("GET", "/v1/Services", auth=auth)

    assert (reply.status_code, reply.json()["code"], reply.json()["message"]) == (401, 20003, "Authenticate")


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Bearer abc"])
def test_refuses_headers_that_are_no_credentials(api: Api, header: str) -> None:
    """A malformed header is no crash."""
    assert api("GET", "/v1/Services", headers={"authorization": header}, auth=NO_AUTH).status_code == 401


def test_configured_token_is_the_only_password(make_api: Callable[..., Api]) -> None:
    """Any other is refused."""
    api = make_api(auth_token="right")

    assert api("GET", "/v1/Services", auth=(ACCOUNT, "wrong")).status_code == 401
    assert api("GET", "/v1/Services", auth=(ACCOUNT, "right")).status_code == 200


def test_replies_name_the_account_of_the_credentials(api: Api) -> None:
    """With an API key it is the store's own."""
    with_key = api("GET", "/v1/Configuration", auth=("SK" + "1" * 32, "secret")).json()

    assert api.get("/v1/Configuration")["account_sid"] == ACCOUNT
    assert with_key["account_sid"] == api.emulator.store.account_sid


def test_replies_carry_twilios_headers(api: Api) -> None:
    """Errors too."""
    for path in ("/v1/Services", "/v1/Nothing"):
        headers = api("GET", path).headers
        assert headers["content-type"] == "application/json;charset=utf-8"
        assert headers["twilio-request-id"].startswith("RQ")
        assert headers["twilio-concurrent-requests"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("PUT", "/v1/Services", (405, 20004)),
        ("DELETE", "/v1/Services", (405, 20004)),
        ("GET", "/v1/services", (404, 20404)),
        ("GET", "/v1/Services/", (404, 20404)),
        ("GET", "/", (404, 20404)),
    ],
)
def test_unknown_methods_and_paths_are_refused_in_twilios_shape(
    api: Api, method: str, path: str, refusal: tuple[int, int]
) -> None:
    """Paths are case-sensitive, and nothing is redirected."""
    assert api.refusal(method, path) == refusal


def test_requests_are_logged_with_their_kind(api: Api, conversation: str) -> None:
    """A reset has no status, an unknown path no kind."""
    api.emulator.requests.clear()
    api.get(f"{conversation}/Messages")
    api("GET", "/v1/Nothing")
    api.fault("create_message:reset_before")
    with pytest.raises(httpx.ReadError):
        api.post(f"{conversation}/Messages", Body="Hi")

    assert [(entry.method, entry.kind, entry.status) for entry in api.emulator.requests] == [
        ("GET", "list_messages", 200),
        ("GET", "", 404),
        ("POST", "create_message", None),
    ]


def bodies(api: Api, conversation: str) -> list[str]:
    """Return what is stored."""
    return [message["body"] for message in api.get(f"{conversation}/Messages")["messages"]]


@pytest.mark.parametrize(
    ("fault", "error", "stored"),
    [
        ("reset_before", httpx.ReadError, False),
        ("reset_after", httpx.ReadError, True),
        ("no_connection", httpx.ConnectError, False),
        ("truncate", httpx.RemoteProtocolError, True),
    ],
)
def test_fault_breaks_the_connection(
    api: Api, conversation: str, fault: str, error: type[Exception], *, stored: bool
) -> None:
    """The client sees what it would see on the wire; whether the write happened depends on the fault."""
    api.fault(f"create_message:1:{fault}")
    with pytest.raises(error):
        api.post(f"{conversation}/Messages", Body="Hi")

    assert bodies(api, conversation) == ["Hi"] * stored


@pytest.mark.parametrize(
    ("fault", "status", "body", "stored"),
    [
        ("500", 500, b'"code":20500', False),
        ("503", 503, b'"code":20503', False),
        ("503_html", 503, b"<html>", False),
        ("502_empty", 502, b"", False),
        ("500_after", 500, b'"status":500', True),
        ("429", 429, b'"code":20429', False),
        ("400/50056", 400, b'"code":50056', False),
        ("wrong_type", 201, b"<html>", True),
    ],
)
def test_fault_answers_otherwise(
    api: Api, conversation: str, fault: str, status: int, body: bytes, *, stored: bool
) -> None:
    """JSON, HTML or nothing, before the write or after it."""
    api.fault(f"create_message:1:{fault}")
    reply = api("POST", f"{conversation}/Messages", {"Body": "Hi"})

    assert (reply.status_code, body in reply.content) == (status, True)
    assert ("retry-after" in reply.headers, bodies(api, conversation)) == (False, ["Hi"] * stored)


def test_throttling_may_say_how_long(api: Api, clock: Clock) -> None:
    """In seconds or as a date, which never promises too early."""
    api.fault("*:1:429=1.5", "*:2:429=date+1.5")
    seconds = api("GET", "/v1/Services").headers["retry-after"]
    date = api("GET", "/v1/Services").headers["retry-after"]

    assert (seconds, (parsedate_to_datetime(date) - clock.now).total_seconds()) == ("1.5", 2)


def test_latency_waits_with_the_sleep_that_was_given() -> None:
    """So a test waits for nothing."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def ask(emulator: Emulator) -> int:
        async with httpx.AsyncClient(transport=emulator.transport(), auth=(ACCOUNT, "token")) as client:
            return (await client.get("http://emulator.invalid/v1/Services")).status_code

    emulator = Emulator(sleep=sleep)
    emulator.faults.add(parse_fault("*:latency=2.5"))
    status = asyncio.run(ask(emulator))
    emulator.close()

    assert (status, waited) == (200, [2.5])


def test_delayed_write_is_stored_when_its_time_has_come(api: Api, conversation: str, clock: Clock) -> None:
    """The connection is reset now; other writes get in between; the order is that of arrival in the store."""
    api.fault("create_message:1:delay=5")
    with pytest.raises(httpx.ReadError):
        api.post(f"{conversation}/Messages", Body="late")
    clock.forward(4.9)
    api.post(f"{conversation}/Messages", Body="early")
    before = bodies(api, conversation)
    clock.forward(0.1)

    assert (before, bodies(api, conversation)) == (["early"], ["early", "late"])


def test_delayed_write_bears_the_date_of_its_time(api: Api, conversation: str, clock: Clock) -> None:
    """However much later the next request comes."""
    on_time = api.post(f"{conversation}/Messages", Body="now")["date_created"]
    api.fault("create_message:1:delay=5")
    with pytest.raises(httpx.ReadError):
        api.post(f"{conversation}/Messages", Body="late")
    clock.forward(60)
    _, late = api.get(f"{conversation}/Messages")["messages"]

    assert datetime.fromisoformat(late["date_created"]) - datetime.fromisoformat(on_time) == timedelta(
        seconds=5
    )


def test_delayed_write_is_stored_at_the_latest_when_the_emulator_closes(tmp_path: Path) -> None:
    """Closing cannot take back what was accepted."""
    path = tmp_path / "emulator.db"
    first = Emulator(path)
    first.faults.add(parse_fault("create_service:delay=60"))

    async def create() -> None:
        async with httpx.AsyncClient(transport=first.transport(), auth=(ACCOUNT, "token")) as client:
            with pytest.raises(httpx.ReadError):
                await client.post("http://emulator.invalid/v1/Services", data={"FriendlyName": "late"})

    asyncio.run(create())
    first.close()
    second = Emulator(path)
    default = second.store.services.create({"FriendlyName": "next"})
    second.close()

    assert default.id == 2


def test_late_listing_shows_messages_only_after_a_while(api: Api, conversation: str, clock: Clock) -> None:
    """A fetch finds them at once."""
    api.fault("list_messages:late=5")
    sid = api.post(f"{conversation}/Messages", Body="Hi")["sid"]
    hidden = bodies(api, conversation)
    fetched = api.get(f"{conversation}/Messages/{sid}")["body"]
    clock.forward(5)

    assert (hidden, fetched, bodies(api, conversation)) == ([], "Hi", ["Hi"])


def test_a_stale_read_finds_nothing_that_is_younger(api: Api, clock: Clock) -> None:
    """It comes from a replica: what was made meanwhile is a 404, or not in its list; writes go on."""
    service = f"/v1/Services/{api.post('/v1/Services', FriendlyName='desk')['sid']}"
    clock.forward(60)
    api.fault("*:stale=5")
    room = f"{service}/Conversations/{api.post(f'{service}/Conversations', UniqueName='new')['sid']}"
    person = api.post(f"{room}/Participants", Identity="alice")["sid"]
    message = api.post(f"{room}/Messages", Body="Hi")["sid"]
    reads = [
        service,
        room,
        f"{service}/Conversations/new",
        f"{room}/Messages",
        f"{room}/Messages/{message}",
        f"{room}/Participants",
        f"{room}/Participants/{person}",
    ]
    young = [api("GET", url).status_code for url in reads]
    listed = api.get(f"{service}/Conversations")["conversations"]
    clock.forward(5)
    older = [api("GET", url).status_code for url in reads]
    api.post(f"{room}/Messages", Body="Younger")
    api.post(f"{room}/Participants", Identity="bob")

    assert (young, listed, older) == ([200, *[404] * 6], [], [200] * 7)
    assert bodies(api, room) == ["Hi"]
    assert [one["identity"] for one in api.get(f"{room}/Participants")["participants"]] == ["alice"]


def test_text_is_tidied_and_authors_are_folded(api: Api, conversation: str) -> None:
    """As some servers do, on create and on update."""
    api.fault("*_message:tidy_text", "*_message:fold_author")
    made = api.post(f"{conversation}/Messages", Author="Alice", Body=" cafe\u0301\r\nau lait\n")
    changed = api.post(f"{conversation}/Messages/{made['sid']}", Body="Bye ")

    assert (made["author"], made["body"]) == ("alice", "caf\u00e9\nau lait")
    assert (changed["author"], changed["body"]) == ("alice", "Bye")


def test_repeating_pager_leads_to_the_page_it_stands_on(api: Api, conversation: str) -> None:
    """The next url is the url."""
    api.fault("list_messages:repeat_page")
    meta = api.get(f"{conversation}/Messages")["meta"]

    assert meta["next_page_url"] == meta["url"]


def test_endless_pager_never_gives_the_same_url_twice(api: Api, conversation: str) -> None:
    """A client must notice by other means than a repeated url."""
    api.fault("list_messages:endless_pages")
    api.post(f"{conversation}/Messages", Body="Hi")
    urls, url = set(), f"{conversation}/Messages"
    for _ in range(10):
        url = api.get(url)["meta"]["next_page_url"]
        urls.add(url)

    assert len(urls) == 10


def test_webhook_rewrites_the_body_only_if_webhooks_are_on(api: Api, conversation: str) -> None:
    """Without the header no webhook fires."""
    api.fault("create_message:rewrite_body=***")
    for value in ("true", "false"):
        api("POST", f"{conversation}/Messages", {"Body": "Hi"}, headers={"X-Twilio-Webhook-Enabled": value})

    api.emulator.faults.clear()
    api.fault("create_message:rewrite_body=<{body}>")
    api("POST", f"{conversation}/Messages", {"Body": "Hi"}, headers={"X-Twilio-Webhook-Enabled": "true"})

    assert bodies(api, conversation) == ["***", "Hi", "<Hi>"]


def test_callback_sees_the_store_before_and_after(api: Api, conversation: str) -> None:
    """A crash harness kills the client from here."""
    seen: list[int] = []

    def look() -> None:
        sid = conversation.split("/")[3]
        seen.append(api.emulator.store.conversations.get(sid, "order-1").next_index)

    api.emulator.faults.add(
        Fault("create_message", Invoke(look)), Fault("create_message", Invoke(look, after=True))
    )
    api.post(f"{conversation}/Messages", Body="Hi")

    assert seen == [0, 1]


@pytest.fixture
def http(served: tuple[Emulator, str]) -> Iterator[httpx.Client]:
    """Return a client of the emulator that is served over HTTP."""
    emulator, origin = served
    emulator.faults.clear()
    with httpx.Client(base_url=origin, auth=(ACCOUNT, "token"), trust_env=False) as client:
        yield client
    emulator.faults.clear()


@pytest.mark.parametrize(
    ("fault", "error", "stored"),
    [
        ("reset_before", httpx.ReadError, 0),
        ("reset_after", httpx.ReadError, 1),
        ("no_connection", httpx.ReadError, 0),
        ("truncate", httpx.RemoteProtocolError, 1),
    ],
)
def test_fault_breaks_a_real_connection(
    http: httpx.Client, served: tuple[Emulator, str], fault: str, error: type[Exception], stored: int
) -> None:
    """What a script does in process it does on the wire, and the server goes on."""
    before = len(http.get("/v1/Services?PageSize=100").json()["services"])
    served[0].faults.add(parse_fault(f"create_service:{fault}"))
    with pytest.raises(error):
        http.post("/v1/Services", data={"FriendlyName": fault})

    assert len(http.get("/v1/Services?PageSize=100").json()["services"]) == before + stored


def test_truncated_empty_reply_is_none_at_all(http: httpx.Client, served: tuple[Emulator, str]) -> None:
    """A 204 has no body that could be cut."""
    sid = http.post("/v1/Services", data={"FriendlyName": "short"}).json()["sid"]
    served[0].faults.add(parse_fault("delete_service:truncate"))

    with pytest.raises(httpx.RemoteProtocolError):
        http.delete(f"/v1/Services/{sid}")


def test_half_a_request_is_not_handled(http: httpx.Client, served: tuple[Emulator, str]) -> None:
    """A client that dies while it sends has created nothing."""
    before = http.get("/v1/Services?PageSize=100").json()["services"]
    head = (
        "POST /v1/Services HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\nFriendlyName=ha"
    )
    served[0].requests.clear()
    with socket.create_connection(("127.0.0.1", http.base_url.port or 0)) as client:
        client.sendall(head.encode())
    while "create_service" not in (logged := {entry.kind: entry for entry in served[0].requests.copy()}):
        http.get("/_emulator/store")

    assert logged["create_service"].status is None
    assert http.get("/v1/Services?PageSize=100").json()["services"] == before


def test_pause_waits_until_the_marker_is_removed(
    http: httpx.Client, served: tuple[Emulator, str], tmp_path: Path
) -> None:
    """The marker says that the request has come; other requests go on meanwhile."""
    marker = tmp_path / "reached"
    served[0].faults.add(parse_fault(f"create_service:pause_after={marker}"))

    async def create_and_release() -> tuple[bool, int]:
        async with httpx.AsyncClient(
            base_url=http.base_url, auth=(ACCOUNT, "token"), trust_env=False
        ) as client:
            create = asyncio.create_task(client.post("/v1/Services", data={"FriendlyName": "slow"}))
            while not marker.exists():  # noqa: ASYNC110 (the marker is the event)
                await asyncio.sleep(0.001)
            await client.get("/v1/Configuration")
            held = not create.done()
            marker.unlink()
            return held, (await create).status_code

    assert asyncio.run(create_and_release()) == (True, 201)


def test_control_urls_script_and_report(http: httpx.Client, served: tuple[Emulator, str]) -> None:
    """Faults and the log can be reached over HTTP, without credentials."""
    assert http.delete("/_emulator/requests", auth=NO_AUTH).status_code == 204
    added = http.post("/_emulator/faults", json={"faults": ["fetch_configuration:503"]}, auth=NO_AUTH)
    broken = http.get("/v1/Configuration").status_code
    http.delete("/_emulator/faults")
    mended = http.get("/v1/Configuration").status_code

    assert (added.status_code, broken, mended) == (204, 503, 200)
    assert http.get("/_emulator/requests").json()["requests"] == [
        {"method": "GET", "path": "/v1/Configuration", "kind": "fetch_configuration"} | outcome
        for outcome in ({"status": 503, "faults": ["503"]}, {"status": 200, "faults": []})
    ]
    store = served[0].store
    assert http.get("/_emulator/store").json() == {
        "store_id": store.store_id,
        "account_sid": store.account_sid,
    }


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"content": b'{"faults":[]}', "headers": {"content-type": "text/plain"}}, 415),
        ({"json": {"faults": ["nonsense"]}}, 400),
        ({"json": {"rules": []}}, 400),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400),
    ],
)
def test_control_refuses_what_it_cannot_read(
    http: httpx.Client, request_: dict[str, Any], status: int
) -> None:
    """A page in a browser cannot say that it sends JSON; mistakes are explained."""
    reply = http.post("/_emulator/faults", **request_)

    assert (reply.status_code, list(reply.json())) == (status, ["error"])


def test_unknown_control_is_404(http: httpx.Client) -> None:
    """Only what is documented exists."""
    assert http.get("/_emulator/secrets").status_code == 404


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_server_announces_itself_and_stops_without_fuss(tmp_path: Path, number: signal.Signals) -> None:
    """One line on stdout when it is ready, the lines to export on stderr, exit code 0 after the signal."""
    program = (
        "import sys; from pathlib import Path\n"
        "from reconciler.emulator import EmulatorOptions\n"
        "from reconciler.emulator.server import serve\n"
        "serve(port=0, data=Path(sys.argv[1]), options=EmulatorOptions())"
    )
    path = tmp_path / "emulator.db"
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        origin = line.split()[4]
        created = httpx.post(
            f"{origin}/v1/Services", data={"FriendlyName": "kept"}, auth=(ACCOUNT, "t"), trust_env=False
        )
        os.kill(process.pid, number)
        rest, errors = process.communicate(timeout=10)

    emulator = Emulator(path)
    store = emulator.store
    kept = store.services.get(created.json()["sid"]).friendly_name
    emulator.close()
    assert line == (
        f"Twilio Conversations emulator on {origin} (account {store.account_sid}, store {store.store_id})\n"
    )
    assert (process.returncode, rest, kept) == (0, "", "kept")
    assert errors == (
        f"To look into it: {origin}/\n"
        "To use it from another terminal:\n"
        f"  export RECONCILER_ENDPOINT={origin}\n"
        f"  export TWILIO_ACCOUNT_SID=AC{'0' * 32} TWILIO_AUTH_TOKEN=any\n"
    )


def test_taken_port_is_an_error_that_names_it(api: Api) -> None:
    """It does not wait, and does not take another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError) as caught, running(api.emulator, port=port):
            pass

    assert f"cannot listen on port {port} of 127.0.0.1" in caught.value.text
    assert caught.value.hint is not None
