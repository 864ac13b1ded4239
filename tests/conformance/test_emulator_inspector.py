"""The inspector: what it shows and does, and that strangers' text stays text.

What a browser makes of its pages is looked at by `python -m tests browser`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from io import BytesIO

import httpx
import pytest

from reconciler.emulator import Emulator
from reconciler.emulator.database import Start
from reconciler.emulator.fault_text import parse_fault
from reconciler.emulator.webhooks.delivery import Webhook
from reconciler.text.inert import prose
from tests.support.hostile import CORPUS
from tests.support.inspected import PNG, chat_of, fill, token_of, writable

ACCOUNT = "AC" + "0" * 32


class Shown(HTMLParser):
    """The elements of a page with the names of their attributes, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, ...]] = []
        self.texts: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, *(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.add(data)


# What it shows


def test_conversations_stand_by_latest_activity(emulator: Emulator, browser: httpx.Client) -> None:
    """With their state, how much is in them, and the last that was said."""
    store = emulator.store
    service = store.services.create({"FriendlyName": "Desk"}).sid
    first, second = (
        store.conversations.create(service, {"UniqueName": name, "FriendlyName": name.title()}).sid
        for name in ("first", "second")
    )
    store.messages.create(service, first, {"Author": "mia", "Body": "I am the latest"})
    store.conversations.update(service, second, {"State": "closed"})
    store.messages.create(service, first, {"Author": "mia", "Body": "No, I am"})
    page = browser.get("/").text

    assert page.index(first) < page.index(second)
    assert "No, I am" in page
    assert "2 messages" in page
    assert '"state closed"' in page


def test_a_long_list_and_a_long_chat_are_shown_in_parts(emulator: Emulator, browser: httpx.Client) -> None:
    """Links lead on, and each thing is on one page only."""
    store = emulator.store
    service = store.services.create({"FriendlyName": "Desk"}).sid
    with store.transaction():
        sids = {store.conversations.create(service, {}).sid for _ in range(120)}
        chat = next(iter(sids))
        for number in range(250):
            store.messages.create(service, chat, {"Body": f"number {number}."})
    seen = list(parts(browser, f"/_inspector/{service}", "from", r'/(CH\w+)">'))
    for number in range(50):
        store.services.create({"FriendlyName": f"service {number}."})
    found = list(parts(browser, "/", "from", r">(service \d+\.)<"))
    said = list(parts(browser, f"/_inspector/{service}/{chat}", "before", r"(number \d+\.)"))

    assert sorted(seen) == sorted(sids)
    assert found == [f"service {number}." for number in reversed(range(50))]
    assert sorted(said) == sorted(f"number {number}." for number in range(250))
    assert said[:100] == [f"number {number}." for number in range(150, 250)]


def parts(browser: httpx.Client, path: str, name: str, wanted: str) -> Iterator[str]:
    """Yield what *wanted* finds on *path* and the pages that its links lead on to."""
    page = browser.get(path).text
    yield from re.findall(wanted, page)
    while onward := re.search(rf'href="({path}\?{name}=\d+)"', page):
        page = browser.get(onward[1]).text
        yield from re.findall(wanted, page)


def test_people_files_and_receipts_are_shown(emulator: Emulator, browser: httpx.Client) -> None:
    """How people are reached and what they have read, pictures, and what became of a message."""
    service, chat = fill(emulator.store, "Mia")
    emulator.store.participants.update(service, chat, "Mia", {"LastReadMessageIndex": "1"})
    page = browser.get(f"/_inspector/{service}/{chat}").text
    picture = re.search(r'<img src="([^"]+)" alt="Mia"', page)

    assert "by Mia, nothing read yet" in page
    assert "in chat, read up to 1 of 2" in page
    assert "delivered to +49Mia" in page
    assert f"image/png, {len(PNG)} bytes" in page
    assert picture is not None
    assert browser.get(picture[1]).content == PNG


@pytest.mark.parametrize("kind", ["image/svg+xml", "text/html", "application/pdf", "IMAGE/PNGX"])
def test_only_pictures_are_sent(emulator: Emulator, browser: httpx.Client, kind: str) -> None:
    """A browser carries out other files."""
    store = emulator.store
    service, chat = fill(store, "Mia")
    media = store.media.upload(service, BytesIO(b"<script>alert(1)</script>"), kind, "evil.png")
    store.messages.create(service, chat, {"MediaSid": media.sid})

    assert browser.get(f"/_inspector/{service}/media/{media.sid}").status_code == 404
    assert media.sid not in browser.get(f"/_inspector/{service}/{chat}").text


def test_the_log_names_the_faults_that_struck(emulator: Emulator, browser: httpx.Client) -> None:
    """A request that got no reply is there too; the inspector's own requests are not."""
    emulator.faults.add(parse_fault("list_services:1:429=2"), parse_fault("list_services:2:reset_before"))
    auth = (ACCOUNT, "t")
    assert browser.get("/v1/Services", auth=auth).status_code == 429
    with pytest.raises(httpx.TransportError):
        browser.get("/v1/Services", auth=auth)
    shown = re.findall(r"<td>(.*?)</td>", browser.get("/_inspector/requests").text)

    request = "GET /v1/Services"
    assert shown == [
        *("no reply", request, "list_services", "reset_before"),
        *("429", request, "list_services", "429=2"),
    ]


@pytest.mark.parametrize("path", ["/_inspector/IS1", "/_inspector/IS1/CH1", "/_inspector/IS1/media/ME1"])
def test_what_is_not_there_is_said(browser: httpx.Client, path: str) -> None:
    """On a page, as a person asks."""
    reply = browser.get(path)

    assert reply.status_code == 404
    assert "this is not there, or not any more" in reply.text


# What it does


def test_somebody_says_something(emulator: Emulator, browser: httpx.Client) -> None:
    """The message is that person's, webhooks are told of it as of their own app's, and no fault strikes."""
    service, chat = fill(emulator.store, "Mia")
    told: list[tuple[str | None, ...]] = []

    def hear(hook: Webhook) -> None:
        told.append((hook.event, *map(hook.parameters.get, ("Source", "ClientIdentity"))))

    emulator.webhooks.receivers[service] = [hear]
    emulator.faults.add(parse_fault("*:503"))
    page = f"/_inspector/{service}/{chat}"
    mia = emulator.store.participants.get(service, chat, "Mia").sid
    form = {"token": token_of(browser.get(page).text), "speaker": mia, "body": "Two\r\nlines & <b>more</b>"}

    done = browser.post(f"{page}/messages", data=form)

    last = emulator.store.messages.page(service, chat, Start(), 1, descending=True).rows[0][2]
    assert (done.status_code, done.headers["location"]) == (303, f"{page}?as={mia}#send")
    assert b'"author":"Mia","body":"Two\\nlines & <b>more</b>"' in last
    assert ("onMessageAdded", "SDK", "Mia") in told
    assert f'<option value="{mia}" selected>Mia</option>' in browser.get(f"{page}?as={mia}").text


def test_a_conversation_is_closed(emulator: Emulator, browser: httpx.Client) -> None:
    """Then it has no forms any more, and what is sent all the same is refused."""
    chat = chat_of(emulator)
    form = {"token": token_of(browser.get(chat).text), "body": "Too late"}

    assert browser.post(f"{chat}/close", data=form).status_code == 303
    page = browser.get(chat).text
    assert "closed, 3 messages" in page
    assert "<form" not in page
    late = browser.post(f"{chat}/messages", data=form)
    assert (late.status_code, "(code 50377)" in late.text) == (400, True)


@pytest.mark.parametrize(("body", "status"), [("", 400), ("x" * 40_000, 400), ("x" * 300_000, 413)])
def test_what_twilio_refuses_is_refused(
    emulator: Emulator, browser: httpx.Client, body: str, status: int
) -> None:
    """With its sentence, on a page."""
    chat = chat_of(emulator)
    form = {"token": token_of(browser.get(chat).text), "body": body}

    reply = browser.post(f"{chat}/messages", data=form)

    assert reply.status_code == status
    assert "This was not done" in reply.text


def test_an_event_tells_of_each_change(emulator: Emulator, browser: httpx.Client) -> None:
    """One comes at once, so that a page that was away catches up; they end when the server stops."""
    service, chat = fill(emulator.store, "Mia")
    with browser.stream("GET", "/_inspector/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines).startswith("retry: ")
        assert next(line for line in lines if line) == "data: changed"

        emulator.store.messages.create(service, chat, {"Body": "News"})
        assert next(line for line in lines if line) == "data: changed"

        browser.get("/v1/Services", auth=(ACCOUNT, "t"))
        assert next(line for line in lines if line) == "data: changed"


def test_a_server_that_stops_lets_its_pages_go() -> None:
    """It does not wait for the browsers that follow it, and reports nothing."""
    program = (
        "import http.client, sys; from reconciler.emulator import Emulator\n"
        "from reconciler.emulator.server import running\n"
        "with running(Emulator()) as url:\n"
        "    connection = http.client.HTTPConnection(url.removeprefix('http://'))\n"
        "    connection.request('GET', '/_inspector/events')\n"
        "    reply = connection.getresponse()\n"
        "    seen = [reply.readline() for _ in range(3)][2]\n"
        "print(seen, reply.read())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert (ran.stdout, ran.stderr) == ("b'data: changed\\n' b'\\n'\n", "")


# Strangers' text


@pytest.mark.parametrize("kind", CORPUS)
def test_hostile_text_is_text(emulator: Emulator, browser: httpx.Client, kind: str) -> None:
    """Pages have the elements that they have with a harmless text, and show the text as `inert` makes it."""
    harmless = {path: Shown(browser.get(path).text) for path in pages(emulator, "Hello")}
    shapes = [shown.elements for shown in harmless.values()]
    for text in writable(CORPUS[kind]):
        paths = pages(emulator, text)
        shown = [Shown(browser.get(path).text) for path in paths]

        assert [one.elements for one in shown] == shapes, text
        assert prose(text) in shown[0].texts, text
        assert prose(text[:200]) in shown[1].texts, text


def pages(emulator: Emulator, text: str) -> list[str]:
    """Return the pages of a new service in which *text* stands everywhere."""
    service, chat = fill(emulator.store, text)
    return [f"/_inspector/{service}/{chat}", f"/_inspector/{service}"]
