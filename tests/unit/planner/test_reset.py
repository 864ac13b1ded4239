"""`--reset`, and `--replace` of a conversation: what is brought back, made anew, passed and refused."""

from __future__ import annotations

import msgspec
import pytest

from reconciler.model import (
    Anchor,
    Conversation,
    ConversationView,
    Order,
    Participant,
    RemoteConversation,
    RemoteMessage,
    RemoteParticipant,
    Unmanaged,
)
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.plan import Plan
from tests.support.scenes import (
    AT,
    LATER,
    Scene,
    applied,
    at,
    codes,
    empty,
    live,
    message,
    messages,
    photo,
    steps,
)

BOB = RemoteParticipant("MBbob", "bob")
ZOE = RemoteParticipant("MBzoe", "zoe")
GUEST = live("IMguest", 7, author="guest", body="typed")
ANEW = [("desk/order", "replace"), ("a", "replace"), ("b", "replace"), ("c", "replace")]


def closed(*keys: str, **conversation: object) -> Scene:
    """Return an applied scene whose conversation somebody closed."""
    return applied(*messages(*keys or ("a", "b", "c")), **conversation).being(state="closed")


def with_bob(scene: Scene) -> Scene:
    """Return a scene whose manifest declares bob, whom the tool brought in."""
    sent = {"identity": scene.state.digest("identity", "bob")}
    scene = scene.wanting(*scene.conversation.messages, participants=(Participant("bob", 1, identity="bob"),))
    scene = scene.remembering(
        f"{AT}/participants/bob", sid="MBbob", conversation_sid="CH1", sent=sent, created=True
    )
    return scene.showing(participants={"MBbob": BOB})


def of(plan: Plan, address: str) -> Action:
    """Return the one action on an address."""
    (action,) = [action for action in plan.actions if action.address == address]
    return action


def test_nothing_is_done_where_nothing_happened() -> None:
    """A reset of what is as it was is an empty plan, with every order."""
    for order in Order:
        plan = with_bob(applied(*messages("a", "b"), order=order)).plan(reset=True)

        assert (plan.actions, plan.warnings, plan.refusals, plan.no_ops) == ((), (), (), 2)


def test_a_closed_conversation_is_made_anew_with_all_that_is_in_it() -> None:
    """It is deleted with what is in it, created, and filled: everything is counted in both columns."""
    plan = with_bob(closed()).plan(reset=True)

    assert steps(plan) == [ANEW[0], ("participants/bob", "replace"), *ANEW[1:]]
    assert {action.reason for action in plan.actions} == {Reason.REQUESTED}
    assert all(action.with_parent for action in plan.actions[1:])
    assert of(plan, at("a")).send == {"body": "text of a"}
    assert (plan.counts.add, plan.counts.destroy) == (5, 5)
    assert (plan.refusals, plan.warnings) == ((), ())


def test_the_plan_shows_what_was_changed_in_what_is_made_anew() -> None:
    """Nobody is told that an edited message is unchanged."""
    plan = closed().edited("b", body="edited", author="eve").plan(reset=True)

    assert [(change.path, change.before, change.after) for change in of(plan, at("b")).changes] == [
        (("body",), "edited", "text of b")
    ]
    assert of(plan, AT).changes[0].path == ("state",)


@pytest.mark.parametrize("order", [Order.APPEND, Order.STRICT])
def test_vanished_and_moved_messages_are_posted_again_in_order(order: Order) -> None:
    """Under `append` too: what stands behind them is posted again, as under `strict`."""
    plan = applied(*messages("a", "b", "c"), order=order).without("b").plan(reset=True)

    assert steps(plan) == [("b", "create"), ("c", "replace")]
    moved = applied(*messages("a", "b"), order=order).edited("a", index=5).plan(reset=True)
    assert steps(moved) == [("b", "replace")]


def test_order_any_has_no_order_to_bring_back() -> None:
    """What vanished is posted, and nothing else."""
    plan = applied(*messages("a", "b"), order=Order.ANY).without("a").plan(reset=True)

    assert steps(plan) == [("a", "create")]


