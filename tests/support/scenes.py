"""Small scenes for the planner: what is desired, what is remote and what the state remembers.

One service `desk` with one conversation `desk/order`. A message is called by its key: `a` has the
text `text of a`, and in an applied scene it is bound to `IMa`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from reconciler.model import (
    Conversation,
    ConversationView,
    Desired,
    MediaFile,
    Message,
    Remote,
    RemoteConversation,
    RemoteMedia,
    RemoteMessage,
    RemoteService,
    Service,
)
from reconciler.model.canonical import canonical_json
from reconciler.planner.build import build_part
from reconciler.planner.join import join
from reconciler.plans.actions import Action, Verb
from reconciler.plans.options import Options
from reconciler.plans.part import Part
from reconciler.plans.plan import Plan
from reconciler.plans.redact import mark
from reconciler.resources.message import desired_values
from reconciler.state.model import State
from reconciler.state.remembered import Binding

SERVICE = "desk"
AT = "desk/order"
SERVICE_SID = "IS1"
CONVERSATION_SID = "CH1"
CREATED = "2026-01-05T09:00:00Z"
LATER = "2026-02-06T10:00:00Z"


class Scene(Struct, frozen=True):
    """The three sides of a plan."""

    desired: Desired
    remote: Remote
    state: State

    def plan(self, **options: Any) -> Plan:
        """Return the plan that these options make."""
        return join([self.part(**options)])

    def part(self, **options: Any) -> Part:
        """Return what the plan that these options make is joined from."""
        return build_part(self.desired, self.remote, self.state, Options(**options))

    def marked(self, **options: Any) -> Plan:
        """Return the plan that these options make, with its sensitive fields marked."""
        return join([mark(self.part(**options), self.desired, self.state)])

    @property
    def conversation(self) -> Conversation:
        """The conversation as the manifest has it."""
        return self.desired.services[0].conversations[0]

    @property
    def view(self) -> ConversationView:
        """The conversation as it was read."""
        return self.remote.conversations[AT]

    def declaring(self, *conversations: Conversation, **service: Any) -> Scene:
        """Return this scene with other conversations in the manifest, and other fields of the service."""
        changed = msgspec.structs.replace(self.desired.services[0], conversations=conversations, **service)
        return msgspec.structs.replace(self, desired=Desired((changed,), "sha256:0"))

    def wanting(self, *messages: Message, **fields: Any) -> Scene:
        """Return this scene with other messages in the manifest, and other fields of the conversation."""
        return self.declaring(msgspec.structs.replace(self.conversation, messages=messages, **fields))

    def wanting_nothing(self) -> Scene:
        """Return this scene with an empty manifest."""
        return msgspec.structs.replace(self, desired=Desired((), "sha256:1"))

    def showing(self, **fields: Any) -> Scene:
        """Return this scene with other fields of what was read of the conversation."""
        view = msgspec.structs.replace(self.view, **fields)
        return self.reading(conversations={**self.remote.conversations, AT: view})

    def reading(self, **fields: Any) -> Scene:
        """Return this scene with other fields of what was read."""
        return msgspec.structs.replace(self, remote=msgspec.structs.replace(self.remote, **fields))

    def being(self, **fields: Any) -> Scene:
        """Return this scene with other fields of the live conversation."""
        assert self.view.remote is not None
        return self.showing(remote=msgspec.structs.replace(self.view.remote, **fields))

    def edited(self, key: str, **fields: Any) -> Scene:
        """Return this scene with a live message changed behind the tool's back."""
        return self.edited_sid(f"IM{key}", **fields)

    def edited_sid(self, sid: str, **fields: Any) -> Scene:
        """Return this scene with the live message *sid* changed behind the tool's back."""
        messages = dict(self.view.messages)
        messages[sid] = msgspec.structs.replace(messages[sid], **fields)
        return self.showing(messages=messages)

    def without(self, *keys: str) -> Scene:
        """Return this scene with live messages deleted behind the tool's back."""
        gone = {f"IM{key}" for key in keys}
        return self.showing(messages={sid: m for sid, m in self.view.messages.items() if sid not in gone})

    def also(self, *strangers: RemoteMessage) -> Scene:
        """Return this scene with further live messages."""
        return self.showing(messages={**self.view.messages, **{one.sid: one for one in strangers}})

    def vanished(self) -> Scene:
        """Return this scene with the conversation deleted behind the tool's back."""
        return self.showing(remote=None, messages={})

    def remembering(self, address: str, **fields: Any) -> Scene:
        """Return this scene with other fields of a binding, which is made if it is not there."""
        bindings = dict(self.state.bindings)
        before = bindings.get(address, Binding(sid="", service_sid=SERVICE_SID))
        bindings[address] = msgspec.structs.replace(before, **fields)
        return self.knowing(bindings=bindings)

    def forgetting(self, *addresses: str) -> Scene:
        """Return this scene without these bindings."""
        return self.knowing(bindings={a: b for a, b in self.state.bindings.items() if a not in addresses})

    def knowing(self, **fields: Any) -> Scene:
        """Return this scene with other fields of the state."""
        return msgspec.structs.replace(self, state=msgspec.structs.replace(self.state, **fields))


