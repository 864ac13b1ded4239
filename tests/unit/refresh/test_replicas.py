"""A bound service or conversation whose read is answered with 404 is looked for in another way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import NotFound
from reconciler.plans.actions import Reason, Verb
from reconciler.plans.options import Options
from tests.support.desk import Desk, conversation, together

MANIFEST = together(conversation("a: Hello"), conversation("b: Bye", name="other"))
LESS = conversation("b: Bye", name="other")
ELSEWHERE = "version: 1\nservices:\n  shop:\n    conversations:\n      c:\n        messages: []\n"
DESTROYING, DELETING = Options(destroy=True), Options(max_delete=9)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk at which two conversations were made."""
    with Desk(tmp_path) as made:
        made.apply(MANIFEST)
        yield made


@pytest.mark.parametrize("read", ["fetch_service:1", "fetch_conversation:1", "fetch_conversation:2"])
@pytest.mark.parametrize(
    ("manifest", "options"),
    [(MANIFEST, Options()), (LESS, DELETING), (ELSEWHERE, DELETING), (MANIFEST, DESTROYING)],
    ids=["unchanged", "conversation removed", "service removed", "destroyed"],
)
def test_one_404_is_not_believed(desk: Desk, read: str, manifest: str, options: Options) -> None:
    """The plan is the one that every replica would have led to."""
    expected = desk.plan(manifest, options)
    desk.fault(f"{read}:404/20404")

    plan = desk.plan(manifest, options)

    assert (plan.actions, plan.records) == (expected.actions, expected.records)


def test_what_is_there_is_looked_for_once(desk: Desk) -> None:
    """Nothing more is asked where nothing is missing."""
    desk.emulator.requests.clear()

    desk.plan(MANIFEST)

    assert sorted(request.kind for request in desk.emulator.requests) == [
        "fetch_conversation",
        "fetch_conversation",
        "fetch_service",
        "list_messages",
        "list_messages",
    ]


def test_a_service_that_is_gone_is_made_again(desk: Desk) -> None:
    """No read shows it."""
    desk.emulator.store.services.delete(desk.service_sid)

    plan = desk.plan(MANIFEST)

    assert [(one.verb, one.reason) for one in plan.actions[:1]] == [(Verb.CREATE, Reason.MISSING_REMOTELY)]
    desk.apply(ELSEWHERE)
    assert "desk" not in desk.state.bindings


def test_a_conversation_that_is_gone_is_forgotten(desk: Desk) -> None:
    """Neither it nor its messages can be read."""
    desk.emulator.store.conversations.delete(desk.service_sid, "c")

    desk.apply(LESS)

    assert "desk/c" not in desk.state.bindings


def test_a_conversation_that_is_there_only_by_its_messages_decides_nothing(desk: Desk) -> None:
    """It is never found, but its messages are."""
    desk.fault("fetch_conversation:404/20404")

    with pytest.raises(NotFound):
        desk.plan(LESS, DELETING)
