"""Plan services and conversations: found or created, updated, and deleted only if this tool made them."""

from __future__ import annotations

from reconciler.canonical import canonical_attributes
from reconciler.model import Address, Conversation, RemoteConversation, RemoteService, Service, Unmanaged
from reconciler.plan.actions import Action, Reason, Verb
from reconciler.plan.diff import CONVERSATION, Digest, compare, digests, field_changes, reason_of
from reconciler.plan.draft import Draft, Scope
from reconciler.state.model import Binding, Bound, Unbound

_FIELDS = (
    "friendly_name",
    "unique_name",
    "attributes",
    "state",
    "messaging_service_sid",
    "timers_inactive",
    "timers_closed",
    "email_address",
    "email_name",
)


def conversation_values(desired: Conversation) -> dict[str, str]:
    """Return the fields that a conversation declares, its unique name included."""
    return {name: value for name in _FIELDS if (value := getattr(desired, name)) is not None}


def live_conversation_values(live: RemoteConversation) -> dict[str, str]:
    """Return the canonical texts of what a reply shows of a conversation."""
    return {
        "friendly_name": live.friendly_name or "",
        "unique_name": live.unique_name or "",
        "attributes": canonical_attributes(live.attributes or "{}"),
        "state": live.state,
        "messaging_service_sid": live.messaging_service_sid or "",
    }


def plan_service(draft: Draft, service: Service, live: RemoteService | None, binding: Binding | None) -> None:
    """Create the service if it is absent; otherwise remember which one it is."""
    if live is not None:
        if binding is None or binding.sid != live.sid:
            draft.records.append(Bound(service.name, Binding(sid=live.sid)))
        return
    fields = {"friendly_name": service.friendly_name or service.name}
    reason = Reason.MISSING_REMOTELY if binding is not None else Reason.NOT_IN_STATE
    draft.actions.append(
        Action(service.name, Verb.CREATE, reason, after=fields, send=fields, managed=tuple(fields))
    )


def plan_conversation(
    draft: Draft, scope: Scope, desired: Conversation, binding: Binding | None, service_sid: str
) -> None:
    """Create a desired conversation if it is absent, otherwise make it say what the manifest says."""
    live = scope.view.remote
    wanted = conversation_values(desired)
    if live is None:
        reason = Reason.MISSING_REMOTELY if binding is not None else Reason.NOT_IN_STATE
        draft.actions.append(
            Action(scope.address, Verb.CREATE, reason, after=wanted, send=wanted, managed=tuple(wanted))
        )
        return
    known = binding if binding is not None else Binding(sid=live.sid, service_sid=service_sid, imported=True)
    values = live_conversation_values(live)
    found = compare(CONVERSATION, wanted, values, known, scope.digest)
    if found.fields:
        before = {name: value for name, value in values.items() if name in wanted or name in known.sent}
        draft.actions.append(
            Action(
                scope.address,
                Verb.UPDATE,
                reason_of(found),
                sid=live.sid,
                before=before,
                after={**wanted, **found.fields},
                send=found.fields,
                managed=tuple(wanted),
                reset=found.reset,
                changes=field_changes(
                    {name: before[name] for name in found.fields if name in before}, found.fields
                ),
            )
        )
    elif binding is None or found.stale or binding.imported:
        draft.records.append(Bound(scope.address, _rebound(known, wanted, values, scope.digest)))


def warn_of_state(draft: Draft, scope: Scope, first: int) -> None:
    """Say what the conversation's own state means for the changes planned in it, from action *first* on."""
    live = scope.view.remote
    if live is None or live.state not in {"closed", "inactive"}:
        return
    verbs = [action.verb for action in draft.actions[first:] if action.verb in _REQUESTING]
    if live.state == "closed" and verbs:
        draft.refuse(
            "conversation_closed",
            f"`{scope.address}` ({live.sid}) is closed, which is final, but {len(verbs)} "
            f"change{'s are' if len(verbs) > 1 else ' is'} needed in it",
            "take the changes out of the manifest, or delete the conversation so that it is created again",
        )
    elif live.state == "inactive" and {Verb.CREATE, Verb.REPLACE}.intersection(verbs):
        draft.warn("revives", scope.address, f"{live.sid} is inactive: a new message makes it active again")


def plan_conversation_removal(draft: Draft, scope: Scope, binding: Binding, unmanaged: Unmanaged) -> bool:
    """Delete a conversation that this tool made and that holds nothing else; return whether it goes."""
    live = scope.view.remote
    if not binding.created or live is None:
        draft.records.append(Unbound(scope.address))
        return False
    ours = {item.sid for item in scope.bindings.values() if not item.released}
    ours.update(sid for item in scope.bindings.values() for sid in item.superseded)
    foreign = sum(sid not in ours for sid in scope.view.messages)
    if foreign and unmanaged is Unmanaged.KEEP:
        _keep(
            draft, scope.address, live.sid, f"holds {foreign} message{'s' if foreign > 1 else ''} of others"
        )
        return False
    reason = Reason.REQUESTED if scope.options.destroy else Reason.REMOVED_FROM_MANIFEST
    highest = max((message.index for message in scope.view.messages.values()), default=-1)
    before = live_conversation_values(live)
    draft.actions.append(
        Action(
            scope.address,
            Verb.DELETE,
            reason,
            sid=live.sid,
            index=highest,
            before={name: value for name, value in before.items() if name in binding.sent},
        )
    )
    return True


def plan_service_removal(
    draft: Draft,
    address: Address,
    binding: Binding,
    live: RemoteService | None,
    others: int,
    *,
    destroy: bool,
) -> None:
    """Delete a service that this tool made and that holds nothing but what is deleted too."""
    if not binding.created or live is None:
        draft.records.append(Unbound(address))
    elif others:
        _keep(draft, address, live.sid, f"holds {others} conversation{'s' if others > 1 else ''} that stay")
    else:
        reason = Reason.REQUESTED if destroy else Reason.REMOVED_FROM_MANIFEST
        before = {"friendly_name": live.friendly_name or ""}
        draft.actions.append(Action(address, Verb.DELETE, reason, sid=live.sid, before=before))


def _keep(draft: Draft, address: Address, sid: str, why: str) -> None:
    draft.warn("parent_kept", address, f"{sid} is kept and forgotten: it {why}")
    draft.actions.append(Action(address, Verb.FORGET, Reason.REMOVED_FROM_MANIFEST, sid=sid))


def _rebound(binding: Binding, wanted: dict[str, str], live: dict[str, str], digest: Digest) -> Binding:
    sent, observed = digests(CONVERSATION, wanted, live, digest)
    return Binding(
        sid=binding.sid,
        service_sid=binding.service_sid,
        sent=sent,
        observed=observed,
        created=binding.created,
    )


_REQUESTING = frozenset({Verb.CREATE, Verb.UPDATE, Verb.REPLACE, Verb.DELETE})
