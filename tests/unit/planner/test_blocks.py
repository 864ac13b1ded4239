"""The blocks `import:`, `moved:` and `removed:`: planned from a scene, and carried out on an emulator."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reconciler import api
from reconciler.emulator import Emulator
from reconciler.errors import PlanError
from reconciler.model import (
    Conversation,
    Desired,
    Import,
    Message,
    Move,
    Participant,
    Remote,
    RemoteParticipant,
    Service,
    Unmanaged,
)
from reconciler.operations.connection import connect
from reconciler.operations.session import Settings
from reconciler.planner.build import build_part
from reconciler.planner.join import join
from reconciler.planner.refactoring import refactor
from reconciler.planner.refactoring_actions import with_refactoring
from reconciler.plans.actions import Reason, Verb
from reconciler.plans.options import Options
from reconciler.plans.plan import Plan
from reconciler.plans.redact import mark
from reconciler.report.json import plan_document
from reconciler.report.text import render_plan
from reconciler.resources.conversation import live_conversation_values
from reconciler.resources.message import live_values
from reconciler.state.model import Bound, Unbound
from reconciler.state.stores.file import StateStore
from tests.support.scenes import (
    AT,
    CONVERSATION_SID,
    SERVICE,
    SERVICE_SID,
    Scene,
    applied,
    at,
    codes,
    live,
    live_of,
    message,
    messages,
    only,
    steps,
)


def plan(scene: Scene, *, options: Options = Options(), **blocks: Any) -> Plan:  # noqa: B008  # frozen
    """Return the plan of a scene with blocks in its manifests."""
    desired = msgspec.structs.replace(scene.desired, **blocks)
    prepared = refactor(desired, scene.state, options)
    remote = msgspec.structs.replace(scene.remote, forgotten=texts(scene.remote))
    made = build_part(prepared.desired, remote, prepared.state, options)
    made = with_refactoring(made, prepared, prepared.desired, remote)
    return join([mark(made, prepared.desired, prepared.state)])


def texts(remote: Remote) -> dict[str, dict[str, str]]:
    """Return the texts of all conversations and messages by sid."""
    views = remote.conversations.values()
    return {
        **{one.remote.sid: live_conversation_values(one.remote) for one in views if one.remote is not None},
        **{sid: live_values(each) for one in views for sid, each in one.messages.items()},
    }


# moved


def test_a_moved_key_is_one_move() -> None:
    """Nothing is deleted and nothing created, even where several keys could have been renamed."""
    scene = applied(message("a", body="same"), message("b", body="same"))
    scene = scene.wanting(message("x", body="same"), message("y", body="same"))

    made = plan(scene, moves=(Move(at("a"), at("x")), Move(at("b"), at("y"))))
    assert all(action.before == action.after == {"body": "same"} for action in made.actions)

    assert [(a.previous_address, a.address, a.reason) for a in made.actions] == [
        (at("a"), at("x"), Reason.RENAMED),
        (at("b"), at("y"), Reason.RENAMED),
    ]
    assert made.no_ops == 0


def test_a_move_goes_with_the_change_of_its_message() -> None:
    """A renamed key with a new body is one update that knows where it came from."""
    scene = applied(*messages("a")).wanting(message("x", body="new"))

    action = only(plan(scene, moves=(Move(at("a"), at("x")),)))

    assert (action.verb, action.address, action.previous_address) == (Verb.UPDATE, at("x"), at("a"))


def test_moves_are_followed_to_their_end() -> None:
    """Blocks of two renames may stand beside one another until everybody has applied both."""
    scene = applied(*messages("a")).wanting(message("c", body="text of a"))

    action = only(plan(scene, moves=(Move(at("a"), at("b")), Move(at("b"), at("c")))))

    assert (action.previous_address, action.address) == (at("a"), at("c"))


def test_a_move_that_was_made_is_none() -> None:
    """The block may stay in the manifest."""
    assert steps(plan(applied(*messages("b")), moves=(Move(at("a"), at("b")),))) == []


def test_a_moved_conversation_takes_along_what_is_in_it() -> None:
    """Its messages move, and nothing of it is sent but what its manifest says."""
    scene = applied(*messages("a", "b"))
    renamed = msgspec.structs.replace(scene.conversation, name="first")
    scene = scene.declaring(renamed).reading(conversations={"desk/first": scene.view})

    made = plan(scene, moves=(Move(AT, "desk/first"),))

    assert [(a.verb, a.previous_address, a.address) for a in made.actions] == [
        (Verb.MOVE, at("a"), "desk/first/a"),
        (Verb.MOVE, at("b"), "desk/first/b"),
    ]
    assert {type(record): record.address for record in made.records} == {Bound: "desk/first", Unbound: AT}


def test_a_move_onto_a_bound_address_is_refused() -> None:
    """Two messages cannot have one address."""
    made = plan(applied(*messages("a", "b")), moves=(Move(at("a"), at("b")),))

    assert codes(made.refusals) == ["moved_conflict"]


def test_a_move_into_another_conversation_is_refused() -> None:
    """No live message can change its conversation."""
    scene = applied(*messages("a")).remembering("desk/other", sid="CH2")

    assert codes(plan(scene, moves=(Move(at("a"), "desk/other/a"),)).refusals) == ["moved_elsewhere"]


def test_a_refused_parent_is_refused_once() -> None:
    """What is in it is not complained about again."""
    scene = applied(*messages("a", "b")).remembering("desk/other", sid="CH2")

    assert codes(plan(scene, moves=(Move(AT, "desk/other"),)).refusals) == ["moved_conflict"]


# removed


def test_a_removed_message_is_forgotten_and_stays() -> None:
    """Without the block it would be deleted."""
    scene = applied(*messages("a", "b")).wanting(message("a"))
    assert steps(scene.plan()) == [("b", "delete")]

    made = plan(scene, removed=(at("b"),))

    assert steps(made) == [("b", "forget")]
    assert made.actions[0].before == {"body": "text of b"}


def test_a_removed_message_is_spared_where_unmanaged_ones_are_deleted() -> None:
    """It stays known as released, so that no later plan takes it for a stranger."""
    scene = applied(*messages("a", "b"), unmanaged=Unmanaged.DELETE).wanting(message("a"))

    made = plan(scene, removed=(at("b"),))

    assert (only(made).verb, only(made).released) == (Verb.FORGET, True)
    (record,) = made.records
    assert isinstance(record, Bound)
    assert record.binding.released


def test_a_removed_conversation_is_forgotten_with_what_is_in_it() -> None:
    """The messages first, as they are found in it; nothing is deleted although this tool created it."""
    scene = applied(*messages("a", "b")).declaring()

    made = plan(scene, removed=(AT,))

    assert steps(made) == [("b", "forget"), ("a", "forget"), (AT, "forget")]
    assert [action.before for action in made.actions] == [
        {"body": "text of b"},
        {"body": "text of a"},
        {"unique_name": "order", "friendly_name": "Order"},
    ]


def test_what_was_sensitive_is_not_shown_as_it_is_let_go() -> None:
    """The state still says so, and no manifest does."""
    hidden = message("a", body="s3cret", sensitive=("body",))
    scene = applied(hidden).remembering(at("a"), sensitive=("body",))

    for removed in (scene.declaring(), scene.wanting(message("b"))):
        made = plan(removed, removed=(at("a"),))

        (forgotten,) = (action for action in made.actions if action.address == at("a"))
        assert forgotten.before == {"body": "s3cret"}
        assert "s3cret" not in render_plan(made) + str(plan_document(made, timestamp="", version=""))


def test_what_is_not_bound_need_not_be_removed() -> None:
    """The block may stay in the manifest."""
    assert steps(plan(applied(*messages("a")), removed=(at("b"),))) == []


def test_a_destroy_spares_what_is_removed() -> None:
    """Forgotten is not to be deleted, whatever else is."""
    scene = applied(*messages("a", "b")).wanting(message("a"))

    made = plan(scene, removed=(at("b"),), options=Options(destroy=True))

    assert ("b", "forget") in steps(made)
    assert ("b", "delete") not in steps(made)


# import


def test_an_imported_message_that_says_the_same_is_bound() -> None:
    """It is taken over as it is, and counted as imported."""
    scene = applied(*messages("a")).wanting(*messages("a", "b")).also(live_of(message("b"), "IM9", 9))

    made = plan(scene, imports=(Import(at("b"), "IM9"),))

    assert (only(made).verb, only(made).sid, only(made).reason) == (Verb.ADOPT, "IM9", Reason.REQUESTED)
    assert (made.counts.imported, made.counts.no_op) == (1, 1)


def test_an_imported_message_that_differs_is_updated() -> None:
    """One action says both."""
    scene = applied(*messages("a")).wanting(*messages("a", "b")).also(live("IM9", 9, body="other"))

    made = plan(scene, imports=(Import(at("b"), "IM9"),))

    assert (only(made).verb, only(made).importing, only(made).after) == (
        Verb.UPDATE,
        True,
        {"body": "text of b"},
    )
    assert (made.counts.imported, made.counts.change) == (1, 1)


def test_an_import_that_was_made_is_none() -> None:
    """The block may stay in the manifest."""
    assert steps(plan(applied(*messages("a")), imports=(Import(at("a"), "IMa"),))) == []


def test_an_imported_message_may_be_posted_again() -> None:
    """The address then stands for another one, and what the block names is gone, or superseded."""
    scene = applied(*messages("a"))
    made = plan(scene, imports=(Import(at("a"), "IM8"),))
    left = plan(
        scene.also(live("IM8", 8)).remembering(at("a"), superseded=("IM8",)),
        imports=(Import(at("a"), "IM8"),),
    )

    assert (steps(made), made.refusals) == ([], ())
    assert (steps(left), left.refusals) == ([("a", "delete")], ())


@pytest.mark.parametrize(
    ("address", "sid", "code"),
    [("a", "IM9", "import_conflict"), ("b", "IMa", "import_conflict"), ("b", "IM8", "import_missing")],
)
def test_an_import_that_cannot_be_is_refused(address: str, sid: str, code: str) -> None:
    """The address is bound to another one, the message to another address, or it does not exist."""
    scene = applied(*messages("a")).wanting(*messages("a", "b")).also(live("IM9", 9, body="x"))

    made = plan(scene, imports=(Import(at(address), sid),))

    assert code in codes(made.refusals)
    if code == "import_missing":
        assert steps(made) == []


ALICE = f"{AT}/participants/alice"


def with_people(*live: RemoteParticipant, **fields: Any) -> Scene:
    """Return a scene in which Alice is wanted, *live* are there, and nobody is bound."""
    wanted = Participant("alice", 1, identity="alice", **fields)
    return applied().wanting(participants=(wanted,)).showing(participants={one.sid: one for one in live})


def test_an_imported_participant_is_bound() -> None:
    """A participant is found by its identity anyway, so nothing is counted; the binding is a whole one."""
    scene = with_people(RemoteParticipant("MBa", identity="alice", attributes="{}"))

    made = plan(scene, imports=(Import(ALICE, "MBa"),))

    (record,) = made.records
    assert made.actions == ()
    assert made.refusals == ()
    assert isinstance(record, Bound)
    assert (record.address, record.binding.sid) == (ALICE, "MBa")
    assert (record.binding.service_sid, record.binding.conversation_sid) == (SERVICE_SID, CONVERSATION_SID)
    assert record.binding.sent == {"identity": scene.state.digest("identity", "alice")}
    assert not record.binding.created


def test_an_imported_participant_that_differs_is_updated() -> None:
    """One action says both, as with a message."""
    scene = with_people(
        RemoteParticipant("MBa", identity="alice", attributes="{}"), attributes='{"vip":true}'
    )

    made = plan(scene, imports=(Import(ALICE, "MBa"),))

    assert (only(made).verb, only(made).importing, only(made).sid) == (Verb.UPDATE, True, "MBa")
    (record,) = made.records
    assert isinstance(record, Bound)
    assert record.binding.conversation_sid == CONVERSATION_SID


def test_an_import_of_a_participant_that_was_made_is_none() -> None:
    """The block may stay in the manifest, also when the participant was brought in again since."""
    scene = with_people(RemoteParticipant("MBa", identity="alice", attributes="{}"))
    sent = {"identity": scene.state.digest("identity", "alice")}
    where = {"service_sid": SERVICE_SID, "conversation_sid": CONVERSATION_SID}
    scene = scene.remembering(ALICE, sid="MBa", sent=sent, **where)

    for sid in ("MBa", "MBold"):
        made = plan(scene, imports=(Import(ALICE, sid),))
        assert (made.actions, made.records, made.refusals) == ((), (), ())


@pytest.mark.parametrize(("sid", "code"), [("MBgone", "import_missing"), ("MBb", "import_conflict")])
def test_an_import_of_another_participant_is_refused(sid: str, code: str) -> None:
    """One that is not there, and one who is somebody else: Alice is not brought in instead."""
    scene = with_people(RemoteParticipant("MBb", identity="bob", attributes="{}"))

    made = plan(scene, imports=(Import(ALICE, sid),))

    assert codes(made.refusals) == [code]
    assert made.actions == ()


def test_a_participant_whose_address_is_taken_is_refused() -> None:
    """The address is bound to another one, who is there too."""
    scene = with_people(
        RemoteParticipant("MBa", identity="alice", attributes="{}"),
        RemoteParticipant("MBb", identity="bob", attributes="{}"),
    ).remembering(ALICE, sid="MBa")

    assert codes(plan(scene, imports=(Import(ALICE, "MBb"),)).refusals) == ["import_conflict"]


def test_an_imported_parent_is_found_by_its_sid() -> None:
    """It is as if the manifest declared it with that sid."""
    scene = applied(*messages("a")).forgetting(SERVICE, AT)

    desired = msgspec.structs.replace(scene.desired, imports=(Import(SERVICE, "IS1"), Import(AT, "CH1")))
    (service,) = refactor(desired, scene.state).desired.services

    assert (service.sid, service.conversations[0].sid) == ("IS1", "CH1")


def test_blocks_outside_of_the_targets_wait() -> None:
    """A plan of a part touches no other address."""
    scene = applied(*messages("a", "b")).wanting(*messages("a"))

    assert steps(plan(scene, removed=(at("b"),), options=Options(targets=(at("a"),)))) == []


# Carried out


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings with an emulator in memory."""
    emulator = Emulator()
    yield Settings(endpoint=emulator, state=tmp_path / "state.json")
    emulator.close()


