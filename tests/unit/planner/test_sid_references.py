"""`${service.NAME.sid}`: filled in with what is found, waited for where the same plan creates the service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from reconciler.manifest.load import load
from reconciler.model import Desired, RemoteService
from reconciler.model.sids import fill_placeholders, sid_placeholder
from reconciler.planner.join import join
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.part import Part, Piece
from reconciler.plans.plan import Plan
from reconciler.plans.sid_references import Filled, fill, mark_references
from reconciler.report.json import plan_document
from reconciler.report.text import render_plan
from tests.support.scenes import SERVICE, SERVICE_SID, Scene, applied, empty, found, message


def referring(scene: Scene) -> Scene:
    """Return *scene* with what `load` would say of its references."""
    return msgspec.structs.replace(scene, desired=msgspec.structs.replace(scene.desired, awaits=(SERVICE,)))


def wanted() -> Scene:
    """Return a scene in which texts name the sid of the service."""
    sid = sid_placeholder(SERVICE)
    return referring(
        empty(
            message("a", body=f"in {sid}", attributes={"sid": sid}),
            message("b"),
            friendly_name=f"Order in {sid}",
        )
    )


def part_of(scene: Scene, known: Filled, **options: Any) -> Part:
    """Return what is decided for *scene* with what is known of its references."""
    return msgspec.structs.replace(scene, desired=known.desired).part(**options)


def planned(part: Part, known: Filled) -> Plan:
    """Return the plan of *part* with its references marked."""
    return join([mark_references(part, known)])


def test_a_text_is_filled_in_with_the_sid_that_was_found() -> None:
    """In bodies, inside of attributes, and in the conversation."""
    scene = wanted().reading(services={SERVICE: RemoteService(SERVICE_SID, SERVICE)})

    known = fill(scene.desired, scene.remote)

    conversation = known.desired.services[0].conversations[0]
    first, second = conversation.messages
    assert conversation.friendly_name == f"Order in {SERVICE_SID}"
    assert (first.body, first.attributes) == (f"in {SERVICE_SID}", f'{{"sid":"{SERVICE_SID}"}}')
    assert second.body == "text of b"
    assert known.sids == {SERVICE: SERVICE_SID}


def test_a_service_of_the_same_plan_is_waited_for() -> None:
    """Its sid is known after apply: the text is kept as it is until then, and people read so."""
    scene = wanted()
    known = fill(scene.desired, scene.remote)

    plan = planned(part_of(scene, known), known)

    assert plan.applyable
    assert [action.awaits for action in plan.actions] == [(), (SERVICE,), (SERVICE,), ()]
    text = render_plan(plan)
    assert 'body: "in (known after apply)"' in text
    assert 'attributes: {"sid": "(known after apply)"}' in text
    assert 'friendly_name: "Order in (known after apply)"' in text
    change = plan_document(plan, timestamp="", version="")["resource_changes"][2]["change"]
    assert change["after_unknown"] == {"sid": True, "index": True, "body": True, "attributes": True}
    assert change["after"] is not None
    assert {"body", "attributes"}.isdisjoint(change["after"])


def test_an_update_shows_what_becomes_known() -> None:
    """A text that goes from one thing to a sid nobody knows is shown as such a change."""
    scene = applied(message("a"))
    text = message(
        "a", body=f"in {sid_placeholder('other')}", attributes={"list": [sid_placeholder("other"), 1]}
    )
    scene = scene.wanting(text)
    known = fill(msgspec.structs.replace(scene.desired, awaits=("other",)), scene.remote)
    part = part_of(scene, known)
    created = Piece("other", 1, actions=(Action("other", Verb.CREATE, Reason.NOT_IN_STATE),))

    waiting = planned(msgspec.structs.replace(part, services=(*part.services, created)), known)

    assert waiting.actions[0].awaits == ("other",)
    assert 'body: "text of a" -> "in (known after apply)"' in render_plan(waiting)
    assert '["(known after apply)", 1]' in render_plan(waiting)


def test_a_sid_that_this_plan_does_not_bring_is_not_sent() -> None:
    """The plan is shown with the reference, says what is missing, and names the way out."""
    scene = wanted()
    known = fill(scene.desired, scene.remote)
    part = part_of(scene, known)

    refused = planned(msgspec.structs.replace(part, services=()), known)

    assert refused.actions[-2].send["body"] == f"in ${{service.{SERVICE}.sid}}"
    (refusal,) = refused.refusals
    assert refusal.code == "unknown_sid"
    assert refusal.text.startswith(
        f"`desk/order` and 1 more cannot do without the sid of service `{SERVICE}`"
    )
    assert refusal.hint == "plan `desk` too, or leave this out: `--exclude 'desk/order'`"


def test_a_plan_about_other_things_goes_ahead() -> None:
    """Only what would be sent needs the sid."""
    scene = wanted()
    known = fill(scene.desired, scene.remote)
    part = part_of(scene, known, excludes=(f"{SERVICE}/*",))

    assert planned(part, known).applyable


def test_texts_without_references_are_left_alone() -> None:
    """Nothing is copied for manifests that refer to no service."""
    scene = found(message("a"))

    assert fill(scene.desired, scene.remote).desired is scene.desired


@pytest.mark.parametrize(
    "text", ["service.desk.sid", "\0desk\0", "\\u0000 service.desk.sid", "\0service..sid"]
)
def test_only_what_awaits_a_sid_is_filled_in(text: str) -> None:
    """A text of a stranger is no reference."""
    assert fill_placeholders(text, lambda _: "IS1") == text


def test_a_manifest_says_which_services_it_awaits(tmp_path: Path) -> None:
    """Names may hold dots; the service may be declared in another file."""
    (tmp_path / "a.yaml").write_text("version: 1\nservices: {a.b: {}}\n", encoding="utf-8")
    conversation = "{messages: [{key: a, body: '${service.a.b.sid}'}]}"
    text = f"version: 1\nservices: {{c: {{conversations: {{d: {conversation}}}}}}}\n"
    (tmp_path / "b.yaml").write_text(text, encoding="utf-8")

    desired: Desired = load([tmp_path])

    assert desired.awaits == ("a.b",)
    assert desired.services[1].conversations[0].messages[0].body == sid_placeholder("a.b")
