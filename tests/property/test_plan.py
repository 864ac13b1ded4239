"""Laws of the planner, over scenes in which things were applied, edited, lost and found.

A scene is drawn as a history: a manifest is applied, then people change the live messages, the state
suffers, and the manifest is changed.
"""

from __future__ import annotations

import random
from typing import Any

import deepdiff
import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.model import MediaFile, Message, Order, RemoteMessage, Unmanaged
from reconciler.model.cut import part_of_desired
from reconciler.model.shard import Shard
from reconciler.planner.build import build_part, build_plan
from reconciler.planner.cut import belongs_to, part_of_state
from reconciler.planner.join import join
from reconciler.planner.targeted import named_by, with_rest, within
from reconciler.plans.actions import Reason, Verb
from reconciler.plans.fingerprint import fingerprinted
from reconciler.plans.options import Options
from reconciler.plans.plan import Plan
from reconciler.state.remembered import Binding
from tests.support.scenes import AT, LATER, Scene, at, empty, found, live, live_of, message
from tests.support.simulate import simulate

law = settings(max_examples=60, deadline=None)

KEYS = "abcdefg"
REASONS = {
    Verb.CREATE: {Reason.NOT_IN_STATE, Reason.MISSING_REMOTELY},
    Verb.UPDATE: {Reason.CHANGED_IN_MANIFEST, Reason.DRIFTED},
    Verb.REPLACE: {Reason.IMMUTABLE_FIELD, Reason.ORDER, Reason.REQUESTED},
    Verb.DELETE: {
        Reason.REMOVED_FROM_MANIFEST,
        Reason.REQUESTED,
        Reason.UNMANAGED,
        Reason.SUPERSEDED,
    },
    Verb.ADOPT: {Reason.IDENTICAL_EXISTS},
    Verb.MOVE: {Reason.RENAMED},
    Verb.FORGET: {Reason.MISSING_REMOTELY, Reason.REMOVED_FROM_MANIFEST, Reason.REQUESTED},
}

attributes = st.sampled_from([{}, {"x": 1}, {"x": 2, "seen": {"at": 3}}, {"seen": {"at": 4}}, [1], "text"])
ignores = st.sampled_from(
    [
        (),
        (),
        (("body",),),
        (("attributes",),),
        (("attributes", "seen", "at"),),
        (("subject",), ("date_updated",)),
        (("attributes", "x"), ("author",)),
    ]
)


@st.composite
def wanted(draw: st.DrawFn, key: str) -> Message:
    """Draw one message of a manifest; few values, so that equal ones are frequent."""
    fields: dict[str, Any] = {}
    kind = draw(st.sampled_from(["text", "text", "text", "media", "content", "text and media"]))
    if "text" in kind:
        fields["body"] = draw(st.sampled_from(["one", "two"]))
    if "media" in kind:
        digest = draw(st.sampled_from(["0", "1"]))
        fields["media"] = digest
        fields["file"] = MediaFile(f"/{digest}", digest, 10 + int(digest), "image/png", "photo.png")
    if kind == "content":
        fields["content_sid"] = draw(st.sampled_from(["HX1", "HX2"]))
        fields |= draw(_maybe("content_variables", st.sampled_from([{"1": "x"}, {"1": "y"}])))
    fields |= draw(_maybe("author", st.sampled_from(["system", "alice"])))
    fields |= draw(_maybe("attributes", attributes))
    fields |= draw(_maybe("date_created", st.sampled_from(["2026-01-05T09:00:00Z", LATER])))
    fields |= draw(_maybe("date_updated", st.just("2026-03-07T11:00:00Z")))
    fields |= draw(_maybe("subject", st.sampled_from(["", "topic"])))
    return message(
        key,
        ignore_changes=draw(ignores),
        webhooks=draw(st.integers(0, 4)) == 0,
        **fields,
    )


def _maybe(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(st.just({}), st.just({}), values.map(lambda value: {name: value}))


@st.composite
def manifests(draw: st.DrawFn) -> list[Message]:
    """Draw the messages of a manifest, in any order."""
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=5, unique=True))
    return [draw(wanted(key)) for key in keys]