def at(key: str) -> str:
    """Return the address of a message of the conversation."""
    return f"{AT}/{key}"


def message(key: str, /, **fields: Any) -> Message:
    """Return a desired message; attributes and variables are given as JSON values."""
    for name in ("attributes", "content_variables"):
        if name in fields:
            fields[name] = canonical_json(fields[name])
    if not fields.keys() & {"body", "media", "media_sid", "content_sid"}:
        fields["body"] = f"text of {key}"
    return Message(key=key, line=1, **fields)


def messages(*keys: str) -> list[Message]:
    """Return a plain message for each key."""
    return [message(key) for key in keys]


def photo(key: str, sha256: str = "0", **fields: Any) -> Message:
    """Return a desired message with a file."""
    file = MediaFile("/photos/car.jpg", sha256, 2048, "image/jpeg", "car.jpg")
    return message(key, media=sha256, file=file, **fields)


def live(sid: str, index: int, **fields: Any) -> RemoteMessage:
    """Return a live message as Twilio shows one that was made without saying more."""
    shown: dict[str, Any] = {
        "author": "system",
        "attributes": "{}",
        "date_created": CREATED,
        "conversation_sid": CONVERSATION_SID,
    }
    return RemoteMessage(sid=sid, index=index, **{**shown, **fields})


def live_of(wanted: Message, sid: str, index: int) -> RemoteMessage:
    """Return what a create of *wanted* leaves."""
    fields = {
        name: value
        for name, value in desired_values(wanted).items()
        if name not in {"media", "media_sid", "subject", "content_variables"}
    }
    if wanted.content_sid is not None:
        fields["body"] = "rendered by the server"
    media = None
    if wanted.file is not None:
        media = (RemoteMedia(f"ME{sid}", wanted.file.size, wanted.file.content_type, wanted.file.filename),)
    elif wanted.media_sid is not None:
        media = (RemoteMedia(wanted.media_sid),)
    return live(sid, index, **fields, media=media)


def empty(*wanted: Message, **conversation: Any) -> Scene:
    """Return a scene in which nothing of what is wanted exists yet, neither service nor conversation."""
    one = Conversation(
        name="order",
        path="m.yaml",
        line=3,
        messages=wanted,
        **{"unique_name": "order", "friendly_name": "Order", **conversation},
    )
    service = Service(name=SERVICE, path="m.yaml", line=2, friendly_name=SERVICE, conversations=(one,))
    return Scene(
        desired=Desired((service,), "sha256:0"),
        remote=Remote(services={SERVICE: None}, conversations={AT: ConversationView(remote=None)}),
        state=State(lineage="0" * 32, account_sid="AC1", origin="emulator:1"),
    )


def found(*wanted: Message, **conversation: Any) -> Scene:
    """Return a scene with an empty conversation that was there before, and nothing bound."""
    return empty(*wanted, **conversation).reading(
        services={SERVICE: RemoteService(SERVICE_SID, SERVICE)},
        conversations={
            AT: ConversationView(RemoteConversation(CONVERSATION_SID, "order", friendly_name="Order"))
        },
    )


def applied(*wanted: Message, **conversation: Any) -> Scene:
    """Return a scene in which *wanted* was applied by this tool and nothing has changed since."""
    scene = found(*wanted, **conversation)
    digest = scene.state.digest
    sent = {name: digest(name, "order" if name == "unique_name" else "Order") for name in _NAMES}
    scene = scene.remembering(SERVICE, sid=SERVICE_SID, service_sid="", created=True)
    scene = scene.remembering(AT, sid=CONVERSATION_SID, created=True, sent=sent)
    scene = scene.also(*(live_of(one, f"IM{one.key}", index) for index, one in enumerate(wanted)))
    return scene.knowing(
        bindings={
            **scene.state.bindings,
            **{at(one.key): bound(scene, one, f"IM{one.key}", index) for index, one in enumerate(wanted)},
        }
    )


def bound(scene: Scene, wanted: Message, sid: str, index: int) -> Binding:
    """Return what the state remembers of *wanted* once it was created."""
    return Binding(
        sid=sid,
        service_sid=SERVICE_SID,
        conversation_sid=CONVERSATION_SID,
        index=index,
        sent={name: scene.state.digest(name, value) for name, value in desired_values(wanted).items()},
    )


def only(plan: Plan) -> Action:
    """Return the one action of a plan that has no other."""
    (action,) = plan.actions
    return action


def steps(plan: Plan) -> list[tuple[str, str]]:
    """Return key (or address) and verb of every action."""
    return [(action.address.removeprefix(f"{AT}/"), action.verb.value) for action in plan.actions]


def keys_of(plan: Plan, verb: Verb) -> list[str]:
    """Return the keys of the actions that do *verb*."""
    return [action.address.removeprefix(f"{AT}/") for action in plan.actions if action.verb is verb]


def codes(items: Iterable[Any]) -> list[str]:
    """Return the codes of warnings or refusals."""
    return [item.code for item in items]


_NAMES = ("friendly_name", "unique_name")
