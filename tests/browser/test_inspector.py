"""The inspector in a browser: it stays up to date, everybody can use it, and strangers' text does nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from reconciler.emulator import Emulator
from reconciler.emulator.fault_text import parse_fault
from reconciler.emulator.server import running
from reconciler.text.inert import prose
from tests.support.browser import Visit, visiting
from tests.support.hostile import CORPUS
from tests.support.inspected import PNG, fill, writable
from tests.support.project import ROOT, Project, environ_of

STORES = ROOT / "examples" / "storefront"
PHONE = {"width": 390, "height": 800}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An empty emulator."""
    with closing(Emulator()) as emulator:
        yield emulator


@pytest.fixture
def origin(emulator: Emulator) -> Iterator[str]:
    """Where it is served."""
    with running(emulator) as url:
        yield url


def look(visit: Visit, url: str) -> None:
    """Open a page of the inspector, and wait until it follows what happens."""
    visit.page.goto(url)
    expect(visit.page.locator("#connection")).to_have_text("live")


def test_what_is_sent_in_one_page_shows_in_the_other(
    chromium: Browser, emulator: Emulator, origin: str
) -> None:
    """Both ways, in the order in which it was said, and without a request to anywhere else."""
    service, chat = fill(emulator.store, "mia")
    url = f"{origin}/_inspector/{service}/{chat}"
    with visiting(chromium) as one, visiting(chromium) as other:
        look(one, url)
        look(other, url)

        one.page.get_by_label("Send as").select_option("mia")
        one.page.get_by_label("Message", exact=True).fill("Is it <b>there</b>?")
        one.page.get_by_role("button", name="Send").click()
        expect(other.page.locator("#messages .body").last).to_have_text("Is it <b>there</b>?")
        expect(other.page.locator("#messages .who").last).to_have_text("mia")

        other.page.get_by_label("Send as").select_option("system")
        other.page.get_by_label("Message", exact=True).fill("Yes.")
        other.page.get_by_label("Message", exact=True).press("Enter")
        expect(one.page.locator("#messages .body").last).to_have_text("Yes.")
        expect(one.page.get_by_label("Send as")).to_have_value(re.compile("MB"))  # whom it was sent as before

        assert one.signs + other.signs == []
        assert all(request.startswith(f"{origin}/") for request in one.requests + other.requests)


def test_a_chat_opens_at_its_newest_message(visit: Visit, emulator: Emulator, origin: str) -> None:
    """Where its end is; who has read further up and comes back is left there."""
    service, chat = fill(emulator.store, "mia")
    for number in range(60):
        emulator.store.messages.create(service, chat, {"Body": f"Line {number}"})
    look(visit, f"{origin}/_inspector/{service}/{chat}")

    expect(visit.page.locator("#messages .body").last).to_be_in_viewport()
    expect(visit.page.get_by_role("button", name="Send")).to_be_in_viewport()

    visit.page.get_by_text("Line 5", exact=True).scroll_into_view_if_needed()
    visit.page.reload()
    expect(visit.page.get_by_text("Line 5", exact=True)).to_be_in_viewport()


def test_what_is_typed_stays_while_others_write(visit: Visit, emulator: Emulator, origin: str) -> None:
    """Only what is shown is renewed: neither the form, nor the messages that are there already."""
    service, chat = fill(emulator.store, "mia")
    look(visit, f"{origin}/_inspector/{service}/{chat}")
    visit.page.get_by_label("Message", exact=True).fill("I am just")
    visit.page.evaluate("document.querySelector('#messages .bubble').mark = 'the same'")

    emulator.store.messages.create(service, chat, {"Body": "Meanwhile"})
    expect(visit.page.locator("#messages .body").last).to_have_text("Meanwhile")

    expect(visit.page.get_by_label("Message", exact=True)).to_have_value("I am just")
    assert visit.page.evaluate("document.querySelector('#messages .bubble').mark") == "the same"


def test_a_conversation_is_closed_by_its_button(visit: Visit, emulator: Emulator, origin: str) -> None:
    """The page says so, and has nothing to write in any more."""
    service, chat = fill(emulator.store, "mia")
    look(visit, f"{origin}/_inspector/{service}/{chat}")
    visit.page.get_by_text("Close this conversation").click()
    visit.page.get_by_role("button", name="Close it").click()

    expect(visit.page.locator("#about")).to_contain_text("closed, 3 messages")
    expect(visit.page.get_by_label("Message", exact=True)).to_have_count(0)


