"""The bot, in a conversation that is the same each time: run `pytest examples/pytest`."""

from __future__ import annotations

import pytest
from bot import answer

from reconciler.pytest_plugin import Reconciled
from reconciler.testing import World

ANSWERED = [
    ("system", "Welcome to support!"),
    ("alice", "Where is my order?"),
    ("bot", "It is on its way."),
]


@pytest.fixture
def world(reconciled: Reconciled) -> World:
    """Return a world with one open question."""
    return reconciled("support.yaml")


def ask_bot(world: World) -> None:
    """Let the bot look at the conversation."""
    answer(world.client(), world.sid("support"), world.sid("support/order-4711"))


def test_a_question_is_answered(world: World) -> None:
    """The answer stands below the question."""
    ask_bot(world)

    world.conversation("support/order-4711").assert_transcript(ANSWERED)


def test_everybody_is_answered(reconciled: Reconciled) -> None:
    """One manifest serves many tests; the block ends its world."""
    for customer in ("bob", "zoë"):
        with reconciled("support.yaml", variables={"customer": customer}) as world:
            ask_bot(world)
            world.conversation("support/order-4711").assert_transcript(
                [ANSWERED[0], (customer, "Where is my order?"), ANSWERED[2]]
            )


def test_a_lost_reply_is_no_reason_to_answer_twice(world: World) -> None:
    """Twilio stored the answer, and the connection broke: the next look finds it there."""
    world.faults.add("create_message:1:reset_after")
    with pytest.raises(OSError, match="Connection"):
        ask_bot(world)

    ask_bot(world)

    world.conversation("support/order-4711").assert_transcript(ANSWERED)
