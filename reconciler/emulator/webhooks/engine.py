"""Send the webhooks of an operation: those that may stop or change it, and those that report it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from http import HTTPStatus
from itertools import pairwise
from typing import Any, Final, TypeAlias

import msgspec

from reconciler.emulator import wire
from reconciler.emulator.call import Call
from reconciler.emulator.database import Start
from reconciler.emulator.errors import ApiError
from reconciler.emulator.fields import stamp
from reconciler.emulator.options import EmulatorOptions
from reconciler.emulator.records import Message, Participant, Receipt
from reconciler.emulator.store import Store
from reconciler.emulator.webhooks.delivery import Answer, Webhook, webhook
from reconciler.emulator.webhooks.events import AFTER, CHANGES, Change
from reconciler.emulator.webhooks.outbox import Outbox
from reconciler.emulator.webhooks.parameters import parameters, with_milliseconds
from reconciler.emulator.webhooks.scene import Scene, decode, scene
from reconciler.emulator.webhooks.subscribers import Subscriber, after, before, of_configuration, scoped
from reconciler.emulator.wire import Reply

AUTH_TOKEN: Final = "emulator"  # noqa: S105 (no secret)
"""The key of signatures where the emulator accepts any password."""
Handle: TypeAlias = Callable[[], Reply]
Receiver: TypeAlias = Callable[[Webhook], object]
_RECEIVER_URL: Final = "https://reconciler.invalid/received"
_REPLACEABLE: Final = {
    "Message": {"body": "Body", "author": "Author", "attributes": "Attributes"},
    "Conversation": {"friendly_name": "FriendlyName"},
}
_NOT_DELIVERED: Final = b',"delivery":null,'
_CALLER: Final = ("Source", "ClientIdentity")
"""The parameters about the caller, which a delivery has not."""
_ALL: Final = 1000
"""More messages or participants than this are not reported at once."""
_MADE: Final = Change("Conversation", "Add")


class Webhooks:
    """The webhooks of one emulator."""

    def __init__(self, options: EmulatorOptions) -> None:
        self.auth_token = options.auth_token or AUTH_TOKEN
        """The key of signatures."""
        self.outbox = Outbox(options.webhook_hosts, options.webhook_seconds)
        self.receivers: dict[str, list[Receiver]] = {}
        """Sid of a service -> callbacks that get every post-action webhook of it, as well as all urls."""

    async def around(self, kind: str, call: Call, handle: Callable[[Call], Reply]) -> Reply:
        """Carry out an operation by *handle*, and send the webhooks before and after it."""
        begun = self._begin(kind, call)
        if begun is not None:
            try:
                call = await self._ask(begun)
            except ApiError as refusal:
                return wire.error(refusal, call.path)
        reply = handle(call)
        self._end(kind, call, begun, reply)
        return reply

    def behind(self, kind: str, call: Call, handle: Callable[[Call], Reply]) -> Reply:
        """Carry out an operation whose client is gone, and send only the webhooks after it."""
        begun = self._begin(kind, call)
        reply = handle(call)
        self._end(kind, call, begun, reply)
        return reply

    def _begin(self, kind: str, call: Call) -> Scene | None:
        change = CHANGES.get(kind) if call.webhooks else None
        return None if change is None else scene(call, change)

    def _end(self, kind: str, call: Call, begun: Scene | None, reply: Reply) -> None:
        if reply.status >= HTTPStatus.MULTIPLE_CHOICES:
            return
        if begun is not None:
            self._report(begun, reply)
        if kind == "create_message" and _NOT_DELIVERED not in reply.body:
            self._report_delivery(call, decode(reply.body))
        elif kind == "create_webhook" and "Configuration.ReplayAfter" in call.form:
            self._replay(call, decode(reply.body))

    async def _ask(self, begun: Scene) -> Call:
        """Return the request as the pre-action webhooks leave it; raises ApiError if one refuses it."""
        call, event = begun.call, begun.change.before
        if event is None:
            return call
        for subscriber in before(call.store, begun.home.service_sid):
            if subscriber.wants(event, ""):
                hook = self._hook(subscriber, event, self._parameters(begun, event, begun.expected()))
                call = _answered(call, begun.change, await self.outbox.ask(hook))
        return call

    def _report(self, begun: Scene, reply: Reply) -> None:
        change, event = begun.change, begun.change.after
        is_removed = change.verb == "Remove"
        shown = (begun.before if is_removed else decode(reply.body)) | begun.parents
        if event is not None:
            made = self._parameters(begun, event, shown)
            if is_removed:
                made["DateRemoved"] = self._now(begun.call)
            self._tell(begun, event, made)
        if change == _MADE:
            self._report_people(begun, shown)
        if begun.makes_user:
            self._report_user(begun, shown["identity"])
        if change.resource == "Conversation" and change.verb == "Update":
            self._report_state(begun, begun.before, shown["state"], "API")
        if change.resource == "Message" and change.verb == "Add":
            self._report_state(begun, begun.conversation, "active", "EVENT")

    def _report_people(self, begun: Scene, shown: dict[str, Any]) -> None:
        """Report those who are in a conversation from its beginning."""
        store, home = begun.call.store, begun.home
        page = store.participants.page(home.service_sid, shown["sid"], Start(), _ALL)
        for row in page.rows:
            person = wire.participant(home, Participant(*row))
            event = "onParticipantAdded"
            self._tell(begun, event, self._parameters(begun, event, person, "Participant"))
        if page.rows:
            self._report_state(begun, shown | {"state": "initializing"}, "active", "EVENT")

    def _report_user(self, begun: Scene, identity: str) -> None:
        user = wire.user(begun.home, begun.call.store.users.get(begun.home.service_sid, identity))
        self._tell(begun, "onUserAdded", self._parameters(begun, "onUserAdded", user, "User"))

    def _report_state(self, begun: Scene, conversation: dict[str, Any], state: str, reason: str) -> None:
        if conversation["state"] == state:
            return
        event = "onConversationStateUpdated"
        parents = (begun.home.service_sid, conversation["sid"], conversation["messaging_service_sid"])
        made = _base(begun.call, event) | _state(parents, conversation["state"], state, reason)
        self._tell(begun, event, made | {"StateUpdated": self._now(begun.call)})

    def report_timers(self, store: Store) -> None:
        """Report the conversations whose state a timer changed."""
        for service_sid, sid, was in store.conversations.run_out():
            now, event = store.clock(), "onConversationStateUpdated"
            found = store.conversations.get(service_sid, sid)
            passed = [was, found.state]
            if passed == ["active", "closed"] and found.inactive_at is not None:
                passed.insert(1, "inactive")
            for old, new in pairwise(passed):
                parents = (service_sid, sid, found.messaging_service_sid)
                made = _event(store.account_sid, event, "API") | _state(parents, old, new, "TIMER")
                made["StateUpdated"] = with_milliseconds(stamp(now), now)
                self._send(store, service_sid, event, made, scoped(store, service_sid, sid))

    def _report_delivery(self, call: Call, message: dict[str, Any]) -> None:
        """Report each receipt twice: as `sent`, and as `delivered`."""
        store, home = call.store, call.home._replace(default=False)
        where = home.service_sid, message["conversation_sid"], message["sid"]
        rows = store.messages.receipts(*where, Start(), _ALL).rows
        subscribers = scoped(store, *where[:2])
        for status in ("sent", "delivered"):
            for row in rows:
                receipt = wire.receipt(home, *where[1:], Receipt(*row)) | {"status": status}
                event = "onDeliveryUpdated"
                made = _base(call, event) | parameters("Delivery", event, receipt, store.clock())
                made = {name: made[name] for name in made if name not in _CALLER}
                self._send(store, home.service_sid, event, made, subscribers)

    def _replay(self, call: Call, created: dict[str, Any]) -> None:
        """Report the messages that a new webhook of a conversation wants to be told of afterwards."""
        if created["target"] == "studio":
            return
        home, first = call.home._replace(default=False), int(call.form["Configuration.ReplayAfter"])
        subscriber = of_configuration(created["configuration"])
        sid, event = created["conversation_sid"], "onMessageAdded"
        writer = wire.MessageWriter(home, sid)
        conversation = call.store.conversations.get(home.service_sid, sid)
        page = call.store.messages.page(home.service_sid, sid, Start(first - 1), _ALL)
        for row in page.rows:
            shown = decode(writer.write(Message(*row)))
            shown["messaging_service_sid"] = conversation.messaging_service_sid
            made = _base(call, event) | parameters("Message", event, shown, call.store.clock())
            if subscriber.wants(event, made.get("Body", "")):
                self.outbox.put(self._hook(subscriber, event, made))

    def _parameters(
        self, begun: Scene, event: str, shown: dict[str, Any], resource: str | None = None
    ) -> dict[str, str]:
        resource = resource or begun.change.resource
        return _base(begun.call, event) | parameters(resource, event, shown, begun.call.store.clock())

    def _now(self, call: Call) -> str:
        now = call.store.clock()
        return with_milliseconds(stamp(now), now)

    def _tell(self, begun: Scene, event: str, made: dict[str, str]) -> None:
        self._send(begun.call.store, begun.home.service_sid, event, made, begun.scoped)

    def _send(
        self, store: Store, service_sid: str, event: str, made: dict[str, str], own: Iterable[Subscriber]
    ) -> None:
        """Send a post-action webhook to whoever wants it; *own* are those of the conversation."""
        for subscriber in (*after(store, service_sid), *own):
            if subscriber.wants(event, made.get("Body", "")):
                self.outbox.put(self._hook(subscriber, event, made))
        for receiver in self.receivers.get(service_sid, ()):
            receiver(self._hook(Subscriber(_RECEIVER_URL, "POST", AFTER), event, made))

    def _hook(self, subscriber: Subscriber, event: str, made: dict[str, str]) -> Webhook:
        return webhook(event, subscriber.url, subscriber.method, made, self.auth_token)


def _base(call: Call, event: str) -> dict[str, str]:
    made = _event(call.account_sid, event, call.source)
    return made | ({"ClientIdentity": call.client_identity} if call.client_identity else {})


def _event(account_sid: str, event: str, source: str) -> dict[str, str]:
    return {"AccountSid": account_sid, "EventType": event, "Source": source, "RetryCount": "0"}


def _state(parents: tuple[str, str, str], old: str, new: str, reason: str) -> dict[str, str]:
    names = ("ChatServiceSid", "ConversationSid", "MessagingServiceSid")
    shown = dict(zip(names, parents, strict=True))
    return shown | {"StateFrom": old, "StateTo": new, "Reason": reason}


def _answered(call: Call, change: Change, answer: Answer) -> Call:
    """Return the request with the fields that the *answer* replaces; ApiError if it is a refusal."""
    if answer.status is not None and answer.status >= HTTPStatus.BAD_REQUEST:
        raise ApiError(50056, f"Pre-action webhook answered with HTTP status {answer.status}")
    if answer.status != HTTPStatus.OK or not answer.body:
        return call
    try:
        given = msgspec.json.decode(answer.body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return call
    replaced = {}
    for field, name in _REPLACEABLE.get(change.resource, {}).items():
        value = given.get(field)
        if value is not None and not isinstance(value, str):
            raise ApiError(20001, f"Invalid answer of the pre-action webhook: `{field}` must be a string")
        if value is not None and change.verb != "Remove":
            replaced[name] = value
    return replace(call, form={**call.form, **replaced})
