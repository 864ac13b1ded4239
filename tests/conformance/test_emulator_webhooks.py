"""Webhooks are sent when Twilio sends them, with its parameters and headers, and only where they may go."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from twilio.request_validator import RequestValidator

from reconciler.emulator.webhooks.events import AFTER, BEFORE
from tests.support.api import ACCOUNT, Api, Clock
from tests.support.listener import Listener, listening

TOLD = {"X-Twilio-Webhook-Enabled": "true"}
SECONDS = 10.0


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Return an application that listens."""
    with listening() as one:
        yield one


def ask(api: Api, path: str, method: str = "POST", **form: str) -> dict[str, Any]:
    """Return what a request with webhooks made, after they were answered."""
    named = {name.replace("_", "."): form[name] for name in form}
    reply = api(method, path, named, headers=TOLD)
    assert reply.status_code < 300, reply.text
    settle(api)
    shown: dict[str, Any] = reply.json() if reply.content else {}
    return shown


def _content(content: bytes, _: object) -> tuple[int, bytes]:
    return 200, content


def settle(api: Api) -> None:
    """Wait until every webhook was answered."""
    assert api.emulator.webhooks.outbox.wait(SECONDS)


def configure(api: Api, path: str, listener: Listener, *, pre: bool = False, **more: Any) -> None:
    """Let the listener have every event, and with *pre* those before an operation too."""
    form = {"PostWebhookUrl": listener.url, "Filters": list(AFTER)}
    if pre:
        form = {"PreWebhookUrl": listener.url, "Filters": list(BEFORE)}
    reply = api("POST", f"{path}/Configuration/Webhooks", form | more)
    assert reply.status_code == 200, reply.text


def test_message_added_has_the_parameters_and_headers_seen_live(
    api: Api, clock: Clock, service: str, conversation: str, listener: Listener
) -> None:
    """A form, dates with milliseconds, and a signature over all of it."""
    clock.forward(0.879)
    configure(api, service, listener)
    made = ask(api, f"{conversation}/Messages", Body="Hi there", Author="alice", Attributes='{"a": 1}')

    (heard,) = listener.heard
    shown = api.get(conversation)
    assert heard.form == {
        "AccountSid": ACCOUNT,
        "Attributes": '{"a": 1}',
        "Author": "alice",
        "Body": "Hi there",
        "ChatServiceSid": shown["chat_service_sid"],
        "ConversationSid": shown["sid"],
        "DateCreated": "2026-03-01T12:00:00.879Z",
        "EventType": "onMessageAdded",
        "Index": "0",
        "MessageSid": made["sid"],
        "MessagingServiceSid": shown["messaging_service_sid"],
        "RetryCount": "0",
        "Source": "API",
    }
    assert heard.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert heard.headers["User-Agent"] == "TwilioProxy/1.1"
    assert heard.headers["Accept"] == "*/*"
    assert heard.headers["Connection"] == "close"
    assert len(heard.headers["I-Twilio-Idempotency-Token"]) == 36
    assert "Accept-Encoding" not in heard.headers
    signature = heard.headers["X-Twilio-Signature"]
    assert RequestValidator("emulator").validate(heard.url, heard.form, signature)
    assert not RequestValidator("other").validate(heard.url, heard.form, signature)


def test_rest_writes_are_silent_without_the_header(
    api: Api, service: str, conversation: str, listener: Listener
) -> None:
    """Only its value `true` counts."""
    configure(api, service, listener)
    api.post(f"{conversation}/Messages", Body="Hi")
    api("POST", f"{conversation}/Messages", {"Body": "Hi"}, headers={"X-Twilio-Webhook-Enabled": "false"})
    settle(api)

    assert listener.heard == []


def test_delivery_is_reported_without_the_header(
    api: Api, service: str, conversation: str, listener: Listener
) -> None:
    """One for each recipient and status, without a source."""
    configure(api, service, listener)
    phone = api.post(
        f"{conversation}/Participants",
        MessagingBinding_Address="+15550001",
        MessagingBinding_ProxyAddress="+15559999",
    )
    message = api.post(f"{conversation}/Messages", Body="Hi")
    settle(api)

    assert listener.events == ["onDeliveryUpdated"] * 2
    assert [one.form["Status"] for one in listener.heard] == ["sent", "delivered"]
    form = listener.heard[0].form
    assert (form["MessageSid"], form["ParticipantSid"]) == (message["sid"], phone["sid"])
    assert "Source" not in form
    assert form["ChannelMessageSid"].startswith("SM")


