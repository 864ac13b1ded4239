"""Plan services and conversations: found or created, updated, and deleted only if this tool made them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from reconciler.model import (
    Address,
    Conversation,
    RemoteService,
    ResourceType,
    Service,
    Unmanaged,
)
from reconciler.planner.changes import field_changes
from reconciler.planner.compare import compare
from reconciler.planner.draft import Draft, Scope
from reconciler.planner.message import deletion
from reconciler.planner.notices import warn_about
from reconciler.planner.participants import others_in
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.resources.binding import existing, up_to_date
from reconciler.resources.conversation import (
    CONVERSATION,
    conversation_values,
    live_conversation_values,
    seen_conversation_values,
)
from reconciler.state.model import Binding
from reconciler.text.words import plural

ACTIVE = "active"
"""The state of a new conversation."""


_FOUND = "{sid} is kept and forgotten: this tool did not create it"


def plan_service(draft: Draft, service: Service, live: RemoteService | None, binding: Binding | None) -> None:
    """Create the service if it is absent; otherwise remember which one it is."""
    if live is None:
        fields = {"friendly_name": service.friendly_name or service.name}
        draft.actions.append(_creation(service.name, fields, binding))
        return
    if binding is None:
        draft.bindings[service.name] = Binding(sid=live.sid)
    if service.friendly_name is not None and service.friendly_name != live.friendly_name:
        draft.warn(
            "service_name",
            service.name,
            f"{live.sid} has another friendly name, and the API cannot rename a service",
        )


def plan_conversation(draft: Draft, scope: Scope, desired: Conversation, binding: Binding | None) -> None:
    """Create a desired conversation if it is absent, otherwise make it say what the manifest says."""
    live = scope.view.remote
    wanted = conversation_values(desired)
    if live is None:
        creation = _creation(scope.address, wanted, binding)
        draft.actions.append(msgspec.structs.replace(creation, anchor=desired.anchor))
        return
    if binding is None:
        binding = existing(live.sid, service_sid=scope.service_sid)
        draft.bindings[scope.address] = binding
    if binding.anchor != desired.anchor:
        binding = msgspec.structs.replace(binding, anchor=desired.anchor)
        draft.bindings[scope.address] = binding
    if not scope.selects(scope.address):
        return
    values = seen_conversation_values(scope.view, wanted, binding, scope.digest, scope.read_at)
    untouched = scope.untouched(CONVERSATION) | ({"state": ACTIVE} if scope.reset else {})
    found = compare(CONVERSATION, wanted, values, binding, scope.digest, untouched=untouched)
    warn_about(draft, scope.address, found)
    if found.fields:
        draft.actions.append(
            Action(
                scope.address,
                Verb.UPDATE,
                found.reason,
                sid=live.sid,
                before={
                    n: text
                    for n, text in values.items()
                    if n in wanted or n in binding.sent or n in found.fields
                },
                after=wanted | found.fields,
                send=found.fields,
                managed=tuple(wanted),
                reset=found.reset,
                changes=field_changes({n: values[n] for n in found.fields if n in values}, found.fields),
            )
        )
        return
    now = up_to_date(CONVERSATION, binding, wanted, values, scope.digest, sensitive=desired.sensitive)
    if now != binding:
        draft.bindings[scope.address] = now


def put_back(draft: Draft, scope: Scope, first: int) -> None:
    """Let a conversation that is to be inactive be so again after the messages planned from *first* on."""
    live, desired = scope.view.remote, scope.desired
    if live is None or desired is None or desired.state != "inactive" or not scope.selects(scope.address):
        return
    own = [at for at, action in enumerate(draft.actions) if action.address == scope.address]
    posts = any(
        action.type is ResourceType.MESSAGE and action.verb in {Verb.CREATE, Verb.REPLACE}
        for action in draft.actions[first:]
    )
    if not posts or any("state" in draft.actions[at].send for at in own):
        return
    wanted, state = conversation_values(desired), {"state": desired.state}
    if not own:
        own = [first]
        reason = Reason.CHANGED_IN_MANIFEST
        draft.actions.insert(
            first,
            Action(scope.address, Verb.UPDATE, reason, sid=live.sid, after=wanted, managed=tuple(wanted)),
        )
    action = draft.actions[own[0]]
    draft.actions[own[0]] = msgspec.structs.replace(
        action,
        before=action.before | {"state": "active"},
        send=action.send | state,
        changes=(*action.changes, *field_changes({"state": "active"}, state)),
    )


def plan_conversation_removal(
    draft: Draft, scope: Scope, binding: Binding, unmanaged: Unmanaged, people: Mapping[Address, Binding]
) -> bool:
    """Let go of a conversation, and delete it if this tool made it and nothing and nobody in it stays.

    *people* are its participants that are bound. Return whether it is deleted.
    """
    live = scope.view.remote
    if live is None or not binding.created:
        if live is not None:
            draft.warn("parent_kept", scope.address, _FOUND.format(sid=live.sid))
        draft.bindings[scope.address] = None
        return False
    managed = {item.sid for item in scope.bindings.values() if not item.released}
    managed.update(sid for item in scope.bindings.values() for sid in item.superseded)
    spared = {item.sid for item in scope.bindings.values() if item.released}
    others = scope.view.messages.keys() - managed
    guests = others_in(scope.view, people)
    reason = _reason(destroy=scope.options.destroy)
    if not scope.view.complete or others & spared or ((others or guests) and unmanaged is Unmanaged.KEEP):
        counts = {"message": len(others), "participant": len(guests)}
        held = " and ".join(plural(count, noun) for noun, count in counts.items() if count)
        why = f"holds {held} of others" if held else "was not read as a whole"
        draft.warn("parent_kept", scope.address, f"{live.sid} is kept and forgotten: it {why}")
        draft.actions.append(Action(scope.address, Verb.FORGET, reason, sid=live.sid))
        return False
    strangers = sorted((scope.view.messages[sid] for sid in others), key=lambda message: message.index)
    draft.actions += [deletion(f"{scope.address}/{one.sid}", one, Reason.UNMANAGED) for one in strangers]
    draft.actions += [
        Action(f"{scope.address}/participants/{one.sid}", Verb.DELETE, Reason.UNMANAGED, sid=one.sid)
        for one in guests
    ]
    values = live_conversation_values(live)
    draft.actions.append(
        Action(
            scope.address,
            Verb.DELETE,
            reason,
            sid=live.sid,
            index=max((message.index for message in scope.view.messages.values()), default=-1),
            before={name: value for name, value in values.items() if name in binding.sent},
        )
    )
    return True


def plan_service_removal(
    draft: Draft,
    address: Address,
    binding: Binding,
    live: RemoteService | None,
    remaining: int,
    *,
    destroy: bool,
) -> None:
    """Let go of a service, and delete it if this tool made it and none of its conversations stays."""
    if live is None or not binding.created:
        if live is not None:
            draft.warn("parent_kept", address, _FOUND.format(sid=live.sid))
        draft.bindings[address] = None
        return
    verb, before = Verb.DELETE, {"friendly_name": live.friendly_name or ""}
    if remaining:
        held = f"holds {plural(remaining, 'conversation')} that {'stay' if remaining > 1 else 'stays'}"
        draft.warn("parent_kept", address, f"{live.sid} is kept and forgotten: it {held}")
        verb, before = Verb.FORGET, {}
    draft.actions.append(Action(address, verb, _reason(destroy=destroy), sid=live.sid, before=before))


def _creation(address: Address, fields: dict[str, str], binding: Binding | None) -> Action:
    reason = Reason.NOT_IN_STATE if binding is None else Reason.MISSING_REMOTELY
    return Action(address, Verb.CREATE, reason, after=fields, send=fields, managed=tuple(fields))


def _reason(*, destroy: bool) -> Reason:
    return Reason.REQUESTED if destroy else Reason.REMOVED_FROM_MANIFEST
