"""The resources of an account and of a service that are no conversations."""

from __future__ import annotations

import pytest

from tests.support.api import Api

ROLE = {"FriendlyName": "helper", "Type": "conversation", "Permission": ["sendMessage", "leaveConversation"]}


def test_every_service_begins_with_four_roles(api: Api, service: str) -> None:
    """Three of them are the service's defaults, and users get one."""
    roles = {one["friendly_name"]: one for one in api.get(f"{service}/Roles")["roles"]}
    shown = api.get(f"{service}/Configuration")
    user = api.post(f"{service}/Users", Identity="alice")

    assert {name: one["type"] for name, one in roles.items()} == {
        "service admin": "service",
        "service user": "service",
        "channel admin": "conversation",
        "channel user": "conversation",
    }
    assert shown["default_conversation_creator_role_sid"] == roles["channel admin"]["sid"]
    assert shown["default_conversation_role_sid"] == roles["channel user"]["sid"]
    assert shown["default_chat_service_role_sid"] == roles["service user"]["sid"] == user["role_sid"]
    assert "sendMessage" in roles["channel user"]["permissions"]


def test_roles_are_made_and_changed(api: Api, service: str) -> None:
    """An update replaces the permissions."""
    made = api("POST", f"{service}/Roles", ROLE).json()
    changed = api.post(f"{service}/Roles/{made['sid']}", Permission="deleteOwnMessage")
    configured = api.post(f"{service}/Configuration", DefaultConversationRoleSid=made["sid"])

    assert made["permissions"] == ["sendMessage", "leaveConversation"]
    assert changed["permissions"] == ["deleteOwnMessage"]
    assert configured["default_conversation_role_sid"] == made["sid"]
    assert api("DELETE", f"{service}/Roles/{made['sid']}").status_code == 204
    assert api.refusal("GET", f"{service}/Roles/{made['sid']}") == (404, 20404)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"FriendlyName": ""}, 50000),
        ({"FriendlyName": "x" * 65}, 50003),
        ({"Type": "pigeon"}, 50105),
        ({"Permission": "fly"}, 50104),
        ({"Permission": []}, 50104),
    ],
)
def test_wrong_roles_are_refused(api: Api, service: str, change: dict[str, object], code: int) -> None:
    """Each with its code."""
    reply = api("POST", f"{service}/Roles", ROLE | change)

    assert (reply.status_code, reply.json()["code"]) == (400, code)


def test_a_default_role_must_exist(api: Api, service: str) -> None:
    """What is missing is the role, not the configuration."""
    form = {"DefaultConversationRoleSid": "RL" + "0" * 32}

    assert api.refusal("POST", f"{service}/Configuration", **form) == (400, 50100)


def test_new_conversations_get_the_timers_and_the_messaging_service_of_the_account(api: Api) -> None:
    """Unless they bring their own; an empty one is none."""
    sid = "MG" + "2" * 32
    api.post(
        "/v1/Configuration",
        DefaultInactiveTimer="PT5M",
        DefaultClosedTimer="PT1H",
        DefaultMessagingServiceSid=sid,
    )
    made = api.post("/v1/Conversations", Timers_Closed="PT2H")
    cleared = api.post("/v1/Configuration", DefaultInactiveTimer="", DefaultClosedTimer="")

    assert made["timers"] == {
        "date_inactive": "2026-03-01T12:05:00Z",
        "date_closed": "2026-03-01T14:00:00Z",
    }
    assert made["messaging_service_sid"] == sid
    assert (cleared["default_inactive_timer"], cleared["default_closed_timer"]) == (None, None)
    assert api.post("/v1/Conversations")["timers"] == {}
    assert api.refusal("POST", "/v1/Configuration", DefaultClosedTimer="PT1M") == (400, 50376)


def test_another_service_can_be_the_default(api: Api, service: str) -> None:
    """If it exists."""
    sid = service.rpartition("/")[2]
    api.post("/v1/Configuration", DefaultChatServiceSid=sid)

    assert api.post("/v1/Conversations")["chat_service_sid"] == sid
    missing = {"DefaultChatServiceSid": "IS" + "0" * 32}
    assert api.refusal("POST", "/v1/Configuration", **missing) == (400, 50050)


