"""What policies read of a plan: every managed object as it will be, and none that goes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from reconciler.model import Desired, Participant
from reconciler.plans.plan import Plan
from reconciler.report.disclosure import Bodies
from reconciler.report.documents import PlannedResource
from reconciler.report.json import encoded_plan, plan_document
from tests.support.scenes import AT, SERVICE, Scene, applied, at, message

SECRET = "s3cret"


def document(plan: Plan, desired: Desired | None, bodies: Bodies = Bodies.FULL) -> dict[str, Any]:
    """Return the JSON plan, as a reader has it."""
    made = plan_document(plan, timestamp="", version="", desired=desired, bodies=bodies)
    parsed: dict[str, Any] = json.loads(json.dumps(made))
    return parsed


def values(scene: Scene, **options: Any) -> dict[str, dict[str, Any]]:
    """Return the planned values of a scene by address."""
    made = document(scene.marked(**options), scene.desired)
    return {one["address"]: one["values"] for one in made["planned_values"]["root_module"]["resources"]}


def changed() -> Scene:
    """Return a scene in which one message stays, one changes, one comes and one goes."""
    scene = applied(message("stays"), message("changes"), message("goes"))
    return scene.wanting(message("stays"), message("changes", body="new"), message("comes"))


def test_every_object_is_there_as_it_will_be() -> None:
    """The unchanged ones too, parents first; what is deleted is not."""
    assert values(changed()) == {
        SERVICE: {"friendly_name": "desk"},
        AT: {"unique_name": "order", "friendly_name": "Order"},
        at("stays"): {"body": "text of stays"},
        at("changes"): {"body": "new"},
        at("comes"): {"body": "text of comes"},
    }


@pytest.mark.parametrize(
    "body", ["text", "Grüße \U0001f600", "half \ud83d"], ids=["ASCII", "not ASCII", "half a pair"]
)
def test_unchanged_messages_are_encoded_as_they_are_in_the_document(body: str) -> None:
    """They are encoded on a way of their own, which is faster."""
    every = {
        "author": "alice",
        "attributes": {"seen": [1, True], "who": "Zoë"},
        "date_created": "2026-01-05T09:00:00Z",
        "date_updated": "2026-01-05T10:00:00Z",
        "subject": "Parcel",
        "media_sid": f"ME{1:032}",
        "content_sid": f"HX{1:032}",
        "content_variables": {"1": "Zoë"},
    }
    scene = applied().wanting(message("a", body=body), message("b", body=body, **every))
    nothing = Plan(actions=(), parents=())

    encoded = json.loads(b"".join(encoded_plan(nothing, timestamp="", version="", desired=scene.desired)))

    assert encoded == document(nothing, scene.desired)
    resources = encoded["planned_values"]["root_module"]["resources"]
    assert [one["values"] for one in resources[2:]] == [{"body": body}, {**every, "body": body}]
    assert {frozenset(one) for one in resources} == {frozenset(PlannedResource.__annotations__)}


def test_participants_are_there() -> None:
    """They are managed as messages are."""
    scene = applied(message("a")).wanting(message("a"), participants=(Participant("bob", 1, identity="b"),))

    assert values(scene)[f"{AT}/participants/bob"] == {"identity": "b"}


def test_unchanged_objects_can_be_left_out_and_the_document_says_so() -> None:
    """A policy that saw a part must be able to know."""
    scene = changed()
    made = document(scene.plan(), None)

    listed = [one["address"] for one in made["planned_values"]["root_module"]["resources"]]
    assert listed == [at("changes"), at("comes")]
    assert made["unchanged_listed"] is False
    assert document(scene.plan(), scene.desired)["unchanged_listed"] is True


def test_what_is_not_selected_is_not_promised() -> None:
    """Nobody looked whether it is there, and Terraform calls such a plan incomplete."""
    scene = changed()
    made = document(scene.plan(targets=(at("changes"),)), scene.desired)

    assert (made["complete"], made["unchanged_listed"]) == (False, False)
    assert list(values(scene, targets=(at("changes"),))) == [at("changes")]


@pytest.mark.parametrize("sensitive", [("body",), ()], ids=["declared so", "only remembered so"])
def test_a_sensitive_value_of_an_unchanged_object_is_not_shown(sensitive: tuple[str, ...]) -> None:
    """Neither what a manifest calls sensitive nor what the state remembers as such."""
    scene = applied(message("a", body=SECRET, sensitive=sensitive)).remembering(at("a"), sensitive=("body",))
    made = document(scene.marked(), scene.desired)

    (one,) = (
        item for item in made["planned_values"]["root_module"]["resources"] if item["type"] == "message"
    )
    assert one["values"] == {"body": "(sensitive value)"}
    assert one["sensitive_values"] == {"body": True}
    assert SECRET not in json.dumps(made)


@pytest.mark.parametrize("bodies", [Bodies.HASH, Bodies.NONE])
def test_bodies_are_kept_back_there_too(bodies: Bodies) -> None:
    """`--bodies` holds for all of a document."""
    assert "text of" not in json.dumps(document(changed().plan(), changed().desired, bodies))


def test_a_file_is_named_by_its_digest() -> None:
    """As in the changes."""
    scene = applied(message("a", media="0" * 64))

    assert values(scene)[at("a")]["media"] == "sha256:" + "0" * 12


def test_each_side_of_a_change_says_what_is_hidden_on_it() -> None:
    """Nothing is hidden where there is nothing: before a create, and after a deletion."""
    scene = applied(message("goes", body=SECRET, sensitive=("body",))).remembering(
        at("goes"), sensitive=("body",)
    )
    scene = scene.wanting(message("comes", body=SECRET + "!", sensitive=("body",)))
    made = document(scene.marked(), scene.desired)

    comes, goes = (one["change"] for one in made["resource_changes"])
    assert ("before_sensitive" in comes, comes["after_sensitive"]) == (False, {"body": True})
    assert (goes["before_sensitive"], "after_sensitive" in goes) == ({"body": True}, False)


def test_a_replacement_had_before_what_it_carries_over() -> None:
    """The author and the date that no manifest has: after shows them, so before does."""
    scene = applied(message("a")).edited("a", author="someone", attributes='{"seen":1}')
    (change,) = (one["change"] for one in document(scene.plan(replace=(at("a"),)), None)["resource_changes"])

    assert change["after"].keys() <= change["before"].keys()
    assert change["before"]["author"] == change["after"]["author"] == "someone"


def test_an_object_that_waits_for_a_sid_has_no_text_for_it() -> None:
    """As in the changes, such a field is only known after apply."""
    scene = applied(message("a"))
    waiting = message("a", body="see \0service.other.sid\0", author="alice")
    desired = msgspec.structs.replace(scene.wanting(waiting).desired, awaits=("other",))
    made = document(Plan(actions=()), desired)

    (one,) = (
        item for item in made["planned_values"]["root_module"]["resources"] if item["type"] == "message"
    )
    assert one["values"] == {"author": "alice"}
