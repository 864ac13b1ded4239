"""The bot that lives on webhooks, served beside the emulator: run `pytest examples/pytest`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import uvicorn
from webhook_bot import create_app

from reconciler.pytest_plugin import Reconciled
from reconciler.testing import World

WELCOME = ("system", "Welcome to support!")
QUESTION = ("alice", "Where is my order?")
ANSWER = ("bot", "It is on its way.")


@pytest.fixture
def world(reconciled: Reconciled) -> World:
    """Return a world with one open question."""
    return reconciled("support.yaml")


@pytest.fixture
def bot(world: World) -> Iterator[str]:
    """Serve the bot, let it have the webhooks, and return its address."""
    app = create_app(world.client(), world.webhooks.auth_token)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        world.webhooks.to(f"{url}/after", pre=f"{url}/before", events=["onMessageAdd", "onMessageAdded"])
        yield url
        world.settle()
        server.should_exit = True
        thread.join()


def say(world: World, body: str, **more: Any) -> None:
    """Write a message as an application does that wants others to hear of it."""
    service = world.client().conversations.v1.services(world.sid("support"))
    service.conversations(world.sid("support/order-4711")).messages.create(
        author="alice", body=body, x_twilio_webhook_enabled="true", **more
    )


@pytest.mark.usefixtures("bot")
def test_a_question_is_answered(world: World) -> None:
    """The answer is there as soon as the webhook was answered; no test waits for it."""
    say(world, "Hello? WHERE IS MY ORDER?")

    world.conversation("support/order-4711").assert_transcript(
        [WELCOME, QUESTION, ("alice", "Hello? WHERE IS MY ORDER?"), ANSWER]
    )


@pytest.mark.usefixtures("bot")
def test_card_numbers_are_never_published(world: World) -> None:
    """The webhook before the action replaces the body."""
    say(world, "My card is 4111 1111 1111 1111.")

    world.conversation("support/order-4711").assert_transcript(
        [WELCOME, QUESTION, ("alice", "My card is (a card number).")]
    )


def test_forged_webhooks_are_refused(bot: str) -> None:
    """Whoever has no token cannot let the bot speak."""
    with pytest.raises(HTTPError, match="403"):
        urlopen(f"{bot}/after", data=b"EventType=onMessageAdded&Body=Where+is+my+order")  # noqa: S310 (loopback)
