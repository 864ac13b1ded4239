"""`world.webhooks`: what a world's services send, and to whom."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from reconciler.emulator import Emulator
from reconciler.emulator.server import running
from reconciler.errors import UsageError
from reconciler.testing import Backend, World, reconciled, sdk_client
from tests.support.listener import listening


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest of one message, and of two services."""
    path = tmp_path / "support.yaml"
    path.write_text(
        "version: 1\nservices:\n  sales: {}\n  support:\n    conversations:\n      order-1:\n"
        "        messages: [{key: hello, author: alice, body: Hello}]\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def world(manifest: Path) -> Iterator[World]:
    """Return a world on an emulator of its own."""
    with reconciled(manifest) as one:
        yield one


def say(world: World, body: str) -> None:
    """Write a message that causes webhooks."""
    service = world.client().conversations.v1.services(world.sid("support"))
    service.conversations(world.sid("support/order-1")).messages.create(
        body=body, x_twilio_webhook_enabled="true"
    )


def test_received_needs_no_application(world: World) -> None:
    """It has what a webhook of the service would have got, and a signature that is valid."""
    assert [one.event for one in world.webhooks.received] == []
    say(world, "Hi")

    (one,) = world.webhooks.received
    assert (one.event, one.parameters["Body"]) == ("onMessageAdded", "Hi")
    assert one.parameters["ChatServiceSid"] == world.sid("support")
    validator = RequestValidator(world.webhooks.auth_token)
    assert validator.validate(one.url, dict(one.parameters), one.headers["X-Twilio-Signature"])


def test_an_application_gets_the_webhooks_and_may_answer(world: World) -> None:
    """What it writes in return is there when the messages are read."""
    with listening() as application:
        world.webhooks.to(application.url)

        def answer(_: object) -> tuple[int, bytes]:
            if len(application.heard) < 3:
                say(world, f"answer {len(application.heard)}")
            return 200, b""

        application.answer = answer
        say(world, "Hi")

        world.conversation("support/order-1").assert_transcript(
            [("alice", "Hello"), ("system", "Hi"), ("system", "answer 1"), ("system", "answer 2")]
        )
        assert [one.form["Body"] for one in application.heard] == ["Hi", "answer 1", "answer 2"]
        assert len(world.webhooks.received) == 3


def test_a_webhook_before_the_action_may_ask_the_emulator(world: World) -> None:
    """Its answer is waited for, and everybody else is served meanwhile."""
    conversation = world.client().conversations.v1.services(world.sid("support")).conversations("order-1")
    with listening() as application:
        world.webhooks.to(pre=application.url, events=["onMessageAdd"])
        application.answer = lambda _: (200, b'{"body": "%d before"}' % len(conversation.messages.list()))
        say(world, "Hi")

    world.conversation("support/order-1").assert_transcript([("alice", "Hello"), ("system", "1 before")])


def test_only_the_events_asked_for_are_sent(world: World) -> None:
    """Before the action and after it; `received` has all of those after it."""
    with listening() as application:
        world.webhooks.to(pre=application.url, events=["onMessageAdd"])
        say(world, "Hi")

        assert application.events == ["onMessageAdd"]
        assert [one.event for one in world.webhooks.received] == ["onMessageAdded"]


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ({"url": "http://192.0.2.1/"}, "another machine"),
        ({"pre": "https://192.0.2.1/"}, "another machine"),
        ({"url": "ftp://127.0.0.1/"}, "no http"),
        ({"url": "http://127.0.0.1/", "events": ["onTeatime"]}, "no event"),
    ],
)
def test_wrong_targets_are_refused_at_once(world: World, how: dict[str, Any], problem: str) -> None:
    """The error says what would be right."""
    with pytest.raises(UsageError, match=problem) as raised:
        world.webhooks.to(**how)

    assert raised.value.hint


def test_another_machine_can_be_allowed_by_name(world: World) -> None:
    """By the name in the url, not by its address."""
    world.webhooks.to("http://192.0.2.1/", allow_host="192.0.2.1")


def test_worlds_do_not_hear_each_other(manifest: Path, tmp_path: Path) -> None:
    """Each has the webhooks of its own services."""
    with closing(Backend(folder=tmp_path)) as backend, backend.world(manifest) as one:
        with backend.world(manifest) as other:
            say(other, "Hi")
            assert len(other.webhooks.received) == 1
        assert one.webhooks.received == ()


def test_an_application_that_goes_on_for_ever_is_named(world: World) -> None:
    """Waiting has an end."""
    ended = threading.Event()
    with listening() as application:
        world.webhooks.to(application.url)

        def answer(_: object) -> tuple[int, bytes]:
            ended.wait(4)
            return 200, b""

        application.answer = answer
        say(world, "Hi")
        with pytest.raises(UsageError, match=r"still sent after 0\.05 s"):
            world.webhooks.settle(0.05)
        ended.set()
        world.settle()


def test_an_address_has_no_webhooks_to_look_at(manifest: Path, tmp_path: Path) -> None:
    """They are sent by another process."""
    account = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "sesame"}
    with (
        closing(Emulator()) as emulator,
        running(emulator) as url,
        closing(Backend(url, folder=tmp_path, environ=account)) as backend,
        backend.world(manifest) as world,
    ):
        assert len(world.conversation("support/order-1").messages()) == 1
        assert len(sdk_client(f"{url}/").conversations.v1.services.list(page_size=1)) == 2
        with pytest.raises(UsageError, match="only the emulator's"):
            assert world.webhooks


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"url": "http://127.0.0.1:9/", "events": ["onMessageAdd"]}, "nothing is sent `onMessageAdd`"),
        ({"pre": "http://127.0.0.1:9/", "events": ["onMessageAdded"]}, "nothing is sent `onMessageAdded`"),
        ({"url": "http://127.0.0.1:9/", "events": ["onMessage"]}, "`onMessage` is no event"),
        ({"url": "http://127.0.0.1:9/", "events": "onMessageAdded"}, "`events` is one text"),
    ],
)
def test_events_that_would_never_come_are_refused(world: World, given: dict[str, Any], text: str) -> None:
    """Each kind of url has its own; a test that waits for another would find nothing."""
    with pytest.raises(UsageError, match=text):
        world.webhooks.to(**given)