@st.composite
def edits(draw: st.DrawFn, messages: list[Message]) -> list[Message]:
    """Draw what an author makes of a manifest: change, drop, rename, insert, move."""
    edited = []
    for one in messages:
        change = draw(st.sampled_from(["keep", "keep", "keep", "keep", "drop", "rewrite", "rename"]))
        if change == "rewrite":
            edited.append(draw(wanted(one.key)))
        elif change == "rename":
            edited.append(msgspec.structs.replace(one, key=f"{one.key}{one.key}"))
        elif change == "keep":
            edited.append(one)
    if draw(st.booleans()):
        edited.insert(draw(st.integers(0, len(edited))), draw(wanted("new")))
    if draw(st.booleans()):
        edited = draw(st.permutations(edited))
    return edited


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Draw a scene with a history."""
    first = draw(manifests())
    start = draw(st.sampled_from([empty, found]))
    order, unmanaged = draw(st.sampled_from(list(Order))), draw(st.sampled_from(list(Unmanaged)))
    scene = start(*first, order=order, unmanaged=unmanaged)
    scene = simulate(scene.plan(), scene)
    scene = draw(_meddled(scene))
    return scene.wanting(*draw(edits(first)))


@st.composite
def _meddled(draw: st.DrawFn, scene: Scene) -> Scene:
    """Draw what people and accidents make of a scene."""
    messages = dict(scene.view.messages)
    bindings = dict(scene.state.bindings)
    for address, binding in scene.state.bindings.items():
        if binding.sid not in messages:
            continue
        accident = draw(
            st.sampled_from(
                ["none"] * 6
                + ["deleted", "edited", "unbound", "imported", "released", "superseding", "posted again"]
            )
        )
        if accident == "deleted":
            del messages[binding.sid]
        elif accident == "edited":
            messages[binding.sid] = msgspec.structs.replace(messages[binding.sid], **draw(_foreign_edit()))
        elif accident == "unbound":
            del bindings[address]
        elif accident == "imported":
            bindings[address] = msgspec.structs.replace(binding, sent={}, observed={}, imported=True)
        elif accident == "released":
            bindings[address] = msgspec.structs.replace(binding, released=True)
        elif accident == "superseding":
            old, gone = f"{binding.sid}-old", f"{binding.sid}-gone"
            bindings[address] = msgspec.structs.replace(binding, superseded=(old, gone))
            messages[old] = live(old, 50 + len(messages), body="one")
        elif accident == "posted again":
            copy = f"{binding.sid}-copy"
            messages[copy] = msgspec.structs.replace(
                messages[binding.sid], sid=copy, index=50 + len(messages)
            )
    strangers = draw(st.lists(wanted("stranger"), max_size=2))
    others = [live_of(one, f"IM-stranger-{number}", 100 + number) for number, one in enumerate(strangers)]
    return scene.showing(messages=messages).also(*others).knowing(bindings=bindings)


@st.composite
def _foreign_edit(draw: st.DrawFn) -> dict[str, Any]:
    return draw(
        st.sampled_from(
            [
                {"body": "edited"},
                {"author": "mallory"},
                {"attributes": '{"x": 1, "seen": {"at": 9, "by": "bob"}}'},
                {"attributes": '{"seen": {}}'},
                {"attributes": "no json"},
                {"date_created": "2020-01-01T00:00:00Z", "date_updated": "2026-09-09T09:09:09Z"},
            ]
        )
    )


options = st.sampled_from([{"adopt": True}, {"duplicate": True}, {"adopt": True, "record": True}])


def requests(plan: Plan) -> int:
    """Return how many creates and deletes of messages a plan means."""
    verbs = [action.verb for action in plan.actions if action.type == "message" and not action.with_parent]
    return verbs.count(Verb.CREATE) + verbs.count(Verb.DELETE) + 2 * verbs.count(Verb.REPLACE)


def bound(scene: Scene) -> dict[str, Binding]:
    """Return the bindings of the messages that the manifest declares."""
    return {at(one.key): scene.state.bindings[at(one.key)] for one in scene.conversation.messages}


@law
@given(scenes(), options)
def test_applying_a_plan_leaves_nothing_to_plan(scene: Scene, given_: dict[str, bool]) -> None:
    """Whatever has happened, one apply is enough."""
    plan = scene.plan(**given_)
    assume(plan.applyable)

    after = simulate(plan, scene)

    again = after.plan()
    assert again.actions == ()
    assert again.applyable


@law
@given(scenes(), options)
def test_what_is_recorded_leaves_nothing_to_record(scene: Scene, given_: dict[str, bool]) -> None:
    """After two applies, the state has nothing left to learn."""
    plan = scene.plan(**given_)
    assume(plan.applyable)
    after = simulate(plan, scene)
    after = simulate(after.plan(record=True), after)

    assert after.plan(record=True).records == ()


@law
@given(scenes(), options)
def test_no_declared_message_is_missing_or_there_twice(scene: Scene, given_: dict[str, bool]) -> None:
    """Every key stands for one live message of its own, and what it replaced is gone."""
    plan = scene.plan(**given_)
    assume(plan.applyable)

    after = simulate(plan, scene)

    sids = [binding.sid for binding in bound(after).values()]
    assert len(set(sids)) == len(sids)
    assert set(sids) <= after.view.messages.keys()
    assert not any(sid in after.view.messages for one in bound(after).values() for sid in one.superseded)


@law
@given(scenes())
def test_nothing_that_is_not_ours_is_touched(scene: Scene) -> None:
    """Strangers stay as they are unless `unmanaged: delete` is set, released ones even then."""
    plan = scene.plan(duplicate=True)
    assume(plan.applyable)
    ours = {sid for one in scene.state.bindings.values() for sid in (one.sid, *one.superseded)}
    if scene.conversation.unmanaged is Unmanaged.DELETE:
        ours |= scene.view.messages.keys()
    declared = {at(one.key) for one in scene.conversation.messages}
    ours -= {b.sid for a, b in scene.state.bindings.items() if b.released and a not in declared}

    after = simulate(plan, scene)

    for sid, before in scene.view.messages.items():
        if sid not in ours:
            assert after.view.messages[sid] == before


@law
@given(scenes(), options)
def test_unmanaged_delete_leaves_what_is_managed(scene: Scene, given_: dict[str, bool]) -> None:
    """Under `unmanaged: delete` every message that is left is bound, or spared as released."""
    scene = scene.wanting(*scene.conversation.messages, unmanaged=Unmanaged.DELETE)
    plan = scene.plan(**given_)
    assume(plan.applyable)

    after = simulate(plan, scene)

    kept = {one.sid for one in after.state.bindings.values()}
    assert after.view.messages.keys() <= kept


@law
@given(scenes(), options)
def test_strict_order_holds_at_the_price_that_was_said(scene: Scene, given_: dict[str, bool]) -> None:
    """Under `strict` the live order is the manifest's; the price is the creates and deletes made."""
    scene = scene.wanting(*scene.conversation.messages, order=Order.STRICT)
    plan = scene.plan(**given_)
    assume(plan.applyable)

    after = simulate(plan, scene)

    indexes = [after.view.messages[one.sid].index for one in bound(after).values()]
    assert indexes == sorted(indexes)
    for warning in plan.warnings:
        if warning.code == "order_price":
            assert warning.text.endswith(f" re-posts, {requests(plan)} requests")


