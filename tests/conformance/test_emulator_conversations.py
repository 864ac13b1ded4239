"""Services, conversations, participants, users: names, states, timers, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.api import Api, Clock


def test_new_store_lists_no_services(api: Api) -> None:
    """Even the default service is made only when it is asked for."""
    assert api.get("/v1/Services")["services"] == []


def test_default_service_stays_the_same(api: Api) -> None:
    """The configuration names it, the short urls lead to it, and their messages do not name it."""
    sid = api.get("/v1/Configuration")["default_chat_service_sid"]
    conversation = api.post("/v1/Conversations", UniqueName="a")
    message = api.post("/v1/Conversations/a/Messages", Body="Hi")

    assert (conversation["chat_service_sid"], "chat_service_sid" in message) == (sid, False)
    assert api.get(f"/v1/Services/{sid}/Conversations/a/Messages/{message['sid']}")["body"] == "Hi"
    assert api.get("/v1/Configuration")["default_chat_service_sid"] == sid


def test_deleted_default_service_is_made_anew(api: Api) -> None:
    """The account always has a default service."""
    sid = api.get("/v1/Configuration")["default_chat_service_sid"]
    api("DELETE", f"/v1/Services/{sid}")

    assert api.get("/v1/Configuration")["default_chat_service_sid"] != sid


def test_services_may_share_a_name(api: Api) -> None:
    """Nothing but the sid tells them apart; they are listed as they were made."""
    sids = [api.post("/v1/Services", FriendlyName="Twin")["sid"] for _ in range(2)]

    assert [service["sid"] for service in api.get("/v1/Services")["services"]] == sids


@pytest.mark.parametrize(("form", "code"), [({}, 50000), ({"FriendlyName": "x" * 257}, 50003)])
def test_refuses_a_service(api: Api, form: dict[str, str], code: int) -> None:
    """A service needs a name of at most 256 characters."""
    assert api.refusal("POST", "/v1/Services", **form) == (400, code)


def test_deleting_a_service_deletes_what_is_in_it(api: Api, service: str, conversation: str) -> None:
    """Nested resources answer 404 afterwards."""
    api.post(f"{conversation}/Messages", Body="Hi")
    api("DELETE", service)

    assert api.refusal("GET", f"{conversation}/Messages") == (404, 20404)


def test_created_conversation_has_every_field_of_the_reference(api: Api, service: str) -> None:
    """Defaults are filled in: a messaging service, `{}`, active."""
    shown = api.post(f"{service}/Conversations", FriendlyName="Order 1")

    assert shown | {"sid": "", "url": "", "links": {}, "messaging_service_sid": ""} == {
        "account_sid": "AC" + "0" * 32,
        "chat_service_sid": service.rpartition("/")[2],
        "messaging_service_sid": "",
        "sid": "",
        "friendly_name": "Order 1",
        "unique_name": None,
        "attributes": "{}",
        "state": "active",
        "date_created": "2026-03-01T12:00:00Z",
        "date_updated": "2026-03-01T12:00:00Z",
        "timers": {},
        "bindings": None,
        "url": "",
        "links": {},
    }
    assert set(shown["links"]) == {"participants", "messages", "webhooks", "export"}


def test_unique_name_stands_for_the_sid_in_every_path(api: Api, service: str) -> None:
    """Even one that needs percent-encoding; fields and urls of messages keep the sid."""
    conversation = api.post(f"{service}/Conversations", UniqueName="a/b c")
    message = api.post(f"{service}/Conversations/a%2Fb%20c/Messages", Body="Hi")

    assert message["conversation_sid"] == conversation["sid"]
    assert message["url"].startswith(conversation["url"])


def test_unique_name_is_unique_in_its_service_even_when_closed(
    api: Api, service: str, conversation: str
) -> None:
    """A closed conversation keeps its name until it is deleted; another service may use it."""
    api.post(conversation, State="closed")
    taken = api.refusal("POST", f"{service}/Conversations", UniqueName="order-1")
    other = api.post("/v1/Services", FriendlyName="Other")["sid"]
    elsewhere = api.post(f"/v1/Services/{other}/Conversations", UniqueName="order-1")
    api("DELETE", conversation)
    again = api.post(f"{service}/Conversations", UniqueName="order-1")

    assert taken == (409, 50353)
    assert elsewhere["unique_name"] == again["unique_name"] == "order-1"


CONVERSATIONS: list[Any] = [
    pytest.param({"UniqueName": "CH" + "a" * 32}, 50390, id="a name like a sid"),
    pytest.param({"UniqueName": "x" * 257}, 50004, id="too long a unique name"),
    pytest.param({"FriendlyName": "x" * 257}, 50003, id="too long a friendly name"),
    pytest.param({"Attributes": "nope"}, 50304, id="attributes that are no JSON"),
    pytest.param({"Attributes": '"' + "x" * 16384 + '"'}, 50303, id="too many attributes"),
    pytest.param({"MessagingServiceSid": "MG1"}, 50341, id="a malformed messaging service"),
    pytest.param({"State": "closed"}, 50384, id="closed from the start"),
    pytest.param({"State": "initializing"}, 50386, id="initializing"),
    pytest.param({"State": ""}, 50374, id="no state"),
    pytest.param({"State": "open"}, 50378, id="no such state"),
    pytest.param({"Timers_Inactive": "PT59S"}, 50375, id="inactive too soon"),
    pytest.param({"Timers_Inactive": "1 hour"}, 50379, id="inactive after no duration"),
    pytest.param({"Timers_Closed": "PT9M"}, 50376, id="closed too soon"),
    pytest.param({"Timers_Inactive": "P999999W"}, 50379, id="inactive after all time"),
    pytest.param({"Timers_Closed": "P"}, 50380, id="closed after no duration"),
    pytest.param({"DateCreated": "x"}, 50308, id="no date"),
]


@pytest.mark.parametrize(("form", "code"), CONVERSATIONS)
def test_refuses_a_conversation(api: Api, service: str, form: dict[str, str], code: int) -> None:
    """Each mistake has its code."""
    assert api.refusal("POST", f"{service}/Conversations", **form) == (400, code)


def test_update_of_a_conversation_changes_only_what_it_mentions(
    api: Api, conversation: str, clock: Clock
) -> None:
    """Its own unique name may be sent again."""
    before = api.get(conversation)
    clock.forward(60)
    after = api.post(conversation, UniqueName="order-1", FriendlyName="Order", Bindings_Email_Name="Shop")

    assert after == before | {
        "friendly_name": "Order",
        "bindings": {"email": {"address": None, "name": "Shop"}},
        "date_updated": "2026-03-01T12:01:00Z",
    }


def test_empty_unique_name_is_none(api: Api, service: str, conversation: str) -> None:
    """So a name can be given up, and several conversations can do without one."""
    api.post(f"{service}/Conversations", UniqueName="")

    assert api.post(conversation, UniqueName="")["unique_name"] is None
    assert api.refusal("GET", f"{service}/Conversations/order-1") == (404, 20404)


def test_message_revives_an_inactive_conversation(api: Api, conversation: str) -> None:
    """Posting flips `inactive` to `active`."""
    assert api.post(conversation, State="inactive")["state"] == "inactive"
    api.post(f"{conversation}/Messages", Body="Hi")

    assert api.get(conversation)["state"] == "active"


def test_closed_conversation_can_be_read_and_deleted_and_nothing_else(api: Api, conversation: str) -> None:
    """`closed` is terminal."""
    message = f"{conversation}/Messages/{api.post(f'{conversation}/Messages', Body='Hi')['sid']}"
    api.post(conversation, State="closed")

    assert len(api.get(f"{conversation}/Messages")["messages"]) == 1
    for method, path in (
        ("POST", f"{conversation}/Messages"),
        ("POST", message),
        ("DELETE", message),
        ("POST", f"{conversation}/Participants"),
        ("POST", conversation),
    ):
        assert api.refusal(method, path, Body="x", Identity="x", State="active") == (400, 50377)
    assert api("DELETE", conversation).status_code == 204


def test_timers_change_the_state_as_time_passes(api: Api, conversation: str, clock: Clock) -> None:
    """They run from the last message; a closed conversation stays closed."""
    api.post(conversation, Timers_Inactive="PT10M", Timers_Closed="P1D")
    clock.forward(300)
    api.post(f"{conversation}/Messages", Body="Hi")
    timers = api.get(conversation)["timers"]
    clock.forward(600)
    inactive = api.get(conversation)["state"]
    clock.forward(86_400)

    assert timers == {"date_inactive": "2026-03-01T12:15:00Z", "date_closed": "2026-03-02T12:05:00Z"}
    assert (inactive, api.get(conversation)["state"]) == ("inactive", "closed")
    assert api.refusal("POST", f"{conversation}/Messages", Body="Hi") == (400, 50377)


def test_conversations_are_listed_by_latest_activity(api: Api, service: str) -> None:
    """A message brings its conversation to the front; by date it is the newest that comes first."""
    paths = {name: api.post(f"{service}/Conversations", UniqueName=name)["sid"] for name in "abc"}
    api.post(f"{service}/Conversations/{paths['a']}/Messages", Body="Hi")

    def listed(**query: str) -> str:
        page = api.get(f"{service}/Conversations", **query)["conversations"]
        return "".join(conversation["unique_name"] for conversation in page)

    assert (listed(), listed(StartDate="2026-03-01"), listed(EndDate="2026-02-28")) == ("acb", "cba", "")


def test_lists_by_date_go_by_the_date_of_creation(api: Api, service: str) -> None:
    """A conversation brought over from elsewhere keeps its place in time, on pages too."""
    listed = f"{service}/Conversations"
    for name, year in (("a", 2023), ("b", 2025), ("c", 2020), ("d", 2025), ("e", 2024)):
        api.post(listed, UniqueName=name, DateCreated=f"{year}-01-01T00:00:00Z")
    first = api.get(listed, StartDate="2021-01-01", PageSize="2")
    second = api.get(first["meta"]["next_page_url"])
    pages = [first, second, api.get(second["meta"]["previous_page_url"])]

    assert [[one["unique_name"] for one in page["conversations"]] for page in pages] == [
        ["d", "b"],
        ["e", "a"],
        ["d", "b"],
    ]
    assert second["meta"]["next_page_url"] is None


def test_conversations_can_be_listed_by_state(api: Api, service: str, clock: Clock) -> None:
    """States that a timer brought about count."""
    api.post(f"{service}/Conversations", UniqueName="a", Timers_Inactive="PT1M")
    api.post(f"{service}/Conversations", UniqueName="b")
    clock.forward(60)
    page = api.get(f"{service}/Conversations", State="inactive")["conversations"]

    assert [conversation["unique_name"] for conversation in page] == ["a"]


SMS = {"MessagingBinding_Address": "+15550001", "MessagingBinding_ProxyAddress": "+15559999"}


def test_chat_participant_becomes_a_user(api: Api, service: str, conversation: str) -> None:
    """Adding an unknown identity creates the user; removing the participant keeps it."""
    participant = api.post(f"{conversation}/Participants", Identity="alice", Attributes='{"vip":true}')
    api("DELETE", f"{conversation}/Participants/alice")

    assert (participant["identity"], participant["messaging_binding"]) == ("alice", None)
    assert [user["identity"] for user in api.get(f"{service}/Users")["users"]] == ["alice"]
    assert api.get(f"{conversation}/Participants")["participants"] == []


def test_participant_outside_chat_gets_receipts(api: Api, conversation: str) -> None:
    """One receipt for each; `delivery` sums them up; chat participants get none."""
    phone = api.post(f"{conversation}/Participants", **SMS)
    api.post(f"{conversation}/Participants", Identity="alice")
    message = api.post(f"{conversation}/Messages", Body="Hi")
    receipts = api.get(f"{conversation}/Messages/{message['sid']}/Receipts")["delivery_receipts"]

    assert phone["messaging_binding"] == {"type": "sms", "address": "+15550001", "proxy_address": "+15559999"}
    assert message["delivery"]["total"] == 1
    assert [(receipt["participant_sid"], receipt["status"]) for receipt in receipts] == [
        (phone["sid"], "delivered")
    ]
    assert api.get(receipts[0]["url"]) == receipts[0]


@pytest.mark.parametrize("how", ["by hand", "by its timer"])
def test_closed_conversation_gives_its_address_pairs_back(
    api: Api, service: str, conversation: str, clock: Clock, how: str
) -> None:
    """A pair is in use in one open conversation at most, however the other one was closed."""
    elsewhere = api.post(f"{service}/Conversations", Timers_Closed="PT10M")["sid"]
    api.post(f"{service}/Conversations/{elsewhere}/Participants", **SMS)
    clock.forward(599)
    before = api.refusal("POST", f"{conversation}/Participants", **SMS)
    if how == "by hand":
        api.post(f"{service}/Conversations/{elsewhere}", State="closed")
    else:
        clock.forward(1)

    assert before == (409, 50416)
    assert api.post(f"{conversation}/Participants", **SMS)["messaging_binding"]["address"] == "+15550001"


def test_body_is_limited_to_1600_characters_outside_chat(api: Api, conversation: str) -> None:
    """The shorter limit holds once somebody is reached by SMS."""
    api.post(f"{conversation}/Participants", **SMS)

    assert api.post(f"{conversation}/Messages", Body="x" * 1600)["index"] == 0
    assert api.refusal("POST", f"{conversation}/Messages", Body="x" * 1601) == (400, 50504)


def test_group_mms_knows_its_authors(api: Api, conversation: str) -> None:
    """With a projected address in the conversation, the author must be a participant."""
    api.post(f"{conversation}/Participants", Identity="agent", MessagingBinding_ProjectedAddress="+15551234")

    assert api.refusal("POST", f"{conversation}/Messages", Body="Hi", Author="stranger") == (400, 50513)
    assert api.post(f"{conversation}/Messages", Body="Hi", Author="agent")["participant_sid"] is not None


PARTICIPANTS: list[Any] = [
    pytest.param({}, 400, 50204, id="nobody"),
    pytest.param({"Identity": "alice"}, 409, 50433, id="an identity twice"),
    pytest.param(SMS, 409, 50416, id="an address pair twice"),
    pytest.param({"Identity": "bob"} | SMS, 400, 50211, id="an identity with an address"),
    pytest.param({"MessagingBinding_Address": "+15550002"}, 400, 50412, id="no proxy address"),
    pytest.param(
        {"MessagingBinding_Address": "+1", "MessagingBinding_ProxyAddress": "+1"},
        400,
        50409,
        id="itself as proxy",
    ),
    pytest.param({"Identity": "bob", "Attributes": "x"}, 400, 50304, id="attributes that are no JSON"),
    pytest.param({"Identity": "bob", "RoleSid": "RL1"}, 400, 20001, id="a malformed role"),
    pytest.param({"Identity": "b" * 257}, 400, 50207, id="too long an identity"),
]


@pytest.mark.parametrize(("form", "status", "code"), PARTICIPANTS)
def test_refuses_a_participant(
    api: Api, conversation: str, form: dict[str, str], status: int, code: int
) -> None:
    """Each mistake has its code."""
    api.post(f"{conversation}/Participants", Identity="alice")
    api.post(f"{conversation}/Participants", **SMS)

    assert api.refusal("POST", f"{conversation}/Participants", **form) == (status, code)


def test_participant_is_updated_by_sid_or_identity(api: Api, conversation: str) -> None:
    """What is not mentioned stays."""
    before = api.post(f"{conversation}/Participants", Identity="alice")
    after = api.post(f"{conversation}/Participants/alice", LastReadMessageIndex="3", RoleSid="RL" + "a" * 32)

    assert after == before | {"last_read_message_index": 3, "role_sid": "RL" + "a" * 32}
    assert api.get(f"{conversation}/Participants/{before['sid']}") == after
    assert api.refusal("POST", f"{conversation}/Participants/alice", LastReadMessageIndex="-1") == (
        400,
        50421,
    )


def test_non_chat_participants_are_limited_to_50(api: Api, service: str, conversation: str) -> None:
    """The 51st is refused."""
    store, sid = api.emulator.store, service.rpartition("/")[2]
    for number in range(50):
        store.participants.create(
            sid,
            "order-1",
            {"MessagingBinding.Address": f"+1555{number}", "MessagingBinding.ProxyAddress": "+1"},
        )

    assert api.refusal("POST", f"{conversation}/Participants", **SMS) == (400, 50418)


def test_participants_are_limited_to_1000(api: Api, service: str, conversation: str) -> None:
    """The 1,001st is refused."""
    store, sid = api.emulator.store, service.rpartition("/")[2]
    with store.transaction():
        for number in range(1000):
            store.participants.create(sid, "order-1", {"Identity": f"user-{number}"})

    assert api.refusal("POST", f"{conversation}/Participants", Identity="one-more") == (400, 50417)


GROUP = {"MessagingBinding_ProjectedAddress": "+15551234"}


def test_participants_of_group_mms_are_limited_to_10(api: Api, conversation: str) -> None:
    """The 11th is refused, one without a projected address too."""
    for number in range(10):
        api.post(
            f"{conversation}/Participants",
            Identity=f"user-{number}",
            MessagingBinding_ProjectedAddress=f"+1555{number}",
        )

    for form in (GROUP | {"Identity": "one-more"}, {"Identity": "one-more"}, SMS):
        assert api.refusal("POST", f"{conversation}/Participants", **form) == (400, 50436)
    assert api.post(f"{conversation}/Participants/user-0", **GROUP)["sid"].startswith("MB")


def test_a_larger_conversation_cannot_become_group_mms(api: Api, conversation: str) -> None:
    """Neither with a participant who comes, nor by an update of one who is there."""
    for number in range(11):
        api.post(f"{conversation}/Participants", Identity=f"user-{number}")

    joining = api.refusal("POST", f"{conversation}/Participants", Identity="one-more", **GROUP)
    updated = api.refusal("POST", f"{conversation}/Participants/user-0", **GROUP)

    assert joining == updated == (400, 50436)


def test_conversations_of_an_identity_are_limited_to_1000(
    api: Api, service: str, conversation: str, clock: Clock
) -> None:
    """Those of a service that are open: a closed one does not count, whoever closed it."""
    store, sid = api.emulator.store, service.rpartition("/")[2]
    with store.transaction():
        for number in range(1000):
            timer = {"Timers.Closed": "PT10M"} if number == 0 else {}
            ref = store.conversations.create(sid, timer).sid
            store.participants.create(sid, ref, {"Identity": "busy"})
    other = f"/v1/Services/{api.post('/v1/Services', FriendlyName='Other')['sid']}/Conversations"
    api.post(f"{conversation}/Participants", Identity="idle")

    joining = api.refusal("POST", f"{conversation}/Participants", Identity="busy")
    renamed = api.refusal("POST", f"{conversation}/Participants/idle", Identity="busy")
    elsewhere = api.post(f"{other}/{api.post(other)['sid']}/Participants", Identity="busy")
    clock.forward(600)
    later = api.post(f"{conversation}/Participants", Identity="busy")

    assert joining == renamed == (400, 50214)
    assert elsewhere["identity"] == later["identity"] == "busy"
    assert api.post(f"{conversation}/Participants/busy", Identity="busy") == later


def test_users_live_and_die(api: Api, service: str) -> None:
    """Create, fetch by identity, update, delete; an identity has one user."""
    user = api.post(f"{service}/Users", Identity="alice", FriendlyName="Alice")
    updated = api.post(f"{service}/Users/alice", FriendlyName="Al", Attributes="[]")

    assert updated == user | {"friendly_name": "Al", "attributes": "[]"}
    assert api.refusal("POST", f"{service}/Users", Identity="alice") == (409, 50201)
    assert api.refusal("POST", f"{service}/Users") == (400, 50204)
    assert api("DELETE", f"{service}/Users/{user['sid']}").status_code == 204
    assert api.refusal("GET", f"{service}/Users/alice") == (404, 20404)
