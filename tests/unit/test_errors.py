"""The tree of errors: what each class is called in JSON, and how a reply is kept apart."""

from __future__ import annotations

import pytest

from reconciler.errors import (
    ApplyError,
    Conflict,
    Locked,
    ManifestError,
    NotFound,
    NotSent,
    OutcomeUnknown,
    PlanError,
    ReconcilerError,
    Refused,
    RemoteError,
    StateError,
    Throttled,
    UsageError,
)

KINDS = {
    ReconcilerError: "error",
    UsageError: "usage",
    ManifestError: "manifest",
    StateError: "state",
    Locked: "locked",
    PlanError: "plan",
    ApplyError: "apply",
    RemoteError: "remote_error",
    NotSent: "not_sent",
    Refused: "refused",
    NotFound: "not_found",
    Conflict: "conflict",
    Throttled: "throttled",
    OutcomeUnknown: "outcome_unknown",
}


def below(error: type[ReconcilerError]) -> set[type[ReconcilerError]]:
    """Return *error* and all classes of the tree that are made from it."""
    made = [one for one in error.__subclasses__() if one.__module__ == ReconcilerError.__module__]
    return {error}.union(*map(below, made))


def test_each_class_has_a_kind_of_its_own() -> None:
    """Scripts that read `error.kind` tell them apart by these names."""
    assert {one: one.kind for one in below(ReconcilerError)} == KINDS


@pytest.mark.parametrize("reply", ["no such author", "odd: reply: twice", "failed: no such author"])
def test_a_reply_can_be_withheld(reply: str) -> None:
    """It may repeat a sensitive value; a colon in it cuts off nothing of the summary."""
    error = Refused("create message failed", reply=reply, status=400)

    assert error.text == str(error) == f"create message failed: {reply}"
    assert error.text_with("…") == "create message failed: …"
    assert repr(error) == "Refused('create message failed: …')"


def test_a_summary_alone_is_the_text() -> None:
    """Nothing is withheld where the other side sent nothing."""
    assert NotSent("the run is being stopped").text_with("…") == "the run is being stopped"
