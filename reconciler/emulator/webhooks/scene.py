"""What webhooks need to know of an operation before it is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from reconciler.emulator import handlers, wire
from reconciler.emulator.call import Call
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.webhooks.events import Change
from reconciler.emulator.webhooks.parameters import as_sent
from reconciler.emulator.webhooks.subscribers import Subscriber, scoped
from reconciler.emulator.wire import Home

decode: Final = msgspec.json.Decoder().decode
_FETCH: Final = {
    "Message": handlers.fetch_message,
    "Conversation": handlers.fetch_conversation,
    "Participant": handlers.fetch_participant,
    "User": handlers.fetch_user,
}
_NEW: Final[dict[str, dict[str, Any]]] = {
    "Message": {"author": "system", "attributes": "{}"},
    "Conversation": {"attributes": "{}", "state": "active"},
    "Participant": {"attributes": "{}"},
    "User": {"attributes": "{}"},
}


@dataclass(frozen=True, slots=True)
class Scene:
    """An operation that causes events, and the objects that it finds."""

    call: Call
    change: Change
    home: Home
    """The service, under its long urls."""
    conversation: dict[str, Any]
    """The conversation around the resource; empty if there is none."""
    before: dict[str, Any]
    """The resource as it was; empty if it is made now."""
    scoped: list[Subscriber]
    makes_user: bool
    """Whether a participant is added whose identity was no user."""

    def expected(self) -> dict[str, Any]:
        """Return the resource as the request wants it."""
        call, resource = self.call, self.change.resource
        shown = (self.before or _NEW[resource]) | self.parents
        if self.change.verb == "Remove":
            return shown
        shown |= as_sent(call.form)
        if resource == "Message" and not self.before:
            shown |= self._new_message()
        if resource == "Conversation":
            shown.setdefault("messaging_service_sid", call.store.account.messaging_service_sid)
        return shown

    @property
    def parents(self) -> dict[str, Any]:
        """The sids of the parents, which replies for the default service leave out."""
        made = {"chat_service_sid": self.home.service_sid}
        if self.conversation and self.change.resource != "Conversation":
            made["conversation_sid"] = self.conversation["sid"]
            made["messaging_service_sid"] = self.conversation["messaging_service_sid"]
        return made

    def _new_message(self) -> dict[str, Any]:
        store, form = self.call.store, self.call.form
        made: dict[str, Any] = {}
        if "ContentSid" in form:
            made["body"] = None  # it is rendered later
        try:
            conversation = store.conversations.get(self.home.service_sid, self.conversation["sid"])
            author = form.get("Author") or "system"
            made["participant_sid"] = store.participants.author_sid(conversation.id, author)
            if "MediaSid" in form:
                attachment = store.media.attachable(self.home.service_sid, form["MediaSid"])
                made["media"] = [msgspec.to_builtins(attachment)]
        except ApiError:
            pass  # the operation itself refuses it
        return made


def scene(call: Call, change: Change) -> Scene | None:
    """Return the scene of an operation; None if the objects that it needs do not exist."""
    home = call.home._replace(default=False)
    store, conversation_ref = call.store, call.names.get("conversation")
    try:
        conversation: dict[str, Any] = {}
        if conversation_ref is not None:
            found = store.conversations.get(home.service_sid, conversation_ref)
            conversation = wire.conversation(home, found)
        before = {} if change.verb == "Add" else decode(_FETCH[change.resource](call).body)
        subscribers = scoped(store, home.service_sid, conversation["sid"]) if conversation else []
        return Scene(call, change, home, conversation, before, subscribers, _makes_user(call, change, home))
    except ApiError:
        return None


def _makes_user(call: Call, change: Change, home: Home) -> bool:
    identity = call.form.get("Identity")
    if change.resource != "Participant" or change.verb != "Add" or not identity:
        return False
    try:
        call.store.users.get(home.service_sid, identity)
    except NotFound:
        return True
    return False
