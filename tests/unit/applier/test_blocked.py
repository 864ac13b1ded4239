"""A create of unknown outcome holds back its own conversation, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulator import Fault
from reconciler.emulator.faults import Invoke
from reconciler.plans.options import Options
from reconciler.plans.outcome import Status
from tests.support.desk import Desk, NotApplyable, conversation, statuses, together

HOOKED = conversation("{key: a, body: One, webhooks: true}", "{key: b, body: Two, webhooks: true}")
LOST = "desk/c/a"


def other(body: str) -> str:
    """Return another conversation of the same service."""
    return conversation(f"x: {body}", name="other")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk where a message was rewritten by a hook, and its reply lost."""
    with Desk(tmp_path) as made:
        made.apply(other("X"))
        made.fault("create_message:1:reset_after", "create_message:1:rewrite_body=<{body}>")
        outcome = made.apply(together(HOOKED, other("X")), settle=1)
        assert statuses(outcome)[LOST] is Status.UNKNOWN
        made.fault()
        yield made


def test_a_plan_for_its_conversation_is_refused_with_the_ways_on(desk: Desk) -> None:
    """It names the message, both commands, and how to go on elsewhere."""
    with pytest.raises(NotApplyable) as caught:
        desk.apply(together(HOOKED, other("Y")))

    (refusal,) = caught.value.plan.refusals
    assert refusal.text == (
        "whether `desk/c/a` was created cannot be told: webhooks were on, and messages above index -1 may be "
        "it, rewritten"
    )
    assert refusal.hint == (
        "look at `desk/c`; if it is there, run `reconciler import desk/c/a SID`, if it is not, "
        "`reconciler state rm desk/c/a`; or go on elsewhere with `--exclude desk/c`"
    )


@pytest.mark.parametrize("options", [Options(targets=("desk/other",)), Options(excludes=("desk/c",))])
def test_another_conversation_goes_on(desk: Desk, options: Options) -> None:
    """The open create stays open, and is told of."""
    outcome = desk.apply(together(HOOKED, other("Y")), options)

    assert set(statuses(outcome).values()) == {Status.DONE}
    assert desk.bodies("other") == ["Y"]
    assert list(desk.state.intents) == [LOST]
    plan = desk.plan(together(HOOKED, other("Y")), options)
    assert ("unknown_outcome", LOST) in [(one.code, one.address) for one in plan.warnings]


def test_a_refresh_goes_on_and_keeps_the_open_create(desk: Desk) -> None:
    """It changes nothing remotely."""
    live = desk.messages("other")[0]["sid"]
    desk.emulator.store.messages.update(desk.service_sid, "other", live, {"Body": "Edited"})

    desk.apply(together(HOOKED, other("X")), Options(refresh_only=True))

    assert list(desk.state.intents) == [LOST]


def test_what_is_bound_there_can_be_refreshed_without_closing_the_create(tmp_path: Path) -> None:
    """Its address stands for the old message, which is to be replaced by one of unknown outcome."""
    before = conversation("{key: a, body: One, webhooks: true, subject: s}", settings="order: strict")
    after = conversation(
        "z: Zero", "{key: a, body: One, webhooks: true, subject: s}", settings="order: strict"
    )
    with Desk(tmp_path) as desk:
        desk.apply(before)
        desk.fault("create_message:2:reset_after", "create_message:2:rewrite_body=<{body}>")
        assert statuses(desk.apply(after, settle=1))[LOST] is Status.UNKNOWN
        desk.fault()
        sid = desk.state.bindings[LOST].sid
        desk.emulator.store.messages.update(desk.service_sid, "c", sid, {"Body": "Edited"})

        desk.apply(after, Options(refresh_only=True))

        assert list(desk.state.intents) == [LOST]
        assert desk.state.bindings[LOST].sid == sid


def test_destroy_goes_on(desk: Desk) -> None:
    """What may be ours stays with its conversation, and is told of."""
    both = together(HOOKED, other("X"))
    plan = desk.plan(both, Options(destroy=True))

    outcome = desk.apply(both, Options(destroy=True))

    assert set(statuses(outcome).values()) == {Status.DONE}
    assert desk.conversations == ["c"]
    assert desk.bodies("c") == ["<One>"]
    assert {"unknown_outcome", "parent_kept"} <= {one.code for one in plan.warnings}


def test_an_open_create_goes_with_its_conversation(desk: Desk) -> None:
    """`unmanaged: delete` takes everything there is: nothing is open any more."""
    both = together(
        HOOKED.replace("        messages:", "        unmanaged: delete\n        messages:"), other("X")
    )

    desk.apply(both, Options(destroy=True))

    assert desk.conversations == []
    assert not desk.state.intents


def test_what_could_not_be_looked_up_holds_back_its_conversation_only(tmp_path: Path) -> None:
    """No listing of it is to be had."""
    wanted = together(conversation("a: One"), other("X"))
    with Desk(tmp_path) as desk:
        desk.apply(other("X"))
        unreadable = Fault("create_message", Invoke(desk.fault_more("list_messages:503")))
        desk.fault("create_message:1:reset_after", unreadable)
        assert statuses(desk.apply(wanted, settle=1))[LOST] is Status.UNKNOWN

        desk.fault("list_messages:1:403")

        plan = desk.plan(together(conversation("a: One"), other("Y")), Options(targets=("desk/other",)))

        assert plan.applyable
        (told,) = [one.text for one in plan.warnings if one.code == "unknown_outcome"]
        assert told.startswith(
            "whether `desk/c/a` was created cannot be told: its conversation could not be read; look at"
        )