def test_every_change_has_its_event(api: Api, service: str, listener: Listener) -> None:
    """Added, updated, removed, and a state that changes by a request or by a message."""
    configure(api, service, listener)
    one = f"{service}/Conversations/order-9"
    ask(api, f"{service}/Conversations", UniqueName="order-9")
    alice = ask(api, f"{one}/Participants", Identity="alice")["sid"]
    ask(api, f"{one}/Participants/{alice}", LastReadMessageIndex="0")
    ask(api, f"{one}", State="inactive", MessagingServiceSid="MG" + "2" * 32)
    message = ask(api, f"{one}/Messages", Body="Hi", Author="alice")
    ask(api, f"{one}/Messages/{message['sid']}", Body="Hello")
    ask(api, f"{one}/Messages/{message['sid']}", "DELETE")
    ask(api, f"{one}/Participants/{alice}", "DELETE")
    ask(api, f"{service}/Users/alice", FriendlyName="Alice")
    ask(api, f"{service}/Users", Identity="bob")
    ask(api, one, "DELETE")

    assert listener.events == [
        "onConversationAdded",
        "onParticipantAdded",
        "onUserAdded",
        "onParticipantUpdated",
        "onConversationUpdated",
        "onConversationStateUpdated",
        "onMessageAdded",
        "onConversationStateUpdated",
        "onMessageUpdated",
        "onMessageRemoved",
        "onParticipantRemoved",
        "onUserUpdated",
        "onUserAdded",
        "onConversationRemoved",
    ]
    forms = {one.form["EventType"]: one.form for one in listener.heard}
    states = [one.form for one in listener.heard if one.form["EventType"] == "onConversationStateUpdated"]
    assert [(one["StateFrom"], one["StateTo"], one["Reason"]) for one in states] == [
        ("active", "inactive", "API"),
        ("inactive", "active", "EVENT"),
    ]
    assert forms["onMessageAdded"]["ParticipantSid"] == alice
    assert forms["onConversationUpdated"]["MessagingServiceSid"] == "MG" + "2" * 32
    assert forms["onMessageUpdated"]["DateUpdated"].endswith(".000Z")
    assert (forms["onMessageRemoved"]["Body"], forms["onMessageRemoved"]["Index"]) == ("Hello", "0")
    assert forms["onMessageRemoved"]["DateRemoved"] == "2026-03-01T12:00:00.000Z"
    assert forms["onParticipantUpdated"]["LastReadMessageIndex"] == "0"
    assert (forms["onUserUpdated"]["FriendlyName"], forms["onUserUpdated"]["isOnline"]) == ("Alice", "false")
    assert forms["onConversationRemoved"]["UniqueName"] == "order-9"
    assert set(AFTER) - set(forms) == {"onDeliveryUpdated"}


def test_timers_that_ran_out_are_reported_once(
    api: Api, clock: Clock, service: str, listener: Listener
) -> None:
    """With the next request, whatever it is; both, if both ran out meanwhile."""
    configure(api, service, listener)
    slow = api.post(f"{service}/Conversations", Timers_Inactive="PT1M", Timers_Closed="PT10M")["sid"]
    api.post(f"{service}/Conversations", Timers_Closed="PT10M")
    for seconds in (59, 1, 1, 600, 1):
        clock.forward(seconds)
        api.get("/v1/Services")
    settle(api)

    states = [
        (one.form["ConversationSid"] == slow, one.form["StateFrom"], one.form["StateTo"])
        for one in listener.heard
    ]
    assert states == [
        (True, "active", "inactive"),
        (True, "inactive", "closed"),
        (False, "active", "closed"),
    ]
    assert {one.form["Reason"] for one in listener.heard} == {"TIMER"}
    both = api.post(f"{service}/Conversations", Timers_Inactive="PT1M", Timers_Closed="PT10M")["sid"]
    clock.forward(3600)
    assert api.get(f"{service}/Conversations/{both}")["state"] == "closed"
    settle(api)
    assert [one.form["StateTo"] for one in listener.heard[3:]] == ["inactive", "closed"]


