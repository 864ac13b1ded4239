"""Sensitive values: in no report, in no saved plan, and still exactly what is applied."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.errors import PlanError
from reconciler.model import Message, Participant
from reconciler.operations.session import NOTHING
from reconciler.planner.drift import plan_refresh
from reconciler.planner.join import join
from reconciler.plans.actions import Verb
from reconciler.plans.plan import Plan
from reconciler.plans.planfile import SavedPlan, encode_plan
from reconciler.plans.redact import is_whole, mark, restored, withheld
from reconciler.report.disclosure import Bodies
from reconciler.report.grouping import grouped
from reconciler.report.json import plan_document
from reconciler.report.markdown import plan_markdown
from reconciler.report.text import render_plan
from reconciler.state.digests import Digests
from tests.support.scenes import Scene, applied, at, empty, message

SECRET = "s3cret"


def wanted(body: str = f"code {SECRET}") -> Scene:
    """Return a scene that needs a message with a sensitive body and sensitive attributes."""
    return empty(message("a", body=body, attributes={"code": SECRET}, sensitive=("body", "attributes")))


def marked(scene: Scene, **options: bool) -> Plan:
    """Return the plan of a scene with its sensitive fields marked."""
    return scene.marked(**options)


def was_sensitive() -> Scene:
    """Return a scene in which a message with a sensitive body was applied."""
    scene = applied(message("a", body=SECRET, sensitive=("body",)), message("b"))
    return scene.remembering(at("a"), sensitive=("body",))


def reports(plan: Plan) -> list[str]:
    """Return a plan in every format, with as much text as each can show."""
    return [
        *(render_plan(plan, bodies=bodies) for bodies in Bodies),
        *(plan_markdown(plan, bodies=bodies) for bodies in Bodies),
        *(json.dumps(plan_document(plan, timestamp="", version="", bodies=bodies)) for bodies in Bodies),
        *(group.heading for group in grouped(plan)),
    ]


@pytest.mark.parametrize(
    "scene",
    [
        wanted(),
        was_sensitive().wanting(message("a", body="new " + SECRET, sensitive=("body",)), message("b")),
        was_sensitive().edited("a", body="drifted " + SECRET),
        was_sensitive().wanting(message("b")),
        was_sensitive().wanting(message("a", body="open now"), message("b")),
    ],
    ids=["create", "change", "drift", "removal", "no longer sensitive"],
)
def test_no_report_shows_a_sensitive_value(scene: Scene) -> None:
    """Whatever happens to the message, and whoever wrote what stands there now."""
    plan = marked(scene)

    assert plan.actions
    assert all(SECRET not in report for report in reports(plan))
    assert "body: (sensitive value)" in reports(plan)[0]


def test_a_refresh_hides_what_the_state_remembers_as_sensitive() -> None:
    """Without any manifest: the binding knows."""
    scene = was_sensitive().edited("a", body="drifted " + SECRET)
    part = plan_refresh(scene.desired, scene.remote, scene.state)

    shown = reports(join([mark(part, scene.wanting_nothing().desired, scene.state)]))

    assert all(SECRET not in report for report in shown)


@pytest.mark.parametrize(
    ("scene", "hidden"),
    [
        (was_sensitive().wanting(message("a", body="a changed text"), message("b")), True),
        (was_sensitive().edited("a", body="drifted"), False),
        (was_sensitive().wanting(message("b")), True),
        (was_sensitive().wanting(message("a", body="new", sensitive=("body",)), message("b")), False),
        (applied(message("a"), message("b")).wanting(message("a", body="new"), message("b")), False),
    ],
    ids=["change", "drift", "removal", "the manifest says so", "nothing is sensitive"],
)
def test_a_plan_says_where_only_the_state_hides_a_text(scene: Scene, hidden: bool) -> None:  # noqa: FBT001
    """A state that a pull request can write must not hide in silence what the pull request changes."""
    plan = marked(scene)

    told = [one for one in plan.warnings if one.code == "hidden_by_state"]
    assert plan.actions
    assert [one.address for one in told] == ([at("a")] if hidden else [])
    assert all("`body` of" in one.text and "the state, not a manifest" in one.text for one in told)
    assert all(told[0].text in report for report in reports(plan)[:1] if told)


def test_readers_of_json_are_told_what_is_hidden() -> None:
    """As Terraform does: a text that says `(sensitive value)` is not the same."""
    document = plan_document(marked(wanted()), timestamp="", version="")

    change = document["resource_changes"][-1]["change"]
    assert change["after"] == {"body": "(sensitive value)", "attributes": "(sensitive value)"}
    assert change["after_sensitive"] == {"body": True, "attributes": True}


def test_a_plan_without_sensitive_values_is_left_as_it_is() -> None:
    """Nothing is copied where nothing is hidden."""
    scene = empty(message("a"))
    part = scene.part()

    assert mark(part, scene.desired, scene.state) is part


def test_a_saved_plan_holds_no_sensitive_value() -> None:
    """Its file can lie where files lie."""
    scene = was_sensitive().wanting(message("a", body="new " + SECRET, sensitive=("body",)), message("b"))
    plan = withheld(marked(scene))

    assert SECRET not in encode_plan(SavedPlan(2, "id", "0", "", "AC1", "emulator:1", plan)).decode()


def test_a_saved_plan_is_whole_again_beside_its_manifests() -> None:
    """What is applied is what was planned, field by field."""
    scene = wanted()
    plan = marked(scene)

    again = restored(withheld(plan), scene.desired, {}, Digests(plan.lineage))

    assert not is_whole(withheld(plan))
    assert again.actions == plan.actions


def test_a_saved_plan_without_sensitive_values_needs_no_manifests() -> None:
    """The plan is self-contained wherever it can be."""
    scene = was_sensitive().wanting(message("b"))
    plan = withheld(marked(scene))

    assert is_whole(plan)
    assert [action.verb for action in restored(plan, NOTHING, {}, Digests(plan.lineage)).actions] == [
        Verb.DELETE
    ]


def test_another_value_than_was_planned_is_stale() -> None:
    """The digest in the plan tells, without telling the value."""
    scene = wanted()

    with pytest.raises(PlanError, match="stale plan: the sensitive `body` of `desk/order/a`"):
        restored(withheld(marked(scene)), wanted("code other").desired, {}, Digests(""))


def labelled(code: str, **fields: Any) -> Message:
    """Return a message with hidden attributes, of which `seen` is nobody's business."""
    ignored = {"ignore_changes": (("attributes", "seen"),), "sensitive": ("attributes",)}
    return message("a", **{"attributes": {"code": code}, **ignored, **fields})


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (labelled(SECRET), labelled("new")),
        (labelled(SECRET, body="x"), labelled(SECRET, body="y")),
        (labelled(SECRET), labelled("new", media_sid="ME9")),
        (
            message("a", attributes={"code": SECRET}, sensitive=("attributes",)),
            message("a", media_sid="ME9", ignore_changes=(("attributes",),)),
        ),
    ],
    ids=["sent", "not sent", "replaced", "carried over"],
)
def test_the_live_part_of_a_hidden_value_is_read_again(was: Message, now: Message) -> None:
    """It is in no manifest: what `ignore_changes` leaves alone, and what a replacement carries over."""
    live = f'{{"code": "{SECRET}", "seen": "{SECRET} too"}}'
    scene = applied(was, message("b")).remembering(at("a"), sensitive=("attributes",))
    scene = scene.edited("a", attributes=live).wanting(now, message("b"))
    plan = marked(scene)
    assert any("too" in text for text in plan.actions[0].after.values())

    saved = withheld(plan)

    assert SECRET not in encode_plan(SavedPlan(2, "id", "0", "", "AC1", "emulator:1", saved)).decode()
    again = restored(saved, scene.desired, dict(scene.view.messages), Digests(plan.lineage))
    assert (again.actions[0].send, again.actions[0].after) == (plan.actions[0].send, plan.actions[0].after)
    elsewhere = scene.edited("a", attributes=live.replace("too", "more"))
    with pytest.raises(PlanError, match="stale plan: the sensitive `attributes` of `desk/order/a`"):
        restored(saved, scene.desired, dict(elsewhere.view.messages), Digests(plan.lineage))


@pytest.mark.parametrize(
    ("sensitive", "hint"), [((), "; did you mean the one of `participants/al`?"), (("author",), "")]
)
def test_an_author_who_is_no_participant_is_not_named(sensitive: tuple[str, ...], hint: str) -> None:
    """The warning says where, and whom it might be, by the key of a participant."""
    desk = empty(
        message("a", author="alice", body="x", sensitive=sensitive),
        participants=(Participant("al", 4, identity="alicia"),),
    )

    (warning,) = (one for one in desk.plan().warnings if one.code == "unknown_author")

    assert (warning.address, warning.text) == (at("a"), f"its author is no declared participant{hint}")