def desk(
    *wanted: Message, name: str = "order", unmanaged: Unmanaged = Unmanaged.KEEP, **blocks: Any
) -> Desired:
    """Return a manifest of one conversation."""
    one = Conversation(name, "m.yaml", 3, unique_name="order", messages=wanted, unmanaged=unmanaged)
    service = Service("desk", "m.yaml", 2, friendly_name="desk", conversations=(one,))
    return Desired((service,), "d", **blocks)


def bound(settings: Settings) -> dict[str, str]:
    """Return what each address stands for."""
    state = StateStore(settings.state).read()
    assert state is not None
    return {address: binding.sid for address, binding in state.bindings.items()}


def leaves_nothing_to_do(desired: Desired, settings: Settings) -> bool:
    """Return whether the next plan is empty and may be applied."""
    made = api.plan(desired, settings).plan
    return made.applyable and not made.actions


def writes(settings: Settings) -> int:
    """Return how many requests could have changed something."""
    assert isinstance(settings.endpoint, Emulator)
    return sum(request.method != "GET" for request in settings.endpoint.requests)


def test_moves_are_applied_without_a_request(settings: Settings) -> None:
    """A conversation and one of its keys get other addresses; the sids stay, and nothing is sent."""
    api.apply(desk(*messages("a", "b")), settings)
    before, sent = bound(settings), writes(settings)
    moves = (Move("desk/order", "desk/first"), Move("desk/first/b", "desk/first/c"))
    wanted = desk(message("a"), message("c", body="text of b"), name="first", moves=moves)

    api.apply(wanted, settings)

    assert bound(settings) == {
        "desk": before["desk"],
        "desk/first": before["desk/order"],
        "desk/first/a": before["desk/order/a"],
        "desk/first/c": before["desk/order/b"],
    }
    assert writes(settings) == sent
    assert leaves_nothing_to_do(wanted, settings)


