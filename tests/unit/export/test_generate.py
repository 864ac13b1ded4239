"""Live conversations as manifests and bindings."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.errors import StateError
from reconciler.export.declare import conversation_of, message_of
from reconciler.export.generate import Captured, Found, bind, capture
from reconciler.export.names import Names, name_from
from reconciler.model import RemoteConversation, RemoteMedia, RemoteMessage, RemoteService
from reconciler.state.model import State
from reconciler.state.remembered import Binding
from tests.support.foreign import without_quotes

HEX = "0123456789abcdef" * 2
SERVICE = RemoteService(f"IS{HEX}", "Support desk")
ORDER = RemoteConversation(f"CH{HEX}", "order-1", "Order 1", '{"queue": "orders"}')
HELLO = RemoteMessage(
    f"IM{HEX}", 7, "alice", "Hello", '{"b": 1.0, "a": 2}', "2026-01-05T09:00:00Z", "2026-01-05T09:00:00Z"
)


def found(*messages: RemoteMessage, conversation: RemoteConversation = ORDER) -> Found:
    """Return what an export found of one conversation."""
    said = conversation_of(conversation)
    return Found(SERVICE, conversation.sid, said, [(one, message_of(one)) for one in messages])


def state(**bindings: Binding) -> State:
    """Return a state; `__` stands for the stroke of an address, `_` for a hyphen."""
    return State(
        lineage="l",
        account_sid="AC0",
        origin="o",
        bindings={name.replace("__", "/").replace("_", "-"): one for name, one in bindings.items()},
    )


def addresses(captured: Captured) -> list[str]:
    """Return the addresses of everything captured."""
    return list(captured.bindings)


def test_names_read_like_what_people_chose() -> None:
    """The key of a message is made of its index alone: keys are in the state, where no text may be."""
    assert addresses(capture([found(HELLO)])) == [
        "Support-desk",
        "Support-desk/order-1",
        "Support-desk/order-1/m0007",
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("order-1", "order-1"),
        ("Café №7", "Cafe-No7"),
        ("../../etc", "etc"),
        ("注文", ""),
        ("x" * 200, "x" * 110),
    ],
)
def test_a_name_is_made_of_any_text(text: str, name: str) -> None:
    """Nothing but letters, digits, dots, underscores and hyphens is left; a letter or digit first."""
    assert name_from(text) == name


def test_names_that_meet_are_told_apart() -> None:
    """The second gets a part of its sid, also where only capitals differ; without a name the sid is one."""
    names = Names()
    sids = [f"CH{HEX}", f"CH{HEX}", f"CH{HEX[::-1]}"]

    given = [names.give(name, sid) for name, sid in zip(("desk", "Desk", ""), sids, strict=True)]

    assert given == ["desk", "Desk-01234567", f"CH{HEX[::-1]}"]


def test_every_field_that_a_reply_shows_is_said() -> None:
    """Attributes in canonical form; a date of update only where it tells something."""
    edited = replace(HELLO, date_updated="2026-01-06T09:00:00Z")
    first, second = (message_of(one) for one in (HELLO, edited))

    assert (first.author, first.body, first.attributes, first.date_created, first.date_updated) == (
        "alice",
        "Hello",
        '{"a":2,"b":1}',
        "2026-01-05T09:00:00Z",
        None,
    )
    assert second.date_updated == "2026-01-06T09:00:00Z"


def test_the_text_of_a_template_is_not_said() -> None:
    """The server renders it; that its variables cannot be read is noted."""
    live = replace(HELLO, content_sid=f"HX{HEX}")
    captured = capture([found(live)])

    assert message_of(live).body is None
    (note,) = captured.notes
    assert note.endswith("the variables of a template; add `content_variables` to post them elsewhere")


def test_files_are_said_by_sid() -> None:
    """With a note for each thing that a manifest cannot say about them."""
    live = replace(HELLO, media=(RemoteMedia(f"ME{HEX}"), RemoteMedia(f"ME{HEX[::-1]}")))
    captured = capture([found(live)])

    assert message_of(live).media_sid == f"ME{HEX}"
    once, several = captured.notes
    assert once.endswith("can be posted only once; to post it elsewhere, write `media: {file: …}`")
    assert several.endswith(f"{HELLO.sid} has 2 files, of which a manifest can name only the first")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"body": "x" * 40_000}, "`body` of message `m0007` has 40,000 bytes; the limit is 32,768"),
        ({"body": ""}, "message `m0007` is empty"),
        ({"body": "a\0b"}, "the text holds the character NUL (U+0000)"),
        ({"attributes": "oops"}, "its attributes are no JSON"),
        ({"attributes": '"\\ud83d"'}, "its attributes are no JSON"),
        ({"body": "half \ud83d"}, 'the YAML cannot be read (libyaml says "…")'),
    ],
)
def test_a_message_that_no_manifest_can_say_is_left_out(fields: dict[str, str], reason: str) -> None:
    """As a whole, with the reason; the others stay."""
    odd = replace(HELLO, sid=f"IM{HEX[::-1]}", **fields)
    captured = capture([found(odd, replace(HELLO, index=8))])

    (conversation,) = captured.services[0].conversations
    assert [message.key for message in conversation.messages] == ["m0008"]
    assert list(map(without_quotes, captured.notes)) == [
        f"Support-desk/order-1: {odd.sid} is left out: {reason}"
    ]


def test_a_field_of_a_conversation_that_no_manifest_can_say_is_left_out() -> None:
    """It is then not managed; everything else is."""
    captured = capture([found(HELLO, conversation=replace(ORDER, attributes="oops"))])

    (conversation,) = captured.services[0].conversations
    assert (conversation.attributes, conversation.friendly_name, len(conversation.messages)) == (
        None,
        "Order 1",
        1,
    )


def test_a_service_with_an_odd_name_is_known_by_its_sid() -> None:
    """A name that no manifest can say is not said."""
    odd = replace(found(HELLO), service=replace(SERVICE, friendly_name="x\0"))

    assert (capture([odd]).services[0].sid, capture([odd]).services[0].friendly_name) == (SERVICE.sid, None)


def test_without_sids_everything_is_found_by_name() -> None:
    """Such a manifest can be applied anywhere."""
    nameless = replace(ORDER, unique_name=None, friendly_name=None)
    (service,) = capture([found(HELLO, conversation=nameless)], keep_sids=False).services

    assert (service.sid, service.friendly_name) == (None, "Support desk")
    assert (service.conversations[0].sid, service.conversations[0].unique_name) == (None, nameless.sid)


def test_what_is_bound_keeps_its_address() -> None:
    """Otherwise one message would get two addresses."""
    remembered = state(
        desk=Binding(SERVICE.sid), desk__order=Binding(ORDER.sid), desk__order__hi=Binding(HELLO.sid)
    )
    captured = capture([found(HELLO)], remembered)

    assert addresses(captured) == ["desk", "desk/order", "desk/order/hi"]


def test_an_address_that_is_taken_is_not_given_again() -> None:
    """The state may bind the name to something else."""
    remembered = state(Support_desk=Binding("IS" + "0" * 32))

    assert addresses(capture([found(HELLO)], remembered))[0] == "Support-desk-01234567"


def test_what_a_for_each_made_cannot_be_bound_again() -> None:
    """Its address is none that can be written down."""
    remembered = state()
    remembered.bindings["Support-desk"] = Binding(SERVICE.sid)
    remembered.bindings["Support-desk/order[1]"] = Binding(ORDER.sid)

    with pytest.raises(StateError, match=r"is bound to `Support-desk/order\[1\]`"):
        capture([found(HELLO)], remembered)


def test_what_is_still_to_be_deleted_is_passed_over() -> None:
    """A superseded message is no longer anybody's."""
    remembered = state(x=Binding("IM0", superseded=(HELLO.sid,)))

    assert "Support-desk/order-1/m0007" not in addresses(capture([found(HELLO)], remembered))


def test_binding_remembers_what_is_declared() -> None:
    """As if it had been sent, in digests; whether this tool made a parent is not forgotten."""
    remembered = state(Support_desk=Binding(SERVICE.sid, created=True))
    bind(capture([found(HELLO)], remembered), remembered)

    message = remembered.bindings["Support-desk/order-1/m0007"]
    assert (message.sid, message.service_sid, message.conversation_sid, message.index) == (
        HELLO.sid,
        SERVICE.sid,
        ORDER.sid,
        7,
    )
    assert message.sent["body"] == remembered.digest("body", "Hello")
    assert remembered.bindings["Support-desk"].created


def test_what_is_left_out_is_no_longer_managed() -> None:
    """Its key is in no manifest, and a plan must not delete it for that."""
    remembered = state(
        desk=Binding(SERVICE.sid), desk__order=Binding(ORDER.sid), desk__order__hi=Binding(HELLO.sid)
    )
    bind(capture([found(replace(HELLO, body="a\0b"))], remembered), remembered)

    assert remembered.bindings["desk/order/hi"].released
