"""Stand-ins for text and identities."""

from __future__ import annotations

import json

import pytest

from reconciler.export.scrub import A_FILE, Scrubber
from reconciler.model import RemoteConversation, RemoteMedia, RemoteMessage, RemoteService

SCRUBBER = Scrubber(b"salt")
MESSAGE = RemoteMessage(
    sid="IM" + "1" * 32,
    index=4,
    author="alice",
    body="Dear Bob, call +1 555 0100!\n\tYours, ALICE",
    attributes='{"agent": "alice", "order": 4711, "tags": ["urgent", null, true, -1.5]}',
    date_created="2026-01-05T09:00:00Z",
    conversation_sid="CH" + "2" * 32,
)


def shape(text: str) -> str:
    """Return *text* with letters and digits made alike."""
    marks = {True: "9"}
    return "".join(
        marks.get(one.isdecimal(), "A" if one.isupper() else "a" if one.isalpha() else one) for one in text
    )


def test_a_text_keeps_its_shape() -> None:
    """Length of words, capitals, digits, punctuation and line breaks stay."""
    scrubbed = SCRUBBER.text(MESSAGE.body or "")

    assert shape(scrubbed) == "Aaaa Aaa, aaaa +9 999 9999!\n\tAaaaa, AAAAA"


def test_no_word_is_its_own_stand_in() -> None:
    """Not even a letter: each is replaced by another one."""
    for word in ("a", "I", "7", "Bob", "0100"):
        assert SCRUBBER.text(word).lower() != word.lower()


def test_one_word_has_another_stand_in_in_each_text() -> None:
    """Nobody can tell by counting which stand-in is `the`."""
    first, second = SCRUBBER.text("the parcel"), SCRUBBER.text("the weather")

    assert first.split()[0] != second.split()[0]


def test_the_same_salt_gives_the_same_stand_ins() -> None:
    """Across runs too, as nothing else goes into them."""
    assert Scrubber(b"salt").message(MESSAGE) == SCRUBBER.message(MESSAGE)


def test_another_salt_gives_others() -> None:
    """Without the salt a guess cannot be confirmed."""
    assert Scrubber(b"pepper").identity("alice") != SCRUBBER.identity("alice")


def test_people_stay_apart_and_system_stays() -> None:
    """Who wrote what can be told, but not who that is."""
    alice, bob = SCRUBBER.identity("alice"), SCRUBBER.identity("bob")

    assert alice.startswith("user-")
    assert alice != bob
    assert SCRUBBER.identity("system") == "system"


def test_attributes_keep_their_shape() -> None:
    """Types, nesting and numbers of digits stay; keys are words as well."""
    scrubbed = json.loads(SCRUBBER.message(MESSAGE).attributes or "")
    text, number, items = scrubbed.values()

    assert len(text) == len("alice")
    assert len(str(number)) == len("4711")
    assert [type(item) for item in items] == [str, type(None), bool, float]


def test_no_number_is_its_own_stand_in() -> None:
    """Under no salt; only zero has no other digits."""
    for salt in range(50):
        scrubber = Scrubber(str(salt).encode())
        assert all(scrubber.value(number) != number for number in (7, 10, 100, 300.0, 1e300))


@pytest.mark.parametrize("number", [0, 7, -40, 10.25, 1e300, 5e-300, 10**30])
def test_a_number_keeps_its_size(number: float) -> None:
    """Zeros, sign, point and exponent stay where they are."""
    scrubbed = SCRUBBER.value(number)

    assert type(scrubbed) is type(number)
    assert shape(repr(scrubbed)) == shape(repr(number))


def test_no_attribute_is_lost() -> None:
    """Short keys may get one stand-in; they still stand for different things."""
    keys = dict.fromkeys("abcdefghijklmnopqrstuvwxyz", 1)

    assert len(SCRUBBER.value(keys)) == len(keys)


def test_attributes_that_are_no_json_are_text() -> None:
    """They are scrubbed as such."""
    scrubbed = SCRUBBER.message(RemoteMessage(MESSAGE.sid, 0, attributes="oops {"))

    assert shape(scrubbed.attributes or "") == "aaaa {"


def test_files_and_templates_become_text() -> None:
    """Neither can be posted anywhere else."""
    photo = RemoteMessage(MESSAGE.sid, 0, media=(RemoteMedia("ME" + "3" * 32, filename="alice.jpg"),))
    receipt = RemoteMessage(MESSAGE.sid, 0, body="Paid", content_sid="HX" + "4" * 32)
    scrubbed = [SCRUBBER.message(photo), SCRUBBER.message(receipt)]

    assert [(one.body, one.media, one.content_sid) for one in scrubbed] == [
        (A_FILE, None, None),
        (SCRUBBER.text("Paid"), None, None),
    ]


def test_parents_are_scrubbed_too() -> None:
    """Names and sids; what Twilio chose for an account is dropped."""
    service = SCRUBBER.service(RemoteService("IS" + "5" * 32, "Bob's shop"))
    conversation = SCRUBBER.conversation(
        RemoteConversation("CH" + "2" * 32, "bob", "About Bob", '{"who": "Bob"}', messaging_service_sid="MG1")
    )

    assert not {"Bob", "bob", "who", "5" * 32, "2" * 32, "MG1"} & set(
        json.dumps([repr(service), repr(conversation)]).replace("'", " ").replace('"', " ").split()
    )
