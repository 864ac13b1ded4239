"""The official `twilio` Python SDK, unchanged, works against the emulator over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.support.sdk import ACCOUNT, EmulatorHttpClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.emulator import Emulator


@pytest.fixture(scope="module")
def sdk(served: tuple[Emulator, str]) -> Iterator[Any]:
    """Return the SDK's client."""
    http = EmulatorHttpClient(served[1])
    yield Client(ACCOUNT, "token", http_client=http)
    http.session.close()


@pytest.fixture
def service(sdk: Any) -> Iterator[Any]:
    """Return a throw-away service."""
    context = sdk.conversations.v1.services(sdk.conversations.v1.services.create(friendly_name="SDK").sid)
    yield context
    context.delete()


@pytest.fixture
def conversation(service: Any) -> Any:
    """Return a conversation, addressed by its unique name."""
    service.conversations.create(unique_name="order-1", friendly_name="Order 1")
    return service.conversations("order-1")


def test_sdk_creates_with_every_field(conversation: Any) -> None:
    """Dates come back as datetimes, attributes as the text that was sent."""
    instant = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    message = conversation.messages.create(
        author="alice",
        body="Hi",
        attributes='{"importance": "high"}',
        date_created=instant,
        date_updated=instant,
        subject="Greetings",
        x_twilio_webhook_enabled="true",
    )

    assert (message.account_sid, message.author, message.body, message.index) == (ACCOUNT, "alice", "Hi", 0)
    assert (message.attributes, message.media, message.delivery) == ('{"importance": "high"}', None, None)
    assert (message.date_created, message.date_updated) == (instant, instant)


def test_sdk_lists_over_several_pages(conversation: Any) -> None:
    """It follows `next_page_url` by itself, in both orders."""
    for number in range(7):
        conversation.messages.create(body=str(number))

    assert [message.body for message in conversation.messages.list(page_size=3)] == list("0123456")
    assert [message.body for message in conversation.messages.list(order="desc", page_size=3)] == list(
        "6543210"
    )
    assert [message.body for message in conversation.messages.list(limit=2)] == list("01")


def test_sdk_walks_back_to_the_previous_page(conversation: Any) -> None:
    """`previous_page` and `get_page` work too."""
    for number in range(3):
        conversation.messages.create(body=str(number))
    second = conversation.messages.page(page_size=2).next_page()

    assert [message.body for message in second.previous_page()] == ["0", "1"]


def test_sdk_fetches_updates_and_deletes(conversation: Any) -> None:
    """A fetch of what was deleted raises with Twilio's code."""
    sid = conversation.messages.create(body="Hi").sid
    updated = conversation.messages(sid).update(body="Hello", attributes="{}")
    fetched = conversation.messages(sid).fetch()
    deleted = conversation.messages(sid).delete()

    assert (updated.body, fetched.body, deleted) == ("Hello", "Hello", True)
    with pytest.raises(TwilioRestException) as caught:
        conversation.messages(sid).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)
    assert caught.value.msg.endswith("was not found")


def test_sdk_sees_refusals_with_their_code(service: Any, conversation: Any) -> None:
    """A taken name is 409, wrong attributes are 400."""
    with pytest.raises(TwilioRestException) as taken:
        service.conversations.create(unique_name="order-1")
    with pytest.raises(TwilioRestException) as invalid:
        conversation.messages.create(body="Hi", attributes="{")

    assert (taken.value.status, taken.value.code) == (409, 50353)
    assert (invalid.value.status, invalid.value.code) == (400, 50304)


def test_sdk_reads_conversations_with_their_timers(service: Any) -> None:
    """Every declared field comes back."""
    made = service.conversations.create(
        unique_name="timed",
        attributes='{"a": 1}',
        messaging_service_sid="MG" + "1" * 32,
        timers_inactive="PT10M",
        bindings_email_address="shop@example.com",
        bindings_email_name="Shop",
    )
    read = service.conversations("timed").fetch()

    assert read.sid == made.sid == service.conversations.list(limit=1)[0].sid
    assert (read.attributes, read.messaging_service_sid) == ('{"a": 1}', "MG" + "1" * 32)
    assert read.bindings == {"email": {"address": "shop@example.com", "name": "Shop"}}
    assert list(read.timers) == ["date_inactive"]
    assert isinstance(read.date_created, datetime)


def test_sdk_closes_a_conversation_for_good(conversation: Any) -> None:
    """After that, creating a message is refused with 50377."""
    assert conversation.update(state="closed").state == "closed"
    with pytest.raises(TwilioRestException) as caught:
        conversation.messages.create(body="Hi")

    assert caught.value.code == 50377


def test_sdk_manages_participants_users_and_receipts(service: Any, conversation: Any) -> None:
    """Chat and SMS participants; receipts of the latter."""
    alice = conversation.participants.create(identity="alice")
    phone = conversation.participants.create(
        messaging_binding_address="+15550001", messaging_binding_proxy_address="+15559999"
    )
    message = conversation.messages.create(body="Hi", author="alice")
    (receipt,) = conversation.messages(message.sid).delivery_receipts.list()
    conversation.participants("alice").update(last_read_message_index=0)

    assert message.participant_sid == alice.sid
    assert (receipt.participant_sid, receipt.status) == (phone.sid, "delivered")
    assert conversation.participants(alice.sid).fetch().last_read_message_index == 0
    assert [user.identity for user in service.users.list()] == ["alice"]
    assert conversation.participants(phone.sid).delete()


def test_sdk_finds_the_default_service(sdk: Any) -> None:
    """Its conversations are reached by the short urls and by the long ones."""
    default = sdk.conversations.v1.configuration().fetch().default_chat_service_sid
    sid = sdk.conversations.v1.conversations.create().sid
    message = sdk.conversations.v1.conversations(sid).messages.create(body="Hi")
    same = sdk.conversations.v1.services(default).conversations(sid).messages(message.sid).fetch()
    sdk.conversations.v1.conversations(sid).delete()

    assert same.body == "Hi"