def test_a_key_may_be_renamed_where_its_conversation_moves(settings: Settings) -> None:
    """The one is said in a block, the other seen; the message moves once."""
    api.apply(desk(*messages("a", "b")), settings)
    before = bound(settings)
    wanted = desk(
        message("a"),
        message("c", body="text of b"),
        name="first",
        moves=(Move("desk/order", "desk/first"),),
    )
    moves = {one.address: one.previous_address for one in api.plan(wanted, settings).plan.actions}

    api.apply(wanted, settings)

    assert moves == {"desk/first/a": "desk/order/a", "desk/first/c": "desk/order/b"}
    assert bound(settings)["desk/first/c"] == before["desk/order/b"]
    assert leaves_nothing_to_do(wanted, settings)


def test_what_is_spared_stays_so_where_its_conversation_moves(settings: Settings) -> None:
    """Under `unmanaged: delete` it would go with what no key names, were it not remembered as released."""
    assert isinstance(settings.endpoint, Emulator)
    api.apply(desk(*messages("a", "b"), unmanaged=Unmanaged.DELETE), settings)
    spared = bound(settings)["desk/order/b"]
    wanted = desk(
        message("a"),
        name="first",
        unmanaged=Unmanaged.DELETE,
        moves=(Move("desk/order", "desk/first"),),
        removed=("desk/first/b",),
    )

    api.apply(wanted, settings)

    service, conversation = bound(settings)["desk"], bound(settings)["desk/first"]
    assert settings.endpoint.store.messages.get(service, conversation, spared)
    assert leaves_nothing_to_do(wanted, settings)


