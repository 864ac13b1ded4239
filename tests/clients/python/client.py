"""Calls the emulator at argv[1] by twilio-python, and prints how many operations were tried and failed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from reconciler.testing import sdk_client


class Steps:
    """The operations tried, and those that failed."""

    def __init__(self) -> None:
        self.tried = 0
        self.failed: list[str] = []

    def __call__(self, name: str, call: Callable[[], Any], wanted: Callable[[Any], object] = bool) -> Any:
        """Try one operation, whose result must be *wanted*."""
        self.tried += 1
        try:
            made = call()
        except Exception as error:  # noqa: BLE001 (whatever the SDK raises)
            self.failed.append(f"{name}: {error}")
            return None
        if not wanted(made):
            self.failed.append(f"{name}: another answer")
        return made

    def life(self, name: str, many: Any, one: Any, change: dict[str, Any] | None = None, **form: Any) -> Any:
        """Create, list, fetch and update one resource."""
        made = self(f"{name}.create", lambda: many.create(**form))
        self(f"{name}.list", lambda: many.list(limit=5), lambda found: made.sid in {it.sid for it in found})
        self(f"{name}.fetch", lambda: one(made.sid).fetch(), lambda found: found.sid == made.sid)
        if change is not None:
            self(f"{name}.update", lambda: one(made.sid).update(**change))
        return made


def of_the_account(step: Steps, v1: Any) -> None:
    """Try the resources of the account."""
    step("configuration.fetch", v1.configuration().fetch)
    step("configuration.update", lambda: v1.configuration().update(default_closed_timer=""))
    step("webhooks.fetch", v1.configuration.webhooks().fetch)
    step("webhooks.update", lambda: v1.configuration.webhooks().update(method="POST", target="webhook"))
    addresses = v1.address_configurations
    address = step.life(
        "address", addresses, addresses, {"friendly_name": "Desk"}, type="sms", address="+15550101"
    )
    step("address.delete", lambda: addresses(address.sid).delete())
    credentials = v1.credentials
    credential = step.life("credential", credentials, credentials, {"friendly_name": "pushed"}, type="fcm")
    step("credential.delete", lambda: credentials(credential.sid).delete())


def of_a_service(step: Steps, service: Any) -> None:
    """Try the resources of a service."""
    step("service.configuration.fetch", service.configuration().fetch)
    step(
        "service.configuration.update",
        lambda: service.configuration().update(reachability_enabled=True),
        lambda one: one.reachability_enabled,
    )
    notifications = service.configuration.notifications()
    step("notifications.fetch", notifications.fetch)
    step("notifications.update", lambda: notifications.update(log_enabled=True), lambda one: one.log_enabled)
    webhooks = service.configuration.webhooks()
    step("service.webhooks.fetch", webhooks.fetch)
    step(
        "service.webhooks.update",
        lambda: webhooks.update(filters=["onMessageAdded", "onMessageRemoved"]),
        lambda one: len(one.filters) == 2,
    )
    step("bindings.list", service.bindings.list, lambda found: found == [])
    role = step.life(
        "role",
        service.roles,
        service.roles,
        {"permission": ["sendMessage"]},
        friendly_name="helper",
        type="conversation",
        permission=["sendMessage", "leaveConversation"],
    )
    step("role.delete", service.roles(role.sid).delete)
    step.life("user", service.users, service.users, {"friendly_name": "Alice"}, identity="alice")


def of_a_conversation(step: Steps, service: Any) -> None:
    """Try a conversation, and who and what is in it."""
    made = step.life(
        "conversation",
        service.conversations,
        service.conversations,
        {"friendly_name": "Order 1"},
        unique_name="order-1",
    )
    one = service.conversations(made.sid)
    alice = step.life("participant", one.participants, one.participants, {}, identity="alice")
    sms = {
        "messaging_binding_address": "+15550102",
        "messaging_binding_proxy_address": "+15559102",
    }
    step("participant.sms", lambda: one.participants.create(**sms))
    message = step.life("message", one.messages, one.messages, {"body": "uno"}, author="alice", body="one")
    for body in ("two", "three"):
        step("message.create", partial(one.messages.create, body=body))
    step("message.pages", lambda: one.messages.list(page_size=2), lambda found: len(found) == 3)
    receipts = one.messages(message.sid).delivery_receipts
    (receipt,) = step("receipts.list", receipts.list)
    step("receipt.fetch", receipts(receipt.sid).fetch)
    webhook = step.life(
        "webhook",
        one.webhooks,
        one.webhooks,
        {"configuration_method": "get"},
        target="webhook",
        configuration_url="http://127.0.0.1:9/",
        configuration_filters=["onMessageAdded"],
    )
    step("webhook.delete", one.webhooks(webhook.sid).delete)
    step("participantConversations.list", lambda: service.participant_conversations.list(identity="alice"))
    mine = service.users("alice").user_conversations
    step("userConversations.list", mine.list)
    step("userConversation.fetch", mine(made.sid).fetch)
    step(
        "userConversation.update",
        lambda: mine(made.sid).update(notification_level="muted", last_read_message_index=0),
        lambda found: found.unread_messages_count == 2,
    )
    people = ['{"identity": "bob"}', '{"identity": "carol"}']
    step("gathering.create", lambda: service.conversation_with_participants.create(participant=people))
    step("message.delete", one.messages(message.sid).delete)
    step("participant.delete", one.participants(alice.sid).delete)
    step("conversation.delete", one.delete)
    step("user.delete", service.users("alice").delete)


def main() -> None:
    """Try every resource."""
    v1, step = sdk_client(sys.argv[1]).conversations.v1, Steps()
    of_the_account(step, v1)
    made = step.life("service", v1.services, v1.services, friendly_name="Python")
    service = v1.services(made.sid)
    of_a_service(step, service)
    of_a_conversation(step, service)
    step("default.conversation.create", lambda: v1.conversations.create(friendly_name="Default"))
    step("service.delete", service.delete)
    sys.stdout.write(json.dumps({"tried": step.tried, "failed": step.failed}) + "\n")


if __name__ == "__main__":
    main()
