"""Plan a conversation itself: created or updated, and deleted only if this tool created it."""

from __future__ import annotations

from typing import Final

import msgspec

from reconciler.model import Conversation, ResourceType, Unmanaged
from reconciler.planner.changes import field_changes
from reconciler.planner.compare import compare
from reconciler.planner.draft import Draft, Scope
from reconciler.planner.message_actions import deletion
from reconciler.planner.notices import warn_about
from reconciler.planner.participants import others_in
from reconciler.planner.services import KEPT, creation, removal_reason
from reconciler.plans.actions import POSTING, Action, Reason, Verb
from reconciler.resources.binding import existing, up_to_date
from reconciler.resources.conversation import (
    CONVERSATION,
    conversation_values,
    live_conversation_values,
    seen_conversation_values,
)
from reconciler.resources.participant import live_participant_values
from reconciler.state.remembered import Binding
from reconciler.text.words import plural

ACTIVE: Final = "active"
"""The state of a new conversation."""


def create_or_update(draft: Draft, scope: Scope, desired: Conversation) -> None:
    """Create the conversation if it is absent, otherwise update the fields that differ from *desired*."""
    live, binding = scope.view.remote, scope.binding
    wanted = conversation_values(desired)
    if live is None:
        action = creation(scope.address, wanted, binding)
        draft.actions.append(msgspec.structs.replace(action, anchor=desired.anchor))
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


def put_back(draft: Draft, scope: Scope) -> None:
    """Make an inactive conversation inactive again after *draft*, which posts in it and so activates it."""
    live, desired = scope.view.remote, scope.desired
    if live is None or desired is None or desired.state != "inactive" or not scope.selects(scope.address):
        return
    posts = any(action.type is ResourceType.MESSAGE and action.verb in POSTING for action in draft.actions)
    own = [at for at, action in enumerate(draft.actions) if action.address == scope.address]
    if not posts or any("state" in draft.actions[at].send for at in own):
        return
    wanted, state = conversation_values(desired), {"state": desired.state}
    if not own:
        own = [0]
        reason = Reason.CHANGED_IN_MANIFEST
        draft.actions.insert(
            0, Action(scope.address, Verb.UPDATE, reason, sid=live.sid, after=wanted, managed=tuple(wanted))
        )
    action = draft.actions[own[0]]
    draft.actions[own[0]] = msgspec.structs.replace(
        action,
        before=action.before | {"state": ACTIVE},
        send=action.send | state,
        changes=(*action.changes, *field_changes({"state": ACTIVE}, state)),
    )


def remove(draft: Draft, scope: Scope, binding: Binding) -> bool:
    """Forget a conversation, and delete it if this tool created it and all in it is managed or may go.

    Return whether it is deleted.
    """
    unmanaged = scope.declared.unmanaged if scope.declared is not None else Unmanaged.KEEP
    live = scope.view.remote
    if live is None or not binding.created:
        if live is not None:
            draft.warn("parent_kept", scope.address, KEPT.format(sid=live.sid))
        draft.bindings[scope.address] = None
        return False
    managed = {item.sid for item in scope.bindings.values() if not item.released}
    managed.update(sid for item in scope.bindings.values() for sid in item.superseded)
    spared = {item.sid for item in scope.bindings.values() if item.released}
    others = scope.view.messages.keys() - managed
    guests = others_in(scope.view, scope.participants)
    reason = removal_reason(destroy=scope.options.destroy)
    values = live_conversation_values(live)
    before = {name: value for name, value in values.items() if name in binding.sent}
    if not scope.view.complete or others & spared or ((others or guests) and unmanaged is Unmanaged.KEEP):
        counts = {"message": len(others), "participant": len(guests)}
        held = " and ".join(plural(count, noun) for noun, count in counts.items() if count)
        why = f"holds {held} of others" if held else "was not read as a whole"
        draft.warn("parent_kept", scope.address, f"{live.sid} is kept and forgotten: it {why}")
        draft.actions.append(Action(scope.address, Verb.FORGET, reason, sid=live.sid, before=before))
        return False
    strangers = sorted((scope.view.messages[sid] for sid in others), key=lambda message: message.index)
    draft.actions += [deletion(f"{scope.address}/{one.sid}", one, Reason.UNMANAGED) for one in strangers]
    draft.actions += [
        Action(
            f"{scope.address}/participants/{one.sid}",
            Verb.DELETE,
            Reason.UNMANAGED,
            sid=one.sid,
            before=live_participant_values(one),
        )
        for one in guests
    ]
    draft.actions.append(
        Action(
            scope.address,
            Verb.DELETE,
            reason,
            sid=live.sid,
            index=max((message.index for message in scope.view.messages.values()), default=-1),
            before=before,
        )
    )
    return True
