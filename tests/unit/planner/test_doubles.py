"""What would be posted although it stands there already: creates and replacements, exact and tolerant."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from reconciler.model import Message, Moment, Order, RemoteMessage, Unmanaged
from reconciler.plans.actions import Reason, Verb
from reconciler.plans.plan import Plan
from reconciler.state.model import Bound
from tests.support.scenes import (
    AT,
    LATER,
    Scene,
    applied,
    at,
    codes,
    found,
    keys_of,
    live,
    live_of,
    message,
    messages,
    photo,
    steps,
)
from tests.support.simulate import simulate


def copy(one: Message, index: int, **fields: Any) -> RemoteMessage:
    """Return what an interrupted re-post of *one* left: a message that nobody knows."""
    return msgspec.structs.replace(live_of(one, f"IMcopy-{one.key}", index), **fields)


def there(plan: Plan) -> str:
    """Return the text of the only refusal, which is about doubles."""
    (refusal,) = plan.refusals
    assert refusal.code == "identical_exists"
    assert "`--adopt`" in refusal.hint
    assert "`--duplicate`" in refusal.hint
    return refusal.text


TRIMMED = [
    (message("a", body="hello\n"), {"body": "hello"}, "`body`"),
    (message("a", body="one\ntwo\n"), {"body": "one\r\ntwo"}, "`body`"),
    (message("a", body="cafe\u0301"), {"body": "caf\u00e9"}, "`body`"),
    (message("a", body="x", author="Alice"), {"body": "x", "author": "alice"}, "`author`"),
    (
        message("a", body="x ", author="Alice", attributes={"k": "e\u0301"}),
        {"body": "x", "author": "ALICE", "attributes": '{"k":"\u00e9"}'},
        "`author`, `body`, `attributes`",
    ),
]


@pytest.mark.parametrize(("wish", "shown", "names"), TRIMMED)
def test_a_create_is_held_back_by_what_a_server_may_have_normalised(
    wish: Message, shown: dict[str, Any], names: str
) -> None:
    """The state is lost, and the server had trimmed the text: nothing is posted without a word."""
    scene = found(wish).also(live("IM1", 0, **shown))

    assert there(scene.plan()) == (
        f"1 message to be created in `{AT}` stands there already, unmanaged "
        f"(the first: `{at('a')}` equals IM1, but for how {names} is written)"
    )
    assert steps(scene.plan(duplicate=True)) == [("a", "create")]


@pytest.mark.parametrize(("wish", "shown", "names"), TRIMMED)
def test_what_is_adopted_tolerantly_is_observed_as_it_is(
    wish: Message, shown: dict[str, Any], names: str
) -> None:
    """The state knows both, so the next plan finds nothing to do and says what the server does."""
    scene = found(wish).also(live("IM1", 0, **shown))

    plan = scene.plan(adopt=True)
    after = simulate(plan, scene)

    assert steps(plan) == [("a", "adopt")]
    assert [w.text for w in plan.warnings if w.code == "written_otherwise"] == [
        f"{names} of IM1 is the same but for white space, line ends, accents or case, and stays as it is"
    ]
    assert (after.plan().actions, codes(after.plan().warnings)) == ((), ["rewritten_by_server"])
    assert after.edited_sid("IM1", body="changed").plan().actions[0].reason is Reason.DRIFTED


def test_a_tolerant_match_that_the_plan_deletes_holds_nothing_back() -> None:
    """Under `unmanaged: delete` it goes, so nothing is there twice; an exact match is taken over."""
    scene = found(message("a", body="one\n"), message("b", body="two"), unmanaged=Unmanaged.DELETE)
    scene = scene.also(live("IM1", 0, body="one"), live("IM2", 1, body="two"))

    plan = scene.plan()

    assert plan.applyable
    assert steps(plan) == [("a", "create"), ("b", "adopt"), ("IM1", "delete")]
    assert steps(scene.plan(adopt=True)) == [("a", "adopt"), ("b", "adopt")]
    assert there(scene.plan(targets=(AT,))).startswith("2 messages")


@pytest.mark.parametrize(
    ("options", "verbs"),
    [
        ({"adopt": at("a")}, {"a": "adopt", "b": None}),
        ({"adopt": AT}, {"a": "adopt", "b": "adopt"}),
        ({"adopt": "desk"}, {"a": "adopt", "b": "adopt"}),
        ({"adopt": at("a"), "duplicate": at("b")}, {"a": "adopt", "b": "create"}),
        ({"duplicate": "*/b"}, {"a": None, "b": "create"}),
        ({"adopt": at("*"), "duplicate": at("b")}, {"a": "adopt", "b": "adopt"}),
    ],
)
def test_both_ways_can_be_had_for_some_addresses(
    options: dict[str, str], verbs: dict[str, str | None]
) -> None:
    """A glob names messages or what they are in; what neither names holds the plan back."""
    scene = found(*messages("a", "b")).also(
        *(live(f"IM{k}", n, body=f"text of {k}") for n, k in enumerate("ab"))
    )

    plan = scene.plan(**options)

    assert plan.applyable == (None not in verbs.values())
    assert dict(steps(plan)) == {key: verb or "create" for key, verb in verbs.items()}
    assert codes(plan.warnings).count("matches_nothing") == 0


def test_a_glob_that_names_nothing_is_told() -> None:
    """It is most likely a slip of the pen."""
    scene = applied(*messages("a"))

    plan = scene.plan(adopt="desk/ordr", duplicate="nowhere/*")

    assert [(one.code, one.address) for one in plan.warnings] == [
        ("matches_nothing", "desk/ordr"),
        ("matches_nothing", "nowhere/*"),
    ]


def interrupted(*done: str, **conversation: Any) -> Scene:
    """Return a strict scene in which `new` was put before b, and an apply posted *done* and was killed.

    The state is from before that apply.
    """
    scene = applied(*messages("a", "b", "c"), order=Order.STRICT, **conversation)
    scene = scene.wanting(message("a"), message("new"), message("b"), message("c"))
    return scene.also(*(copy(message(key), 3 + number) for number, key in enumerate(done)))


@pytest.mark.parametrize("done", [["new"], ["new", "b"], ["new", "b", "c"]])
def test_an_interrupted_re_post_is_never_posted_again(done: list[str]) -> None:
    """Refused; with `--adopt` each copy is bound, its old message superseded, and only the rest is posted."""
    scene = interrupted(*done)

    assert there(scene.plan()).startswith("1 message to be created")
    plan = scene.plan(adopt=True)
    after = simulate(plan, scene)

    assert keys_of(plan, Verb.ADOPT) == done
    assert keys_of(plan, Verb.REPLACE) == [key for key in "bc" if key not in done]
    assert [(a.sid, a.reason) for a in plan.actions if a.verb is Verb.DELETE] == [
        (f"IM{key}", Reason.SUPERSEDED) for key in done if key != "new"
    ]
    bodies = [one.body for one in sorted(after.view.messages.values(), key=lambda one: one.index)]
    assert bodies == [f"text of {key}" for key in ("a", "new", "b", "c")]
    assert after.plan().actions == ()


def test_the_old_message_is_on_record_before_it_is_deleted() -> None:
    """Should the apply be killed after the adoption, the next one deletes what is superseded."""
    scene = interrupted("new", "b", "c")

    records = {r.address: r.binding for r in scene.plan(adopt=True).records if isinstance(r, Bound)}

    assert (records[at("b")].sid, records[at("b")].superseded) == ("IMcopy-b", ("IMb",))


def test_a_copy_that_stands_wrong_itself_is_replaced_with_its_old_message() -> None:
    """`c` was posted again, then `b` vanished from the copies: both messages of `c` go, one comes."""
    scene = interrupted("new", "b", "c").without("copy-b")

    plan = scene.plan(adopt=True)
    after = simulate(plan, scene)

    assert steps(plan) == [("new", "adopt"), ("b", "replace"), ("c", "replace"), ("c", "delete")]
    assert len(after.view.messages) == 4
    assert after.plan().actions == ()


@pytest.mark.parametrize(
    ("options", "before", "now"),
    [
        ({"replace": (at("b"),)}, message("b"), message("b")),
        ({}, photo("b", "0"), photo("b", "1")),
        ({}, message("b", content_sid="HX1"), message("b", content_sid="HX2")),
        ({}, photo("b", body="x"), photo("b", body="y\n")),
    ],
    ids=["requested", "file", "content", "body beside media"],
)
def test_every_kind_of_replacement_looks_for_its_copy(
    options: dict[str, Any], before: Message, now: Message
) -> None:
    """Whatever the reason to post again is, what an earlier apply posted is found; a trimmed text too."""
    scene = applied(message("a"), before, message("c")).wanting(message("a"), now, message("c"))
    trimmed = {"body": now.body.rstrip()} if now.body is not None and now.content_sid is None else {}
    below = scene.also(msgspec.structs.replace(copy(now, 0), **trimmed))
    scene = scene.also(copy(now, 3, **trimmed))

    assert steps(below.plan(**options)) == [("b", "replace")]
    assert below.plan(**options).applyable
    assert there(scene.plan(**options)).startswith("1 message to be posted again")
    assert steps(scene.plan(duplicate=True, **options)) == [("b", "replace")]
    plan = scene.plan(adopt=True, **options)
    assert steps(plan) == [("b", "adopt"), ("b", "delete")]
    assert simulate(plan, scene).plan().actions == ()


def test_a_copy_has_what_a_replacement_carries_over() -> None:
    """The author, attributes and date that no manifest says come from the old message."""
    scene = applied(photo("a", "0")).wanting(photo("a", "1"))
    scene = scene.edited("a", author="bob", date_created=LATER)

    assert scene.also(copy(photo("a", "1"), 1)).plan().applyable
    assert there(scene.also(copy(photo("a", "1"), 1, author="Bob", date_created=LATER)).plan())


def test_the_date_of_a_timeline_is_no_difference() -> None:
    """It may have been another one when the copy was posted; adopting sets it."""
    dated = {"after": Moment(seconds=60), "date_created": LATER}
    scene = applied(photo("a", "0", **dated)).wanting(photo("a", "1", **dated))
    scene = scene.also(copy(photo("a", "1"), 1))

    assert there(scene.plan())
    assert [(a.verb, a.sid) for a in scene.plan(adopt=True).actions] == [
        (Verb.UPDATE, "IMcopy-a"),
        (Verb.DELETE, "IMa"),
    ]


def test_a_renamed_key_keeps_nothing_behind_when_its_copy_is_taken_over() -> None:
    """The binding of the old key goes, the new key has the copy, the old message is deleted."""
    scene = applied(*messages("a", "b"))
    scene = scene.wanting(message("a"), message("z", body="text of b"))
    scene = scene.also(copy(message("z", body="text of b"), 2))
    options = {"replace": (at("z"),), "adopt": True}

    plan = scene.plan(**options)
    after = simulate(plan, scene)

    assert [(a.address, a.verb, a.sid) for a in plan.actions] == [
        (at("z"), Verb.ADOPT, "IMcopy-z"),
        (at("z"), Verb.DELETE, "IMb"),
    ]
    assert at("b") not in after.state.bindings
    assert after.plan().actions == ()


def test_prevent_destroy_holds_for_a_message_whose_copy_is_taken_over() -> None:
    """No flag deletes a protected message, whoever posted it again."""
    wish = photo("a", "1", prevent_destroy=True)
    scene = applied(photo("a", "0")).wanting(wish).also(copy(wish, 1))

    assert "prevent_destroy" in codes(scene.plan(adopt=True).refusals)


def test_what_an_earlier_replacement_left_is_struck_off_when_a_copy_is_taken_over() -> None:
    """Of several superseded messages those that are gone are forgotten, and the others deleted."""
    scene = applied(photo("a", "0")).wanting(photo("a", "1"))
    scene = scene.remembering(at("a"), superseded=("IMgone", "IMstill")).also(live("IMstill", 1, body="x"))
    scene = scene.also(copy(photo("a", "1"), 2))

    plan = scene.plan(adopt=True)
    after = simulate(plan, scene)

    assert sorted(a.sid or "" for a in plan.actions if a.verb is Verb.DELETE) == ["IMa", "IMstill"]
    assert after.state.bindings[at("a")].superseded == ()
    assert after.plan().actions == ()