def test_an_apply_can_be_watched(visit: Visit, emulator: Emulator, origin: str, tmp_path: Path) -> None:
    """Conversations, messages and requests appear while it runs, with the faults that strike."""
    emulator.faults.add(
        parse_fault("create_message:latency=0.1"), parse_fault("create_message:3:reset_after")
    )
    look(visit, origin)
    expect(visit.page.get_by_text("There is no service yet.")).to_be_visible()
    project = Project(tmp_path, environ_of(origin))
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply", str(STORES), "--auto-approve"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as apply:
        expect(visit.page.locator("tr.struck td").last).to_have_text(re.compile("latency=0.1"))
        expect(visit.page.get_by_role("link", name="Order 5120: scratched")).to_be_visible()
        visit.page.screenshot(path=tmp_path / "during.png")

    assert apply.returncode == 0
    expect(visit.page.locator(".rows li", has_text="Boots: which size?")).to_contain_text("3 messages")
    assert visit.signs == []


def test_a_page_finds_its_server_again(chromium: Browser, emulator: Emulator) -> None:
    """After a restart on the same port it shows what happened meanwhile."""
    service, chat = fill(emulator.store, "mia")
    with visiting(chromium) as visit:
        with running(emulator) as origin:
            look(visit, f"{origin}/_inspector/{service}/{chat}")
        expect(visit.page.locator("#connection")).to_have_text("not connected, trying again")
        emulator.store.messages.create(service, chat, {"Body": "While you were away"})
        with running(emulator, port=int(origin.rpartition(":")[2])):
            expect(visit.page.locator("#messages .body").last).to_have_text("While you were away")
            expect(visit.page.locator("#connection")).to_have_text("live")


@pytest.mark.parametrize("kind", CORPUS)
def test_hostile_text_is_text(visit: Visit, emulator: Emulator, origin: str, kind: str) -> None:
    """Wherever strangers write, the page holds their text; nothing runs, and nothing is asked of anybody."""
    texts = writable(CORPUS[kind])
    chats = [fill(emulator.store, text) for text in texts]
    for text, (service, chat) in zip(texts, chats, strict=True):
        look(visit, f"{origin}/_inspector/{service}/{chat}")

        name, shown = prose(text[:200]), prose(text)
        assert visit.texts("h1") == [name]
        assert visit.texts("#messages .body") == [shown, shown]
        assert visit.texts("#messages .who") == [name, name, prose(f"+49{text[:200]}")]
        assert visit.texts("select option") == [name, prose(f"+49{text[:200]}"), "system"]
        assert any(name in caption for caption in visit.texts("figcaption"))
    assert sorted(services(visit, origin)) == sorted(prose(text[:200]) for text in texts)

    assert visit.signs == []
    assert {request for request in visit.requests if not request.startswith(f"{origin}/")} == set()


def services(visit: Visit, origin: str) -> Iterator[str]:
    """Yield the names of all services, from the first page and those that it leads on to."""
    look(visit, origin)
    yield from visit.texts("h2 a")
    while (further := visit.page.get_by_role("link", name="Older services")).count():
        look(visit, origin + (further.get_attribute("href") or ""))
        yield from visit.texts("h2 a")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True])
def test_everybody_can_use_it(
    chromium: Browser, emulator: Emulator, origin: str, scheme: str, *, phone: bool
) -> None:
    """By the rules of WCAG AA, on every page, in both colours; no page is wider than a phone."""
    service, chat = fill(emulator.store, "mia")
    media = emulator.store.media.upload(service, BytesIO(PNG), "text/plain", "notes.txt")
    emulator.store.messages.create(service, chat, {"MediaSid": media.sid, "Author": "bob"})
    closed = fill(emulator.store, "Bob")
    emulator.store.conversations.update(*closed, {"State": "closed"})
    emulator.faults.add(parse_fault("list_services:503"))
    settings = {"color_scheme": scheme} | ({"viewport": PHONE} if phone else {})
    paths = ["", "/requests", f"/{service}", f"/{service}/{chat}", "/" + "/".join(closed), "/IS0/CH0"]
    with visiting(chromium, **settings) as visit:
        visit.page.request.get(f"{origin}/v1/Services", headers={"Authorization": "Basic QUMwOng="})
        for path in paths:
            look(visit, f"{origin}/_inspector{path}" if path else origin)
            assert (path, visit.violations()) == (path, [])
            assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