def test_what_was_edited_is_put_back_declared_or_not() -> None:
    """Undeclared fields are what a new message has: who edited them is not asked."""
    scene = applied(message("a"), message("b", attributes={"n": 1}))
    scene = scene.edited("a", body="edited", attributes='{"by": "eve"}').edited("b", author="eve")
    scene = scene.being(friendly_name="Changed", attributes='{"x": 1}')

    plan = scene.plan(reset=True)

    assert of(plan, at("a")).send == {"body": "text of a", "attributes": "{}"}
    assert of(plan, at("b")).send == {"author": "system"}
    assert of(plan, AT).send == {"friendly_name": "Order", "attributes": "{}"}
    assert {action.reason for action in plan.actions} == {Reason.DRIFTED}
    assert of(plan, at("b")).managed == ("body", "attributes")
    assert of(scene.plan(), at("a")).send == {"body": "text of a"}


def test_what_is_ignored_stays_as_it_is() -> None:
    """`ignore_changes` holds for a reset too."""
    wanted = message("a", ignore_changes=(("author",), ("attributes", "seen")))
    scene = applied(wanted).edited("a", author="eve", attributes='{"seen": 1}')

    assert scene.plan(reset=True).actions == ()
    both = scene.edited("a", attributes='{"seen": 1, "x": 2}').plan(reset=True)
    assert of(both, at("a")).send == {"attributes": '{"seen":1}'}


def test_an_inactive_conversation_is_active_again() -> None:
    """As a new one is; one that is declared inactive stays so."""
    plan = applied(*messages("a")).being(state="inactive").plan(reset=True)

    assert (of(plan, AT).verb, of(plan, AT).send) == (Verb.UPDATE, {"state": "active"})
    assert sorted(of(plan, AT).managed) == ["friendly_name", "unique_name"]
    resting = applied(*messages("a"), state="inactive").being(state="inactive")
    assert resting.plan(reset=True).actions == ()


def test_people_who_joined_leave_and_who_left_come_back() -> None:
    """Whom no key names goes where the manifest says `unmanaged: delete`, and stays where it does not."""
    scene = with_bob(applied(*messages("a"))).showing(participants={"MBzoe": ZOE})

    kept = scene.plan(reset=True)
    assert steps(kept) == [("participants/bob", "create")]
    cleared = scene.wanting(*scene.conversation.messages, unmanaged=Unmanaged.DELETE).plan(reset=True)
    assert steps(cleared) == [("participants/bob", "create"), ("participants/MBzoe", "delete")]


def test_a_person_who_is_declared_no_more_goes_although_somebody_else_brought_them_in() -> None:
    """A reset knows only the manifest; a plan without it lets go of whom it did not bring in."""
    scene = with_bob(applied(*messages("a"), unmanaged=Unmanaged.DELETE))
    scene = scene.remembering(f"{AT}/participants/bob", created=False).wanting(
        *messages("a"), participants=()
    )

    assert scene.plan().actions == ()
    assert steps(scene.plan(reset=True)) == [("participants/MBbob", "delete")]


@pytest.mark.parametrize("stranger", ["message", "participant", "both"])
def test_nothing_of_others_is_lost_unless_the_manifest_says_so(stranger: str) -> None:
    """The refusal names the conversation and what it holds, and the way on."""
    scene = with_bob(closed())
    if stranger != "participant":
        scene = scene.also(GUEST)
    if stranger != "message":
        scene = scene.showing(participants={"MBbob": BOB, "MBzoe": ZOE})

    (refusal,) = scene.plan(reset=True).refusals

    held = {"message": "1 message", "participant": "1 participant", "both": "1 participant and 1 message"}
    assert refusal.text == (
        f"`{AT}` (CH1) is closed and would have to be deleted, but it holds {held[stranger]} of others"
    )
    assert f"`--exclude {AT}`" in refusal.hint
    allowed = scene.wanting(*scene.conversation.messages, unmanaged=Unmanaged.DELETE).plan(reset=True)
    assert allowed.refusals == ()
    assert [action.reason for action in allowed.actions].count(Reason.UNMANAGED) == (stranger == "both") + 1


def test_what_was_forgotten_is_spared() -> None:
    """A message that a `removed:` block let go of is never lost with its conversation."""
    scene = closed(unmanaged=Unmanaged.DELETE).wanting(*messages("a", "b"))
    plan = scene.remembering(at("c"), released=True).plan(reset=True)

    assert codes(plan.refusals) == ["spared_inside"]


@pytest.mark.parametrize("options", [{"reset": True}, {"replace": (AT,), "max_delete": 100}])
def test_what_the_tool_did_not_create_is_refused(options: dict[str, object]) -> None:
    """Whoever made it may have other plans for it: declared by its sid, found by its name, or unbound."""
    for scene in (
        closed().remembering(AT, created=False),
        closed().forgetting(AT),
        closed(sid="CH1"),
    ):
        (refusal,) = [one for one in scene.plan(**options).refusals if one.code == "not_created"]

        assert "would have to be deleted, but this tool did not create it" in refusal.text
        assert AT in refusal.text