def test_notifications_are_kept(api: Api, service: str) -> None:
    """Each event by itself, and nothing is set before."""
    path = f"{service}/Configuration/Notifications"
    unset = api.get(path)
    form = {"LogEnabled": "true", "NewMessage.Enabled": "true", "NewMessage.Template": "Hi ${MESSAGE}"}
    changed = api.post(path, **form)
    again = api.post(path, **{"NewMessage.WithMedia.Enabled": "true"})

    assert (unset["log_enabled"], unset["new_message"]) == (False, {"enabled": False})
    assert changed["new_message"] == {"enabled": True, "template": "Hi ${MESSAGE}"}
    assert again["new_message"] == changed["new_message"] | {"with_media": {"enabled": True}}
    assert again["added_to_conversation"] == {"enabled": False}
    assert api.refusal("POST", path, LogEnabled="perhaps") == (400, 20001)


def test_addresses_are_kept_once(api: Api) -> None:
    """They can be listed by their type."""
    path = "/v1/Configuration/Addresses"
    made = api.post(path, Type="sms", Address="+15550001")
    api.post(path, Type="email", Address="desk@example.com")
    form = {"AutoCreation.Enabled": "true", "AutoCreation.WebhookMethod": "get"}
    changed = api.post(f"{path}/{made['sid']}", **form)

    assert made["auto_creation"] == {"enabled": False, "type": "default"}
    assert changed["auto_creation"] == {"enabled": True, "type": "default", "webhook_method": "GET"}
    assert [one["address"] for one in api.get(path, Type="sms")["address_configurations"]] == ["+15550001"]
    assert api.refusal("POST", path, Type="sms", Address="+15550001") == (409, 20409)
    assert api.refusal("POST", path, Type="pigeon", Address="+15550002") == (400, 20001)
    assert api.refusal("POST", path, Type="sms") == (400, 20001)


def test_keys_of_credentials_are_not_kept(api: Api) -> None:
    """Nothing that is shown, and nothing in the file."""
    made = api.post("/v1/Credentials", Type="apn", PrivateKey="secret", Sandbox="true")

    assert (made["type"], made["sandbox"], made["friendly_name"]) == ("apn", "True", None)
    rows = api.emulator.store._database.all("SELECT document FROM resources")
    assert rows
    assert "secret" not in str(rows)


def test_users_see_how_much_they_have_read(api: Api, service: str, conversation: str) -> None:
    """Nothing is counted before the first read; leaving is possible from here too."""
    api.post(f"{conversation}/Participants", Identity="alice")
    for number in range(3):
        api.post(f"{conversation}/Messages", Body=str(number))
    (one,) = api.get(f"{service}/Users/alice/Conversations")["conversations"]
    path = f"{service}/Users/alice/Conversations/order-1"
    read = api.post(path, LastReadMessageIndex="0", NotificationLevel="muted")

    assert (one["unread_messages_count"], one["notification_level"]) == (None, "default")
    assert (read["unread_messages_count"], read["notification_level"]) == (2, "muted")
    assert api("DELETE", path).status_code == 204
    assert api.get(f"{conversation}/Participants")["participants"] == []
    assert api.refusal("GET", path) == (404, 20404)


def test_conversations_are_found_by_who_is_in_them(api: Api, service: str, conversation: str) -> None:
    """By identity or by address; without either there are none."""
    api.post(f"{conversation}/Participants", Identity="alice")
    phone = {"MessagingBinding.Address": "+15550001", "MessagingBinding.ProxyAddress": "+15559999"}
    api.post(f"{conversation}/Participants", **phone)
    path = f"{service}/ParticipantConversations"
    (alice,) = api.get(path, Identity="alice")["conversations"]
    (caller,) = api.get(path, Address="+15550001")["conversations"]

    assert alice["participant_user_sid"].startswith("US")
    assert (caller["participant_identity"], caller["participant_user_sid"]) == (None, None)
    assert caller["participant_messaging_binding"]["address"] == "+15550001"
    assert alice["conversation_unique_name"] == "order-1"
    assert api.get(path, Identity="bob")["conversations"] == api.get(path)["conversations"] == []
