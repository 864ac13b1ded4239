"""Group MMS: the business number is a participant of its own, and the people have an address alone."""

from __future__ import annotations

import pytest

from tests.support.api import Api

NUMBER = "+15559999"


@pytest.fixture
def group(api: Api, conversation: str) -> str:
    """Return the path of a conversation with a business number."""
    api.post(f"{conversation}/Participants", MessagingBinding_ProjectedAddress=NUMBER)
    return conversation


def test_people_have_an_address_alone(api: Api, group: str) -> None:
    """Messages are delivered to them, and not to the number, which is their author."""
    anna = api.post(f"{group}/Participants", MessagingBinding_Address="+15550001")
    message = api.post(f"{group}/Messages", Author=NUMBER, Body="Hi")
    (number, _) = api.get(f"{group}/Participants")["participants"]

    assert anna["messaging_binding"] == {"type": "sms", "address": "+15550001", "proxy_address": None}
    assert number["identity"] is None
    assert number["messaging_binding"]["projected_address"] == NUMBER
    assert message["participant_sid"] == number["sid"]
    assert message["delivery"]["total"] == 1


def test_number_and_person_are_two_participants(api: Api, group: str) -> None:
    """Both addresses on one are 50407; without a number, a person needs a proxy address."""
    other = f"{group.rpartition('/')[0]}/{api.post(group.rpartition('/')[0])['sid']}"
    both = {"MessagingBinding_Address": "+15550001", "MessagingBinding_ProjectedAddress": NUMBER}

    assert api.refusal("POST", f"{group}/Participants", **both) == (400, 50407)
    alone = {"MessagingBinding_Address": "+15550001"}
    assert api.refusal("POST", f"{other}/Participants", **alone) == (400, 50412)


def test_number_comes_first_where_all_are_made_at_once(api: Api, service: str) -> None:
    """Whatever the order in which they are given; the number counts among the ten."""
    people = [f'{{"messaging_binding": {{"address": "+1555000{number}"}}}}' for number in range(9)]
    number = f'{{"messaging_binding": {{"projected_address": "{NUMBER}"}}}}'
    path = f"{service}/ConversationWithParticipants"
    made = api("POST", path, {"Participant": [*people, number]})
    sid = made.json()["sid"]
    eleventh = {"MessagingBinding_Address": "+15550009"}

    assert made.status_code == 202
    assert len(api.get(f"{service}/Conversations/{sid}/Participants")["participants"]) == 10
    assert api.refusal("POST", f"{service}/Conversations/{sid}/Participants", **eleventh) == (400, 50436)


def test_gathering_is_all_or_nothing(api: Api, service: str) -> None:
    """One wrong participant, and there is no conversation."""
    path = f"{service}/ConversationWithParticipants"
    for people, code in (
        (['{"identity": "a"}', '{"messaging_binding": {"address": "+15550001"}}'], 50412),
        (['{"identity": "a"}', "{"], 20001),
        (['{"identity": 1}'], 20001),
        ([f'{{"identity": "p{number}"}}' for number in range(11)], 50426),
    ):
        reply = api("POST", path, {"Participant": people})
        assert (reply.status_code, reply.json()["code"]) == (400, code)

    assert api.get(f"{service}/Conversations")["conversations"] == []