def test_what_was_found_and_is_open_is_planned_as_always() -> None:
    """With a warning, and under the guard."""
    keys = [f"m{number:02}" for number in range(12)]
    scene = applied(*messages(*keys)).remembering(AT, created=False).without(*keys)

    plan = scene.plan(reset=True)

    assert "not_reset" in codes(plan.warnings)
    assert codes(plan.refusals) == ["recreate"]


def test_only_what_is_inside_passes_the_guard() -> None:
    """A conversation that is no longer declared is judged as always, and so is one that is left out."""
    keys = [f"m{number:02}" for number in range(12)]
    scene = closed(*keys, unmanaged=Unmanaged.DELETE).also(GUEST)

    assert scene.plan(reset=True).refusals == ()
    assert codes(scene.plan(replace=(AT,)).refusals) == ["max_delete", "deletes_parent"]
    assert scene.plan(replace=(AT,), max_delete=13).refusals == ()
    gone = scene.wanting_nothing().plan(reset=True)
    assert codes(gone.refusals) == codes(scene.wanting_nothing().plan().refusals)
    assert "max_delete" in codes(gone.refusals)
    assert codes(scene.plan(reset=True, max_delete=0).refusals) == []


def test_vanished_messages_pass_the_guard_against_posting_again() -> None:
    """Twelve of them are posted, without `--allow-recreate`."""
    keys = [f"m{number:02}" for number in range(12)]
    scene = applied(*messages(*keys)).without(*keys)

    assert codes(scene.plan().refusals) == ["recreate"]
    assert scene.plan(reset=True).refusals == ()


def test_prevent_destroy_yields_to_no_reset() -> None:
    """Neither for the sake of order nor with its conversation; what leaves it alone is done."""
    wanted = [message("a"), message("b", prevent_destroy=True)]

    assert codes(applied(*wanted).being(state="closed").plan(reset=True).refusals) == ["prevent_destroy"]
    assert codes(applied(*wanted).without("a").plan(reset=True).refusals) == ["prevent_destroy"]
    assert applied(*wanted).edited("a", body="x").plan(reset=True).refusals == ()


def test_closing_and_delivering_are_asked_for_by_their_own_flags() -> None:
    """What is declared closed is made anew only if something must change in it, and closed again."""
    scene = closed(state="closed")
    scene = scene.remembering(
        AT, sent={**scene.state.bindings[AT].sent, "state": scene.state.digest("state", "closed")}
    )

    assert scene.plan(reset=True).actions == ()
    edited = scene.edited("a", body="x")
    assert steps(edited.plan(reset=True)) == ANEW
    assert codes(edited.plan(reset=True).refusals) == ["closes"]
    assert edited.plan(reset=True, allow_close=True).refusals == ()
    phone = Participant("phone", 1, address="+15550100", proxy_address="+15550200")
    calling = closed().wanting(*messages("a"), participants=(phone,))
    assert codes(calling.plan(reset=True).refusals) == ["delivers_externally"]


def test_whom_nobody_declares_gets_nothing_of_what_is_posted_anew() -> None:
    """Somebody outside the chat goes with the old conversation."""
    phone = RemoteParticipant("MBp", messaging_binding={"type": "sms", "address": "+1555"})
    scene = closed(unmanaged=Unmanaged.DELETE).showing(participants={"MBp": phone})

    plan = scene.plan(reset=True)

    assert (plan.refusals, plan.warnings) == ((), ())


def test_media_that_can_be_attached_once_is_not_posted_again() -> None:
    """A file can; a sid cannot."""
    assert applied(photo("a")).being(state="closed").plan(reset=True).refusals == ()
    scene = applied(message("a", media_sid="ME1")).being(state="closed")
    assert codes(scene.plan(reset=True).refusals) == ["media_used"]


def test_a_part_of_a_conversation_is_not_reset() -> None:
    """`--target` selects conversations; of a part of one, nothing more is done than without the flag."""
    scene = applied(*messages("a", "b", "c")).without("b")

    whole = scene.plan(reset=True, targets=(AT,))
    assert steps(whole) == [("b", "create"), ("c", "replace")]
    for options in ({"targets": (at("b"),)}, {"excludes": (at("a"),)}):
        part = scene.plan(reset=True, **options)
        assert steps(part) == [("b", "create")]
        assert "not_reset" in codes(part.warnings)
    assert scene.plan(reset=True, excludes=(AT,)).actions == ()
    assert codes(closed().plan(replace=(AT,), excludes=(at("a"),)).refusals)[0] == "partly_replaced"


