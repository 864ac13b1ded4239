"""Plan a conversation with everything in it: the conversation itself, its participants, its messages."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from reconciler.model import Conversation, RemoteConversation, ResourceType
from reconciler.planner.conversation import create_or_update, put_back, remove
from reconciler.planner.draft import Draft, Scope
from reconciler.planner.message import refuse_protected
from reconciler.planner.messages import plan_messages
from reconciler.planner.notices import REQUESTING, judge_state, warn_of_consequences, warn_of_no_reset
from reconciler.planner.participants import plan_participants
from reconciler.planner.renames import find_renames
from reconciler.planner.reset import CLOSED, GONE, make_anew
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.state.remembered import Binding
from reconciler.text.words import plural


class Planned(Struct, frozen=True):
    """The part of a plan for one conversation."""

    draft: Draft
    is_anew: bool = False
    """Whether the conversation is deleted and created, so that nothing that was seen in it will be there."""
    remains: bool = True
    """Whether the conversation exists afterwards."""


def plan_conversation(scope: Scope) -> Planned:
    """Plan what the manifests want of a conversation, or its removal."""
    desired, live = scope.desired, scope.view.remote
    if desired is None:
        return _plan_removal(scope)
    if live is not None and _is_made_anew(scope, desired, live):
        draft, is_anew = make_anew(scope, desired, live), True
        scope = msgspec.structs.replace(scope, view=GONE)
    else:
        draft, is_anew = _plan_inside(scope, desired), False
        if scope.options.reset and live is not None and not scope.reset:
            warn_of_no_reset(draft, scope, whole=scope.is_whole)
    judge_state(draft, scope)
    warn_of_consequences(draft, scope)
    return Planned(draft, is_anew)


def _plan_inside(scope: Scope, desired: Conversation) -> Draft:
    draft = Draft()
    create_or_update(draft, scope, desired)
    leaving = plan_participants(draft, scope)
    plan_messages(draft, scope)
    draft.actions += leaving
    put_back(draft, scope)
    return draft


def _is_made_anew(scope: Scope, desired: Conversation, live: RemoteConversation) -> bool:
    """Return whether a conversation is deleted and created: asked for, or closed and to be reset."""
    if scope.address in scope.options.replace:
        return scope.is_whole
    if not scope.options.reset or live.state != CLOSED or not scope.is_whole:
        return False
    return desired.state != CLOSED or not REQUESTING.isdisjoint(_plan_inside(scope, desired).verbs)


def _plan_removal(scope: Scope) -> Planned:
    draft = Draft()
    if scope.is_touched and _remove(draft, scope):
        draft.actions = [_with_parent(action) for action in draft.actions]
        draft.warnings = [one for one in draft.warnings if one.code != "kept"]
        return Planned(draft, remains=False)
    if scope.view.remote is not None:
        judge_state(draft, scope)
    return Planned(draft, remains=scope.view.remote is not None)


def _remove(draft: Draft, scope: Scope) -> bool:
    """Plan the removal of what is bound; return whether the conversation is deleted."""
    plan_messages(draft, scope)
    draft.actions += plan_participants(draft, scope)
    if scope.declared is not None:
        _refuse_protected(draft, scope, scope.declared)
    if scope.binding is None:
        live = scope.view.remote
        if live is not None and scope.bindings:  # the deletions in it need its sid
            draft.bindings[scope.address] = Binding(sid=live.sid, service_sid=scope.service_sid)
        return False
    return scope.selects_all_bound and remove(draft, scope, scope.binding)


def plan_unread(scope: Scope) -> Planned:
    """Warn that a conversation is not bound, and so was not read, although messages of it are."""
    draft = Draft()
    count = sum(not binding.released for binding in scope.bindings.values())
    if count and scope.is_touched:
        text = f"{plural(count, 'message')} of it are bound but it is not, so they were not looked at"
        draft.warn("not_looked_at", scope.address, text)
    return Planned(draft, remains=False)


def _refuse_protected(draft: Draft, scope: Scope, declared: Conversation) -> None:
    """Refuse what `destroy` would delete although `prevent_destroy` protects it, renamed keys included."""
    messages = {f"{scope.address}/{message.key}": message for message in declared.messages}
    gone = [address for address in scope.bindings if address not in messages]
    renamed = find_renames(Draft(), scope, messages, gone)
    protected = {
        renamed.get(address, address) for address, message in messages.items() if message.prevent_destroy
    }
    for action in draft.actions:
        if action.reason is Reason.REQUESTED and action.address in protected:
            refuse_protected(draft, action.address, "destroyed")


def _with_parent(action: Action) -> Action:
    """Mark what is deleted with its conversation: it needs no request of its own."""
    if action.verb is Verb.DELETE and action.type is not ResourceType.CONVERSATION:
        return msgspec.structs.replace(action, with_parent=True)
    return action