def test_a_spared_message_that_moves_is_not_counted_as_unchanged(settings: Settings) -> None:
    """It is no longer managed, so it was not counted before."""
    keeping: dict[str, Any] = {"unmanaged": Unmanaged.DELETE}
    api.apply(desk(*messages("a", "b"), **keeping), settings)
    api.apply(desk(message("a"), removed=("desk/order/b",), **keeping), settings)
    moved = desk(message("a"), name="first", moves=(Move("desk/order", "desk/first"),), **keeping)

    counts = api.plan(moved, settings).plan.counts

    assert (counts.move, counts.no_op) == (2, 0)


def test_what_takes_the_place_of_a_moved_message_is_bound_to_its_new_address(settings: Settings) -> None:
    """The old one is gone, and somebody posted the same again."""
    assert isinstance(settings.endpoint, Emulator)
    api.apply(desk(*messages("a")), settings)
    before, store = bound(settings), settings.endpoint.store.messages
    store.delete(before["desk"], before["desk/order"], before["desk/order/a"])
    there = store.create(before["desk"], before["desk/order"], {"Body": "text of a"}).sid
    wanted = desk(message("b", body="text of a"), moves=(Move("desk/order/a", "desk/order/b"),))

    api.apply(wanted, settings, Options(adopt=True))

    assert bound(settings) == {
        "desk": before["desk"],
        "desk/order": before["desk/order"],
        "desk/order/b": there,
    }
    assert leaves_nothing_to_do(wanted, settings)


