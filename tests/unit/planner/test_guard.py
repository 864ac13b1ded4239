"""The guard: how much a plan may lose without being asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from reconciler.model import Conversation, ConversationView, Message, Order, RemoteConversation, Unmanaged
from reconciler.plans.plan import Plan
from tests.support.scenes import (
    AT,
    Scene,
    applied,
    at,
    bound,
    codes,
    live,
    live_of,
    message,
    messages,
)

TEN = "abcdefghij"


def removing(count: int, of: str = TEN, **options: Any) -> Plan:
    """Return the plan that removes the last *count* messages of a conversation."""
    scene = applied(*messages(*of))
    return scene.wanting(*scene.conversation.messages[: len(of) - count]).plan(**options)


def refusal(plan: Plan) -> tuple[str, str, str]:
    """Return code, text and hint of the only refusal."""
    (one,) = plan.refusals
    return one.code, one.text, one.hint


def test_thirty_per_cent_may_go() -> None:
    """Three of ten are not more than 30 %."""
    assert removing(3).applyable


def test_more_than_thirty_per_cent_may_not_go() -> None:
    """The refusal names the numbers and the flag, and the plan is whole."""
    plan = removing(4)

    assert refusal(plan) == (
        "max_delete",
        "refusing to delete or replace 4 of 10 messages (limit: 30%)",
        "check that the manifest path is right; to go on anyway, pass `--max-delete 100%`",
    )
    assert len(plan.actions) == 4


def test_fewer_than_ten_messages_are_nobodys_concern() -> None:
    """All of nine may be deleted."""
    assert removing(9, of=TEN[:9]).applyable


@pytest.mark.parametrize(
    ("flag", "applyable"),
    [
        ({"max_delete": 4}, True),
        ({"max_delete": 3}, False),
        ({"max_delete": 40, "max_delete_percent": True}, True),
        ({"max_delete": 39, "max_delete_percent": True}, False),
        ({"max_delete": 100, "max_delete_percent": True}, True),
    ],
)
def test_max_delete_takes_the_place_of_the_limit(flag: dict[str, Any], applyable: bool) -> None:  # noqa: FBT001
    """A number counts messages, a percentage their share."""
    assert removing(4, **flag).applyable is applyable


@pytest.mark.parametrize("flag", [{"max_delete": 0}, {"max_delete": 0, "max_delete_percent": True}])
def test_zero_means_none(flag: dict[str, Any]) -> None:
    """`--max-delete 0`, with or without `%`, holds back a single delete, however small the conversation."""
    code, text, hint = refusal(removing(1, of="ab", **flag))

    assert code == "max_delete"
    assert text == "refusing to delete or replace 1 message (limit: 0)"
    assert hint.endswith("pass `--max-delete 1`")


def test_replacements_count() -> None:
    """Posting nine of ten again loses nine sids: inserting early under `strict` is asked for."""
    scene = applied(*messages(*TEN), order=Order.STRICT)
    first, *rest = scene.conversation.messages

    plan = scene.wanting(first, message("new"), *rest).plan()

    assert refusal(plan)[1] == "refusing to delete or replace 9 of 10 messages (limit: 30%)"


def test_unmanaged_messages_count() -> None:
    """More strangers than managed messages are said to be so."""
    scene = applied(*messages(*TEN), unmanaged=Unmanaged.DELETE)
    strangers = [live(f"IM-{number}", 20 + number, body="?") for number in range(12)]
    scene = scene.also(*strangers)

    assert refusal(scene.plan())[1].startswith("refusing to delete or replace 12 messages, with 10 managed")
    assert scene.plan(max_delete=100, max_delete_percent=True).applyable


def test_superseded_messages_do_not_count() -> None:
    """They were replaced already, so nothing is lost with them."""
    scene = applied(*messages(*TEN))
    for key in TEN[:5]:
        scene = scene.remembering(at(key), superseded=(f"IM-old-{key}",)).also(
            live(f"IM-old-{key}", 20 + ord(key))
        )

    plan = scene.plan()

    assert len(plan.actions) == 5
    assert plan.applyable


def test_one_conversation_among_many_is_looked_at_by_itself() -> None:
    """Five of ten in one is too much, even if they are few of all that are bound."""
    scene = beside(applied(*messages(*TEN)), "other", size=40)
    kept = scene.conversation.messages[:5]
    first, other = scene.desired.services[0].conversations

    plan = scene.declaring(_with(first, kept), other).plan()

    assert refusal(plan)[1] == f"refusing to delete or replace 5 of 10 messages in `{AT}` (limit: 30%)"


def test_of_several_conversations_the_worst_is_named() -> None:
    """One sentence, with the number of the others."""
    scene = beside(beside(applied(*messages(*TEN)), "other", size=10), "third", size=80)
    first, other, third = scene.desired.services[0].conversations

    plan = scene.declaring(_with(first, first.messages[:6]), _with(other, other.messages[:5]), third).plan()

    assert refusal(plan)[1] == (
        "refusing to delete or replace 5 of 10 messages in `desk/other` (limit: 30%), "
        "and too many in 1 more conversation"
    )


def test_deleting_a_parent_is_asked_for() -> None:
    """A conversation that this tool made goes with its two messages only with `--max-delete`."""
    scene = applied(*messages("a", "b")).declaring()

    assert refusal(scene.plan()) == (
        "deletes_parent",
        f"refusing to delete 1 conversation with 2 messages (the first: `{AT}`)",
        "check that the manifest path is right; to delete anyway, pass `--max-delete 2`",
    )
    assert scene.plan(max_delete=2).applyable
    assert scene.plan(max_delete=100, max_delete_percent=True).applyable


def test_deleting_a_parent_without_messages_is_asked_for() -> None:
    """It is counted by itself, and `--max-delete 0` does not allow it."""
    scene = applied().wanting_nothing()

    code, text, hint = refusal(scene.plan(max_delete=0))

    assert (code, text) == (
        "deletes_parent",
        f"refusing to delete 1 service and 1 conversation with 0 messages (the first: `{AT}`)",
    )
    assert hint.endswith("`--max-delete 1`")


def test_a_folder_of_manifests_deleted_by_mistake_is_stopped() -> None:
    """Twenty conversations of five messages: the whole is too much, though none is by itself."""
    scene = applied(*messages(*"abcde"))
    for number in range(19):
        scene = beside(scene, f"order-{number}", size=5)

    plan = scene.declaring().plan()

    assert codes(plan.refusals) == ["max_delete", "deletes_parent"]
    assert plan.refusals[0].text == "refusing to delete or replace 100 of 100 messages (limit: 30%)"
    assert plan.refusals[1].text.startswith("refusing to delete 20 conversations with 100 messages")
    assert scene.declaring().plan(max_delete=100).applyable


def test_destroy_means_it() -> None:
    """No percentage holds it back, nor that parents go."""
    scene = applied(*messages(*TEN))

    assert scene.plan(destroy=True).applyable
    assert scene.plan(destroy=True, max_delete=1, max_delete_percent=True).applyable


def test_destroy_keeps_to_a_number() -> None:
    """A number of messages that was given holds for `destroy` too."""
    scene = applied(*messages(*TEN))

    assert codes(scene.plan(destroy=True, max_delete=9).refusals) == ["max_delete"]
    assert scene.plan(destroy=True, max_delete=10).applyable


def test_destroy_counts_the_messages_of_others() -> None:
    """Under `unmanaged: delete` they go with their conversation."""
    scene = applied(message("a"), unmanaged=Unmanaged.DELETE).also(live("IM8", 8), live("IM9", 9))

    assert refusal(scene.plan(destroy=True, max_delete=2))[1] == (
        "refusing to delete or replace 3 messages (limit: 2)"
    )
    assert scene.plan(destroy=True, max_delete=3).applyable


def test_creating_again_what_vanished_is_asked_for() -> None:
    """Four of ten that are gone may mean that this is the wrong account."""
    scene = applied(*messages(*TEN)).without(*"abcd")

    assert refusal(scene.plan()) == (
        "recreate",
        "refusing to create again 4 of 10 messages (limit: 30%), which vanished remotely",
        "check that account and service are right; to create them again, pass `--allow-recreate`",
    )
    assert scene.plan(allow_recreate=True).applyable
    assert applied(*messages(*TEN)).without(*"abc").plan().applyable


def test_new_messages_are_nobodys_concern() -> None:
    """However many there are, they vanished from nowhere."""
    scene = applied(*messages(*TEN))

    assert scene.wanting(*messages(*TEN, *"klmnopqrst")).plan().applyable


def test_forgetting_what_vanished_is_not_creating_it_again() -> None:
    """Keys that left the manifest together with their messages cost nothing."""
    scene = applied(*messages(*TEN)).without(*TEN[:5])

    assert scene.wanting(*messages(*TEN[5:])).plan().applyable


def test_a_conversation_that_vanished_counts_as_messages_that_vanished() -> None:
    """Its ten messages would all be created again."""
    plan = applied(*messages(*TEN)).vanished().plan()

    assert codes(plan.refusals) == ["recreate"]
    assert "10 of 10 messages" in plan.refusals[0].text


def beside(scene: Scene, name: str, size: int) -> Scene:
    """Return *scene* with a further applied conversation in it."""
    address, sid = f"desk/{name}", f"CH-{name}"
    wanted = tuple(message(f"m{number}") for number in range(size))
    one = _with(scene.conversation, wanted, name=name, unique_name=name)
    sids = {item.key: f"IM-{name}-{item.key}" for item in wanted}
    view = ConversationView(
        RemoteConversation(sid, unique_name=name, friendly_name="Order"),
        {sids[item.key]: live_of(item, sids[item.key], index) for index, item in enumerate(wanted)},
    )
    bindings = dict(scene.state.bindings)
    bindings[address] = msgspec.structs.replace(bindings[AT], sid=sid, sent={})
    for index, item in enumerate(wanted):
        bindings[f"{address}/{item.key}"] = bound(scene, item, sids[item.key], index)
    declared = scene.desired.services[0].conversations
    return (
        scene.declaring(*declared, one)
        .reading(conversations={**scene.remote.conversations, address: view})
        .knowing(bindings=bindings)
    )


def _with(one: Conversation, messages: Sequence[Message], **fields: Any) -> Conversation:
    return msgspec.structs.replace(one, messages=tuple(messages), **fields)