@law
@given(scenes(), options)
def test_without_strict_nothing_is_replaced_for_its_order(scene: Scene, given_: dict[str, bool]) -> None:
    """Only `order: strict` posts a message again because of where it stands."""
    assume(scene.conversation.order is not Order.STRICT)

    plan = scene.plan(**given_)

    assert Reason.ORDER not in {action.reason for action in plan.actions}


@law
@given(scenes(), options)
def test_every_action_has_a_reason_that_goes_with_it(scene: Scene, given_: dict[str, bool]) -> None:
    """Reasons are of the closed set, and an action shows what it is about, and what it relies on."""
    plan = join([fingerprinted(scene.part(**given_), scene.remote)])

    for action in plan.actions:
        assert action.reason in REASONS[action.verb]
        assert (action.sid is None) == (action.verb is Verb.CREATE)
        assert bool(action.fingerprint) == (action.verb not in {Verb.CREATE, Verb.FORGET})
        if action.verb is Verb.UPDATE:
            assert action.changes
            assert action.send.keys() <= action.after.keys()


@law
@given(scenes(), options, st.randoms())
def test_the_order_of_dictionaries_does_not_matter(
    scene: Scene, given_: dict[str, bool], chance: random.Random
) -> None:
    """The same scene read in another order has the same plan, to the byte."""
    shuffled = scene.showing(messages=_shuffled(scene.view.messages, chance)).knowing(
        bindings={
            address: msgspec.structs.replace(one, sent=_shuffled(one.sent, chance))
            for address, one in _shuffled(scene.state.bindings, chance).items()
        }
    )

    one, other = scene.plan(**given_), shuffled.plan(**given_)

    assert msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")


@law
@given(st.lists(scenes(), min_size=1, max_size=3), options, st.integers(1, 4))
def test_the_parts_of_many_machines_are_joined_to_the_plan_of_one(
    drawn: list[Scene], given_: dict[str, bool], count: int
) -> None:
    """Whatever is in the conversations, and however they are cut."""
    world = _together(drawn)
    parts = []
    for shard in (Shard(number, count) for number in range(1, count + 1)):
        state = part_of_state(world.state, belongs_to(shard, ()))
        mine = Scene(part_of_desired(world.desired, shard.has), world.remote, state)
        parts.append(mine.part(**given_))

    assert join(parts) == world.plan(**given_)