def test_a_move_is_applied_from_a_saved_plan(settings: Settings) -> None:
    """What was reviewed is in the plan, whatever the manifests say now."""
    api.apply(desk(*messages("a")), settings)
    wanted = desk(message("b", body="text of a"), moves=(Move("desk/order/a", "desk/order/b"),))

    api.apply(api.plan(wanted, settings), settings)

    assert "desk/order/b" in bound(settings)
    assert leaves_nothing_to_do(wanted, settings)


def test_what_is_removed_is_forgotten_for_good(settings: Settings) -> None:
    """The whole service, without a request; applying once more has nothing to do."""
    api.apply(desk(*messages("a", "b")), settings)
    sent = writes(settings)
    wanted = Desired((), "e", removed=("desk",))

    api.apply(wanted, settings)

    assert bound(settings) == {}
    assert writes(settings) == sent
    assert leaves_nothing_to_do(wanted, settings)


def test_a_released_message_outlives_unmanaged_delete(settings: Settings) -> None:
    """Neither the apply that forgets it nor the next one deletes it, with or without the block."""
    api.apply(desk(*messages("a", "b")), settings)
    sid = bound(settings)["desk/order/b"]
    deleting = desk(*messages("a"), removed=("desk/order/b",))
    one = msgspec.structs.replace(deleting.services[0].conversations[0], unmanaged=Unmanaged.DELETE)
    service = msgspec.structs.replace(deleting.services[0], conversations=(one,))
    deleting = msgspec.structs.replace(deleting, services=(service,))

    api.apply(deleting, settings)

    assert bound(settings)["desk/order/b"] == sid
    assert leaves_nothing_to_do(deleting, settings)
    assert leaves_nothing_to_do(msgspec.structs.replace(deleting, removed=()), settings)