def test_a_target_resets_with_all_that_the_manifest_says() -> None:
    """What is not managed goes under `unmanaged: delete`, though the plan is not about everything."""
    scene = applied(*messages("a"), unmanaged=Unmanaged.DELETE).also(GUEST)

    assert scene.plan(targets=(AT,)).actions == ()
    assert steps(scene.plan(reset=True, targets=(AT,))) == [("IMguest", "delete")]


def test_replacing_a_conversation_needs_no_reason() -> None:
    """It may be open and as it was; one that is not there yet is created."""
    plan = applied(*messages("a", "b", "c")).plan(replace=(AT,), max_delete=3)

    assert (steps(plan), plan.refusals) == (ANEW, ())
    created = empty(*messages("a")).plan(replace=(AT,))
    assert (steps(created), created.refusals) == ([("desk", "create"), (AT, "create"), ("a", "create")], ())


def test_what_is_behind_the_addresses_goes_too() -> None:
    """A key that was taken out, a message that another one replaced, and one that vanished."""
    scene = closed("a", "b", "c").remembering(at("a"), superseded=("IMold",)).also(live("IMold", 0))
    scene = scene.wanting(*messages("a", "b", "d")).without("b")

    plan = scene.plan(reset=True)

    assert [(action.address, action.verb.value, action.reason.value) for action in plan.actions[1:]] == [
        (at("a"), "replace", "requested"),
        (at("b"), "create", "missing_remotely"),
        (at("d"), "create", "not_in_state"),
        (at("a"), "delete", "superseded"),
        (at("c"), "delete", "removed_from_manifest"),
    ]


def test_the_anchor_of_its_timeline_stays() -> None:
    """All conversations of a demo go on telling of the same days."""
    anchor = Anchor("2026-01-05T09:00:00Z", "-3d", "UTC")
    scene = closed(anchor=anchor).remembering(AT, anchor=anchor)

    assert of(scene.plan(reset=True), AT).anchor == anchor


def world_of(states: list[str], **conversation: object) -> Scene:
    """Return a scene with an applied conversation for each state."""
    scene = applied(*messages("a"))
    names = [f"c{number}" for number in range(len(states))]
    views = {
        f"desk/{name}": ConversationView(RemoteConversation(f"CH{name}", name, state=state), participants={})
        for name, state in zip(names, states, strict=True)
    }
    for name in names:
        scene = scene.remembering(f"desk/{name}", sid=f"CH{name}", created=True)
    wanted = [
        msgspec.structs.replace(
            Conversation(name=name, path="m.yaml", line=1, unique_name=name),
            **conversation,
        )
        for name in names
    ]
    return scene.declaring(*wanted).reading(conversations=views).forgetting(AT, at("a"))


def test_ended_conversations_are_one_warning_a_service() -> None:
    """With their count and the first three; what a manifest declares is none."""
    states = ["active", "closed", "inactive", "closed", "closed", "closed"]

    (warning,) = world_of(states).plan().warnings

    assert (warning.code, warning.address) == ("ended", "desk")
    assert warning.text == (
        "5 conversations closed or inactive, which no manifest says: `desk/c1` (closed), "
        "`desk/c2` (inactive), `desk/c3` (closed) and 2 more; `--reset` brings them back"
    )
    assert world_of(states).plan(reset=True).warnings == ()
    assert world_of(["inactive"], state="inactive").plan().warnings == ()


def test_unknown_addresses_are_refused() -> None:
    """Those of services and of nothing."""
    for address in ("desk", "desk/nowhere", at("nothing")):
        (refusal,) = applied(*messages("a")).plan(replace=(address,)).refusals

        assert refusal.text == f"`--replace {address}` names no message and no conversation of the manifests"


def test_messages_of_others_do_not_hold_back_what_takes_their_place() -> None:
    """What equals a message of the manifest goes with the old conversation."""
    twin = RemoteMessage("IMtwin", 8, author="system", body="text of d", attributes="{}", date_created=LATER)
    scene = closed(unmanaged=Unmanaged.DELETE).also(twin).wanting(*messages("a", "b", "c", "d"))

    assert scene.plan(reset=True).refusals == ()
