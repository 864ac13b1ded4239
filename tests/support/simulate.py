"""What apply does to remote and state, without requests: the other half of the planner's laws.

The server of this scene numbers messages, adds what was not sent, and lets a webhook rewrite the
body of what was sent with webhooks on.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

import msgspec

from reconciler.model import (
    Address,
    ConversationView,
    RemoteConversation,
    RemoteMedia,
    RemoteMessage,
    RemoteService,
    ResourceType,
    parent_of,
)
from reconciler.plans.actions import Action, Verb
from reconciler.plans.plan import Plan
from reconciler.resources.conversation import CONVERSATION, live_conversation_values
from reconciler.resources.message import MESSAGE, live_values
from reconciler.resources.schema import digests
from reconciler.state.model import State, Unbound
from reconciler.state.remembered import Binding
from tests.support.scenes import Scene

NOW = "2026-06-01T12:00:00Z"
EDITED = "2026-06-01T13:00:00Z"
_STEPS = {Verb.FORGET: 0, Verb.ADOPT: 1, Verb.CREATE: 2, Verb.REPLACE: 2, Verb.UPDATE: 3}
"""What comes first; creates and replacements of a conversation go in the order of the plan."""


def simulate(plan: Plan, scene: Scene) -> Scene:
    """Return the scene after *plan* was applied to it without any trouble."""
    return _Server(plan, scene).run()


class _Server:
    """The scene while it is changed; *requests* counts messages created and deleted."""

    def __init__(self, plan: Plan, scene: Scene) -> None:
        self.plan = plan
        self.scene = scene
        self.state: State = msgspec.structs.replace(
            scene.state, bindings=dict(scene.state.bindings), serial=scene.state.serial + 1
        )
        self.services = dict(scene.remote.services)
        self.views = {
            address: msgspec.structs.replace(view, messages=dict(view.messages))
            for address, view in scene.remote.conversations.items()
        }
        self.numbers = count(1)

    def run(self) -> Scene:
        """Carry everything out in an order in which apply could."""
        last = [record for record in self.plan.records if isinstance(record, Unbound)]
        for record in self.plan.records:
            self.state.apply(record)  # what is let go of goes at the end
        self.state.bindings |= {one.address: self.scene.state.bindings[one.address] for one in last}
        for action in self.plan.actions:
            if action.previous_address is not None:
                self.state.bindings[action.address] = self.state.bindings.pop(action.previous_address)
        changes = [action for action in self.plan.actions if action.verb in _STEPS]
        for action in sorted(changes, key=lambda action: _STEPS[action.verb]):
            self._do(action)
        for action in self.plan.actions:
            if action.verb in {Verb.DELETE, Verb.REPLACE}:
                self._delete(action)
        for record in last:
            self.state.apply(record)
        return msgspec.structs.replace(
            self.scene,
            remote=msgspec.structs.replace(
                self.scene.remote, services=self.services, conversations=self.views
            ),
            state=self.state,
        )

    def _do(self, action: Action) -> None:
        if action.verb is Verb.FORGET:
            del self.state.bindings[action.address]
        elif action.type is ResourceType.SERVICE:
            service = RemoteService(f"IS-{next(self.numbers)}", action.send["friendly_name"])
            self.services[action.address] = service
            self.state.bindings[action.address] = Binding(service.sid, created=True)
        elif action.type is ResourceType.CONVERSATION:
            self._write_conversation(action)
        elif action.verb is Verb.ADOPT:
            fields = {name: action.after[name] for name in action.managed}
            messages = self.views[parent_of(action.address)].messages
            before = self.state.bindings.get(action.address, Binding(""))
            binding = Binding(action.sid or "", index=action.index, superseded=before.superseded)
            self._bind(action, binding, fields, live_values(messages[binding.sid]))
        elif action.verb is Verb.UPDATE:
            self._update(action)
        else:
            self._post(action)

    def _write_conversation(self, action: Action) -> None:
        view = self.views.get(action.address, ConversationView(None))
        live = view.remote or RemoteConversation(f"CH-{next(self.numbers)}")
        live = msgspec.structs.replace(
            live, **{name: value for name, value in action.send.items() if hasattr(live, name)}
        )
        self.views[action.address] = msgspec.structs.replace(view, remote=live)
        before = self.state.bindings.get(action.address)
        if action.verb is Verb.CREATE or before is None:
            service_sid = self.state.bindings[parent_of(action.address)].sid
            before = Binding(live.sid, service_sid=service_sid, created=action.verb is Verb.CREATE)
        managed = {name: action.after[name] for name in action.managed}
        sent, observed = digests(CONVERSATION, managed, live_conversation_values(live), self.state.digest)
        self.state.bindings[action.address] = msgspec.structs.replace(
            before, sent=sent, observed=observed, imported=False
        )

    def _post(self, action: Action) -> None:
        address = parent_of(action.address)
        messages = self.views[address].messages
        known = [one.index for one in messages.values()]
        known += [one.index for name, one in self.state.bindings.items() if name.startswith(f"{address}/")]
        index = max(known, default=-1) + 1
        live = RemoteMessage(
            sid=f"IM-{action.address.rpartition('/')[2]}-{index}",
            index=index,
            conversation_sid=self.state.bindings[address].sid,
            author="system",
            attributes="{}",
            date_created=NOW,
        )
        live = self._written(live, action, action.send)
        messages[live.sid] = live
        before = self.state.bindings.get(action.address)
        superseded: tuple[str, ...] = ()
        if before is not None and before.conversation_sid == live.conversation_sid:
            superseded = (*before.superseded, *([before.sid] if before.sid in messages else []))
        managed = {name: action.after[name] for name in action.managed}
        binding = Binding(live.sid, index=live.index, superseded=superseded)
        self._bind(action, binding, managed, live_values(live))

    def _update(self, action: Action) -> None:
        messages = self.views[parent_of(action.address)].messages
        live = self._written(messages[action.sid or ""], action, {"date_updated": EDITED, **action.send})
        messages[live.sid] = live
        managed = {name: action.after[name] for name in action.managed}
        self._bind(action, self.state.bindings[action.address], managed, live_values(live))

    def _written(self, live: RemoteMessage, action: Action, send: Mapping[str, str]) -> RemoteMessage:
        assert send.get("body") != "", "a request never sends an empty body"
        fields: dict[str, object] = {
            name: value
            for name, value in send.items()
            if name not in {"media", "media_sid", "subject", "content_variables"}
        }
        if "content_sid" in send:
            fields["body"] = f"rendered {send['content_sid']} {send.get('content_variables')}"
        elif "body" in send and action.webhooks:
            fields["body"] = f"{send['body']} (seen by a webhook)"
        if action.file is not None and "media" in send:
            file = action.file
            sid = f"ME-{next(self.numbers)}"
            fields["media"] = (RemoteMedia(sid, file.size, file.content_type, file.filename),)
        elif "media_sid" in send:
            fields["media"] = (RemoteMedia(send["media_sid"]),)
        return msgspec.structs.replace(live, **fields)

    def _bind(
        self, action: Action, binding: Binding, managed: Mapping[str, str], live: Mapping[str, str]
    ) -> None:
        conversation = self.state.bindings[parent_of(action.address)]
        sent, observed = digests(MESSAGE, managed, live, self.state.digest, ignored=action.ignored)
        self.state.bindings[action.address] = msgspec.structs.replace(
            binding,
            service_sid=conversation.service_sid,
            conversation_sid=conversation.sid,
            sent=sent,
            observed=observed,
            imported=False,
            released=False,
        )

    def _delete(self, action: Action) -> None:
        address, bindings = action.address, self.state.bindings
        if action.type is ResourceType.SERVICE:
            self.services[address] = None
            del bindings[address]
        elif action.type is ResourceType.CONVERSATION:
            self.views[address] = ConversationView(remote=None)
            self.state.bindings = {
                name: one for name, one in bindings.items() if not f"{name}/".startswith(f"{address}/")
            }
        elif not action.with_parent:
            self._delete_message(address, action.sid or "")

    def _delete_message(self, address: Address, sid: str) -> None:
        del self.views[parent_of(address)].messages[sid]
        binding = self.state.bindings.get(address)
        if binding is not None and sid in binding.superseded:
            left = tuple(one for one in binding.superseded if one != sid)
            self.state.bindings[address] = msgspec.structs.replace(binding, superseded=left)
        elif binding is not None and binding.sid == sid:
            del self.state.bindings[address]
