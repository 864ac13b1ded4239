"""Whom the inspector lets in: this machine may look, and its own pages may write."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import closing
from html import unescape

import httpx
import pytest

from reconciler.emulator import Emulator, EmulatorOptions
from reconciler.emulator.server import running
from tests.support.inspected import chat_of, token_of

FOREIGN = ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:8010"]


@pytest.mark.parametrize(
    "path", ["/", "/_inspector/requests", "/_inspector/events", "/_inspector/inspector.js"]
)
@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_host_gets_nothing(browser: httpx.Client, host: str, path: str) -> None:
    """By DNS rebinding, a page of a stranger reaches this machine under its own name."""
    assert browser.get(path, headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_host_writes_nothing(emulator: Emulator, browser: httpx.Client, host: str) -> None:
    """Not even with the token."""
    chat = chat_of(emulator)
    form = {"token": token_of(browser.get(chat).text), "body": "No"}

    assert browser.post(f"{chat}/messages", data=form, headers={"Host": host}).status_code == 403
    assert "3 messages" in browser.get(chat).text


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:9", "INSPECTOR.test:443"])
def test_this_machine_and_allowed_names_may_look(browser: httpx.Client, host: str) -> None:
    """With any port, as something may stand between."""
    assert browser.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("what", ["messages", "close"])
@pytest.mark.parametrize("token", [None, "", "wrong", "é"])
def test_a_form_without_the_token_changes_nothing(
    emulator: Emulator, browser: httpx.Client, what: str, token: str | None
) -> None:
    """A form on a page of a stranger cannot know it."""
    chat = chat_of(emulator)
    form = {"body": "No"} | ({} if token is None else {"token": token})

    refused = browser.post(f"{chat}/{what}", data=form)

    page = browser.get(chat).text
    assert refused.status_code == 403
    assert "active, 3 messages" in page


def test_each_emulator_has_a_token_of_its_own(emulator: Emulator, browser: httpx.Client) -> None:
    """A token that was seen once is worth nothing elsewhere."""
    with closing(Emulator()) as other, running(other) as url:
        theirs = token_of(httpx.get(url + chat_of(other), trust_env=False).text)

    assert theirs != token_of(browser.get(chat_of(emulator)).text)


def test_nothing_may_be_loaded_from_elsewhere(emulator: Emulator, browser: httpx.Client) -> None:
    """Every answer forbids it, and no page holds a script or a style that would need an exception."""
    for path in ("/", chat_of(emulator), "/_inspector/requests", "/_inspector/nowhere"):
        reply = browser.get(path)
        policy = reply.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert policy.count("'self'") == 5
        assert " style=" not in reply.text
        assert not re.search(r"<script(?! src)|https?:|\bon\w+=", reply.text)
        assert policy.partition("; frame")[0] in unescape(reply.text)


def test_it_can_be_turned_off() -> None:
    """Then the address answers as Twilio does to who has no credentials."""
    with closing(Emulator(options=EmulatorOptions(inspector=False))) as emulator, running(emulator) as url:
        replies = [httpx.get(url + path, trust_env=False) for path in ("/", "/_inspector/requests")]

    assert [(reply.status_code, reply.json()["code"]) for reply in replies] == [(401, 20003)] * 2


def test_an_emulator_starts_without_it() -> None:
    """Templates are imported when somebody looks."""
    program = (
        "import http.client, sys; from reconciler.emulator import Emulator\n"
        "from reconciler.emulator.server import running\n"
        "def asked(path):\n"
        "    with running(Emulator()) as url:\n"
        "        connection = http.client.HTTPConnection(url.removeprefix('http://'))\n"
        "        connection.request('GET', path); connection.getresponse().read()\n"
        "    return [name for name in sys.modules if name == 'jinja2' or name.startswith(INSPECTOR)]\n"
        "INSPECTOR = 'reconciler.emulator.inspector.'\n"
        "print(sorted(asked('/v1/Services')), 'jinja2' in asked('/'))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    light = ["reconciler.emulator.inspector.address", "reconciler.emulator.inspector.front"]
    assert ran.stdout == f"{light} True\n"