async def make(settings: Settings, *bodies: str) -> list[str]:
    """Create the service, its conversation and messages by hand; return the sids."""
    async with connect(settings.endpoint, parallelism=1, rate=None, max_wait=0) as session:
        service = (await session.client.create_service("Helpdesk")).sid
        conversation = (await session.client.create_conversation(service, {"unique_name": "order"})).sid
        made = [await session.client.create_message(service, conversation, {"body": body}) for body in bodies]
        return [service, conversation, *(one.sid for one in made)]


def test_imports_bind_what_was_made_by_hand(settings: Settings) -> None:
    """Service, conversation, a message as it is and one that is changed: then nothing is left to do."""
    service, conversation, first, second = asyncio.run(make(settings, "text of a", "other"))
    wanted = desk(
        *messages("a", "b"),
        imports=(
            Import("desk", service),
            Import("desk/order", conversation),
            Import("desk/order/a", first),
            Import("desk/order/b", second),
        ),
    )
    sent = writes(settings)

    api.apply(wanted, settings)

    assert bound(settings) == {
        "desk": service,
        "desk/order": conversation,
        "desk/order/a": first,
        "desk/order/b": second,
    }
    assert writes(settings) == sent + 1
    assert leaves_nothing_to_do(wanted, settings)
    assert leaves_nothing_to_do(msgspec.structs.replace(wanted, imports=()), settings)


def test_an_import_of_nothing_changes_nothing(settings: Settings) -> None:
    """The plan is refused as a whole."""
    service, _, first = asyncio.run(make(settings, "text of a"))
    wrong = Import("desk/order/b", first[:-1] + ("1" if first[-1] == "0" else "0"))
    wanted = desk(*messages("a", "b"), imports=(Import("desk", service), wrong))

    with pytest.raises(PlanError, match="cannot be imported"):
        api.apply(wanted, settings)

    assert not Path(settings.state).exists()


def test_without_blocks_nothing_is_prepared() -> None:
    """Then the plan is the very same value."""
    scene = applied(*messages("a"))
    prepared = refactor(scene.desired, scene.state)

    assert prepared.state is scene.state
    assert with_refactoring(scene.part(), prepared, prepared.desired, scene.remote) == scene.part()