@law
@given(st.lists(scenes(), min_size=1, max_size=3), options, st.sampled_from(["", "/*", "/a", "/a*"]))
def test_what_no_target_names_is_not_needed_to_plan(
    drawn: list[Scene], given_: dict[str, Any], rest: str
) -> None:
    """Neither its manifest nor its live side; of its bindings only the number."""
    world = _together(drawn)
    address = f"{AT}-0"
    chosen = Options(targets=(address + rest,), **given_)
    named = named_by(chosen, world.desired)
    assert named is not None
    assert [*named] == [address]
    remote = msgspec.structs.replace(
        world.remote,
        conversations={one: view for one, view in world.remote.conversations.items() if one in named},
    )
    few = part_of_desired(world.desired, named.__contains__)
    part = build_part(few, remote, part_of_state(world.state, within(named)), chosen)

    made = with_rest(part, named, world.desired, world.state.bindings)

    assert made is not None
    assert join([made]) == build_plan(world.desired, world.remote, world.state, chosen)


def _together(drawn: list[Scene]) -> Scene:
    """Return one scene with the conversations of all that were *drawn*."""
    first, *others = (_renamed(scene, number) for number, scene in enumerate(drawn))
    conversations = [*first.desired.services[0].conversations]
    world = first
    for scene in others:
        conversations += scene.desired.services[0].conversations
        world = world.reading(
            conversations=world.remote.conversations | scene.remote.conversations,
            services=world.remote.services
            | {k: v for k, v in scene.remote.services.items() if v is not None},
        ).knowing(bindings=world.state.bindings | scene.state.bindings)
    return world.declaring(*conversations)


def _renamed(scene: Scene, number: int) -> Scene:
    """Return *scene* with an address and sids that no other one has."""
    text = msgspec.json.encode(scene).decode()
    for old, new in (
        (f'"{AT}', f'"{AT}-{number}'),
        ('name":"order"', f'name":"order-{number}"'),
        ('"CH', f'"CH-{number}-'),
        ('"IM', f'"IM-{number}-'),
    ):
        text = text.replace(old, new)
    return msgspec.json.decode(text, type=Scene)


def _shuffled(items: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    keys = list(items)
    chance.shuffle(keys)
    return {key: items[key] for key in keys}


@law
@given(scenes())
def test_a_match_that_nobody_decided_about_makes_the_plan_not_applyable(scene: Scene) -> None:
    """A plan without `--adopt` and `--duplicate` never doubles a message that stands there unmanaged.

    A replacement doubles only what came after the message that it replaces.
    """
    plan = scene.plan()
    assume(plan.applyable)
    taken = {sid for one in scene.state.bindings.values() for sid in (one.sid, *one.superseded)}
    taken |= {action.sid for action in plan.actions if action.verb is Verb.ADOPT and action.sid}
    strangers = [one for one in scene.view.messages.values() if one.sid not in taken]

    for action in plan.actions:
        if action.verb in {Verb.CREATE, Verb.REPLACE}:
            key = action.address.removeprefix(f"{AT}/")
            one = next((one for one in scene.conversation.messages if one.key == key), None)
            carried = {name: action.send.get(name) for name in ("author", "attributes", "date_created")}
            assert one is None or not any(
                _would_double(msgspec.structs.replace(one, **carried), stranger)
                for stranger in strangers
                if stranger.index > action.index
            )


def _would_double(one: Message, stranger: RemoteMessage) -> bool:
    same = live_of(one, stranger.sid, stranger.index)
    if one.content_sid is not None:
        same = msgspec.structs.replace(same, body=stranger.body)
    if one.date_created is None:
        same = msgspec.structs.replace(same, date_created=stranger.date_created)
    if one.date_updated is None:
        same = msgspec.structs.replace(same, date_updated=stranger.date_updated)
    return same == stranger


@law
@given(scenes(), options)
def test_a_scene_without_changes_never_asks_deepdiff(scene: Scene, given_: dict[str, bool]) -> None:
    """Equal messages are told by equality alone."""
    plan = scene.plan(**given_)
    assume(plan.applyable)
    after = simulate(plan, scene)

    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(deepdiff, "DeepDiff")
        assert after.plan(record=True).actions == ()


@law
@given(scenes())
def test_destroying_leaves_nothing_that_was_managed(scene: Scene) -> None:
    """After a destroy no bound message is live, and the state knows only what it spares."""
    plan = scene.plan(destroy=True)
    managed = {
        sid
        for one in scene.state.bindings.values()
        for sid in ((one.sid,) if not one.released else ()) + one.superseded
    }

    after = simulate(plan, scene)

    assert not managed & after.view.messages.keys()
    assert all(one.released for address, one in after.state.bindings.items() if address.count("/") == 2)
