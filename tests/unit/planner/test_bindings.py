"""What the state remembers of messages: imported, released, superseded, and recorded as they are."""

from __future__ import annotations

from reconciler.model import Unmanaged
from reconciler.plans.actions import Reason, Verb
from reconciler.state.model import Bound
from tests.support.scenes import (
    applied,
    at,
    codes,
    live,
    message,
    messages,
    only,
    steps,
)


def test_what_changed_to_the_manifests_value_is_recorded() -> None:
    """Nothing is to be done, but what was last applied is no longer true; `apply` writes it down."""
    scene = applied(message("a")).edited("a", body="new").wanting(message("a", body="new"))

    assert scene.plan().actions == ()
    (record,) = scene.plan(record=True).records
    assert isinstance(record, Bound)
    assert record.address == at("a")
    assert record.binding.sent == {"body": scene.state.digest("body", "new")}


def test_an_imported_message_is_bound_by_what_the_manifest_says() -> None:
    """What cannot be seen is assumed, once, and then it is a message like any other."""
    scene = applied(message("a", subject="s")).remembering(at("a"), sent={}, imported=True)

    plan = scene.plan()

    assert plan.actions == ()
    assert codes(plan.warnings) == ["assumed_equal", "adopted"]
    assert "removing its key will delete" in plan.warnings[1].text
    (record,) = plan.records
    assert isinstance(record, Bound)
    assert record.binding.imported is False
    assert record.binding.sent == applied(message("a", subject="s")).state.bindings[at("a")].sent


def test_an_imported_message_that_needs_nothing_is_recorded_too() -> None:
    """Its binding is empty until then, and whoever removes the key must know what that does."""
    scene = applied(*messages("a", "b")).remembering(at("a"), sent={}, imported=True)

    plan = scene.plan()

    assert [record.address for record in plan.records] == [at("a")]
    assert codes(plan.warnings) == ["adopted"]


def test_ignored_fields_of_an_unchanged_message_are_recorded_as_they_are() -> None:
    """A subject that is ignored was not sent: whatever is known of it stays known."""
    ignored = (("author",), ("subject",))
    scene = applied(message("a", author="alice", subject="s")).edited("a", author="bob")
    scene = scene.wanting(message("a", author="alice", subject="t", ignore_changes=ignored))
    never = scene.remembering(at("a"), sent={"body": scene.state.digest("body", "text of a")})

    (record,) = scene.plan(record=True).records
    (other,) = never.plan(record=True).records

    assert isinstance(record, Bound)
    assert isinstance(other, Bound)
    assert record.binding.sent["author"] == scene.state.digest("author", "bob")
    assert record.binding.sent["subject"] == scene.state.digest("subject", "s")
    assert "subject" not in other.binding.sent


def test_a_released_message_is_spared() -> None:
    """It has no key, and still neither plan nor `unmanaged: delete` touches it."""
    scene = applied(*messages("a", "b"), unmanaged=Unmanaged.DELETE).remembering(at("a"), released=True)

    plan = scene.wanting(message("b")).plan()

    assert plan.actions == ()
    assert plan.records == ()


def test_a_released_message_that_is_gone_is_forgotten() -> None:
    """There is nothing left to spare."""
    scene = applied(*messages("a", "b")).remembering(at("a"), released=True).without("a")

    assert steps(scene.wanting(message("b")).plan()) == [("a", "forget")]


def test_a_released_message_whose_key_is_back_is_managed_again() -> None:
    """It is compared like any other, and then no longer released."""
    scene = applied(message("a")).remembering(at("a"), released=True)

    (record,) = scene.plan().records

    assert isinstance(record, Bound)
    assert record.binding.released is False


def test_superseded_messages_are_deleted() -> None:
    """What an earlier apply replaced and could not delete goes now; a protected key does not protect it."""
    scene = applied(message("a", prevent_destroy=True)).also(live("IM-old", 9, body="text of a"))
    scene = scene.remembering(at("a"), superseded=("IM-old",))

    action = only(scene.plan())

    assert (action.address, action.verb, action.reason, action.sid) == (
        at("a"),
        Verb.DELETE,
        Reason.SUPERSEDED,
        "IM-old",
    )
    assert scene.plan().applyable
    assert scene.plan().records == ()


def test_superseded_messages_that_are_gone_are_struck_off() -> None:
    """The record keeps what is still there, and what else is to be recorded of the message."""
    scene = applied(message("a", subject="s")).also(live("IM-old", 9))
    scene = scene.remembering(at("a"), superseded=("IM-old", "IM-gone"), sent={}, imported=True)

    (record,) = scene.plan().records

    assert isinstance(record, Bound)
    assert record.binding.superseded == ("IM-old",)
    assert record.binding.imported is False