def test_refused_writes_are_not_reported(
    api: Api, service: str, conversation: str, listener: Listener
) -> None:
    """Nothing happened, so nothing is said."""
    configure(api, service, listener)
    for path in (f"{conversation}/Messages", f"{conversation}/Messages/IM{'0' * 32}"):
        assert api("POST", path, {"Attributes": "{"}, headers=TOLD).status_code >= 400
    settle(api)

    assert listener.heard == []


def test_a_service_of_its_own_webhooks_silences_the_account(
    api: Api, service: str, conversation: str, listener: Listener
) -> None:
    """Also for the events that its filters leave out."""
    configure(api, "/v1", listener)
    ask(api, f"{conversation}/Messages", Body="one")
    with listening() as own:
        configure(api, service, own, Filters="onMessageRemoved")
        ask(api, f"{conversation}/Messages", Body="two")

        assert own.heard == []
    assert [one.form["Body"] for one in listener.heard] == ["one"]


def test_only_listed_events_are_sent_and_as_get_if_asked_to(
    api: Api, service: str, conversation: str, listener: Listener
) -> None:
    """With GET the query has the parameters, and the signature covers the url alone."""
    configure(api, service, listener, Filters="onMessageUpdated", Method="GET")
    sid = ask(api, f"{conversation}/Messages", Body="Hi")["sid"]
    ask(api, f"{conversation}/Messages/{sid}", Body="Hello & more")

    (heard,) = listener.heard
    assert (heard.method, heard.body) == ("GET", b"")
    assert "EventType=onMessageUpdated" in heard.url
    assert RequestValidator("emulator").validate(heard.url, {}, heard.headers["X-Twilio-Signature"])


def test_signatures_use_the_token_that_is_required(make_api: Callable[..., Api], listener: Listener) -> None:
    """An application checks them with the token that it signs in with."""
    api = make_api(auth_token="token")
    configure(api, "/v1", listener)
    ask(api, "/v1/Conversations", UniqueName="order-1")

    (heard,) = listener.heard
    assert RequestValidator("token").validate(heard.url, heard.form, heard.headers["X-Twilio-Signature"])


def test_pre_action_hook_replaces_fields(
    api: Api, service: str, conversation: str, listener: Listener
) -> None:
    """Body, author and attributes of messages, the friendly name of conversations, and nothing else."""
    configure(api, service, listener, pre=True)
    answer = {
        "body": "***",
        "author": "bot",
        "attributes": "[1]",
        "friendly_name": "Renamed",
        "state": "closed",
    }
    listener.answer = lambda _: (200, json.dumps(answer).encode())
    message = ask(api, f"{conversation}/Messages", Body="rude", Author="alice")
    changed = ask(api, conversation, FriendlyName="Order", Attributes='{"b": 2}')

    assert (message["body"], message["author"], message["attributes"]) == ("***", "bot", "[1]")
    assert (changed["friendly_name"], changed["attributes"]) == ("Renamed", '{"b": 2}')
    assert changed["state"] == "active"
    assert listener.events == ["onMessageAdd", "onConversationUpdate"]
    form = listener.heard[0].form
    assert (form["Body"], form["Author"], form["ConversationSid"]) == (
        "rude",
        "alice",
        message["conversation_sid"],
    )
    assert not form.keys() & {"MessageSid", "Index", "DateCreated"}


@pytest.mark.parametrize("status", [400, 403, 500, 503])
def test_pre_action_hook_refuses(
    api: Api, service: str, conversation: str, listener: Listener, status: int
) -> None:
    """Any 4xx or 5xx; nothing is stored."""
    configure(api, service, listener, pre=True)
    listener.answer = lambda _: (status, b"no")
    reply = api("POST", f"{conversation}/Messages", {"Body": "Hi"}, headers=TOLD)

    assert (reply.status_code, reply.json()["code"]) == (400, 50056)
    assert str(status) in reply.json()["message"]
    assert api.get(f"{conversation}/Messages")["messages"] == []


@pytest.mark.parametrize(
    "answered", [(200, b""), (200, b"{}"), (204, b""), (200, b"<html>"), (302, b"/elsewhere"), (200, b"[1]")]
)
def test_other_answers_change_nothing(
    api: Api, service: str, conversation: str, listener: Listener, answered: tuple[int, bytes]
) -> None:
    """Redirects are not followed either."""
    configure(api, service, listener, pre=True)
    listener.answer = lambda _: answered

    assert ask(api, f"{conversation}/Messages", Body="Hi")["body"] == "Hi"
    assert len(listener.heard) == 1


def test_pre_action_values_are_checked_like_those_of_the_caller(
    api: Api, service: str, conversation: str, listener: Listener
) -> None:
    """Attributes that are no JSON are the caller's error."""
    configure(api, service, listener, pre=True)
    for answer, code in (({"attributes": "{"}, 50304), ({"body": 1}, 20001), ({"body": "x" * 33000}, 50504)):
        listener.answer = partial(_content, json.dumps(answer).encode())
        reply = api("POST", f"{conversation}/Messages", {"Body": "Hi"}, headers=TOLD)
        assert (reply.status_code, reply.json()["code"]) == (400, code)


def test_pre_action_hook_that_is_late_or_gone_changes_nothing(
    make_api: Callable[..., Api], listener: Listener
) -> None:
    """The message is published as it was sent."""
    api = make_api(webhook_seconds=0.05)
    configure(api, "/v1", listener, pre=True)
    answering = threading.Event()

    def late(_: object) -> tuple[int, bytes]:
        answering.wait(SECONDS)
        return 403, b""

    listener.answer = late
    ask(api, "/v1/Conversations", UniqueName="late")
    answering.set()
    api.post("/v1/Configuration/Webhooks", PreWebhookUrl="http://127.0.0.1:1/")
    ask(api, "/v1/Conversations", UniqueName="gone")

    late_one, gone = (sent.answer.error for sent in api.emulator.webhooks.outbox.log)
    assert late_one == "no answer within 0.05 s"
    assert gone
    assert len(api.get("/v1/Conversations")["conversations"]) == 2


def test_before_and_after_are_sent_in_this_order(
    api: Api, service: str, conversation: str, listener: Listener
) -> None:
    """One url may have both."""
    configure(api, service, listener, PreWebhookUrl=listener.url, Filters=[*BEFORE, *AFTER])
    sid = ask(api, f"{conversation}/Messages", Body="Hi")["sid"]
    ask(api, f"{conversation}/Messages/{sid}", Body="Hello")
    ask(api, f"{conversation}/Messages/{sid}", "DELETE")

    assert listener.events == [
        "onMessageAdd",
        "onMessageAdded",
        "onMessageUpdate",
        "onMessageUpdated",
        "onMessageRemove",
        "onMessageRemoved",
    ]
    assert listener.heard[2].form["Body"] == "Hello"


def test_conversations_have_webhooks_of_their_own(
    api: Api, service: str, conversation: str, listener: Listener
) -> None:
    """At most five, beside those of the service, and after the action only."""
    configure(api, service, listener)
    form = {"Target": "webhook", "Configuration.Url": listener.url, "Configuration.Filters": "onMessageAdded"}
    made = [api.post(f"{conversation}/Webhooks", **form) for _ in range(5)]
    ask(api, f"{conversation}/Messages", Body="Hi")

    assert listener.events == ["onMessageAdded"] * 6
    assert made[0]["configuration"] == {"url": listener.url, "method": "post", "filters": ["onMessageAdded"]}
    assert made[0]["sid"].startswith("WH")
    assert api.refusal("POST", f"{conversation}/Webhooks", **form) == (400, 50361)
    assert api.get(f"{conversation}/Webhooks")["meta"]["page_size"] == 5
    assert len(api.get(f"{conversation}/Webhooks")["webhooks"]) == 5
    for one in made:
        assert api("DELETE", f"{conversation}/Webhooks/{one['sid']}").status_code == 204


def test_triggers_and_replays(api: Api, conversation: str, listener: Listener) -> None:
    """A trigger is a word in the body; a replay begins at the index given."""
    for body in ("zero", "one", "two"):
        api.post(f"{conversation}/Messages", Body=body)
    api.post(
        f"{conversation}/Webhooks",
        **{"Target": "trigger", "Configuration.Url": listener.url, "Configuration.Triggers": "help"},
    )
    ask(api, f"{conversation}/Messages", Body="all is well")
    ask(api, f"{conversation}/Messages", Body="HELP me")
    api.post(
        f"{conversation}/Webhooks",
        **{
            "Target": "webhook",
            "Configuration.Url": listener.url,
            "Configuration.Filters": "onMessageAdded",
            "Configuration.ReplayAfter": "1",
        },
    )
    settle(api)

    assert [one.form["Body"] for one in listener.heard] == ["HELP me", "one", "two", "all is well", "HELP me"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 50368),
        ({"Target": "pigeon"}, 50364),
        ({"Target": "webhook"}, 50369),
        ({"Target": "webhook", "Configuration.Url": "http://a/"}, 50370),
        (
            {"Target": "webhook", "Configuration.Url": "ftp://a/", "Configuration.Filters": "onMessageAdded"},
            50372,
        ),
        (
            {
                "Target": "webhook",
                "Configuration.Url": "http://a/" + "x" * 512,
                "Configuration.Filters": "onMessageAdded",
            },
            50372,
        ),
        (
            {"Target": "webhook", "Configuration.Url": "http://a/", "Configuration.Filters": "onMessageAdd"},
            50365,
        ),
        ({"Target": "trigger", "Configuration.Url": "http://a/"}, 50371),
        ({"Target": "trigger", "Configuration.Url": "http://a/", "Configuration.Triggers": ""}, 50366),
        ({"Target": "studio"}, 50367),
        ({"Target": "studio", "Configuration.FlowSid": "FW1"}, 50367),
    ],
)
def test_wrong_webhooks_of_conversations_are_refused(
    api: Api, conversation: str, form: dict[str, str], code: int
) -> None:
    """Each with the code of its own."""
    reply = api("POST", f"{conversation}/Webhooks", form)

    assert (reply.status_code, reply.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"PreWebhookUrl": "nowhere"}, 50077),
        ({"PostWebhookUrl": "http://"}, 50078),
        ({"Method": "PUT"}, 50055),
        ({"Filters": "onTeatime"}, 50054),
    ],
)
def test_wrong_settings_are_refused(api: Api, service: str, form: dict[str, str], code: int) -> None:
    """Of the account and of a service alike."""
    for path in ("/v1", service):
        assert api("POST", f"{path}/Configuration/Webhooks", form).json()["code"] == code


def test_nothing_leaves_this_machine(api: Api, service: str, conversation: str, listener: Listener) -> None:
    """Addresses are judged after resolution, and a hook that is not sent says why in the log."""
    for url in ("http://192.0.2.1/", "http://0.0.0.0/", "http://[::ffff:192.0.2.1]/", "https://169.254.0.1/"):
        configure(api, service, listener, PostWebhookUrl=url)
        ask(api, f"{conversation}/Messages", Body="Hi")

        (*_, last) = api.emulator.webhooks.outbox.log
        assert (last.answer.status, "another machine" in last.answer.error) == (None, True)
    port = listener.url.rpartition(":")[2]
    configure(api, service, listener, PostWebhookUrl=f"http://localhost:{port}")
    ask(api, f"{conversation}/Messages", Body="Hi")

    assert listener.events == ["onMessageAdded"]
    assert listener.heard[0].headers["Host"] == f"localhost:{port.partition('/')[0]}"


def test_control_shows_what_was_sent(api: Api, service: str, conversation: str, listener: Listener) -> None:
    """Once all of it is answered, for tests in other languages."""
    configure(api, service, listener)
    listener.answer = lambda _: (404, b"")
    api("POST", f"{conversation}/Messages", {"Body": "Hi"}, headers=TOLD)

    (one,) = api("GET", "/_emulator/webhooks").json()["webhooks"]
    assert (one["event"], one["method"], one["url"]) == ("onMessageAdded", "POST", listener.url)
    assert (one["status"], one["error"], one["parameters"]["Body"]) == (404, "", "Hi")


def test_a_conversation_is_made_with_its_people(api: Api, service: str, listener: Listener) -> None:
    """Each is reported, and then that it is active."""
    configure(api, service, listener)
    people = [
        '{"identity": "alice"}',
        '{"messaging_binding": {"address": "+15550001", "proxy_address": "+15559999"}}',
    ]
    form: dict[str, Any] = {"Participant": people}
    reply = api("POST", f"{service}/ConversationWithParticipants", form, headers=TOLD)
    settle(api)

    assert (reply.status_code, reply.json()["state"]) == (202, "initializing")
    assert api.get(f"{service}/Conversations/{reply.json()['sid']}")["state"] == "active"
    assert listener.events == [
        "onConversationAdded",
        "onParticipantAdded",
        "onParticipantAdded",
        "onConversationStateUpdated",
    ]
