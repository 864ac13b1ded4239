"""Plan services: found or created, and deleted only if this tool created them."""

from __future__ import annotations

from typing import Final

from reconciler.model import Address, Remote, RemoteService, Service
from reconciler.planner.draft import Draft
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.part import Removal
from reconciler.state.remembered import Binding
from reconciler.text.words import plural

KEPT: Final = "{sid} is kept and forgotten: this tool did not create it"
"""The warning about a service or conversation that is no longer declared."""


def plan_service(draft: Draft, service: Service, live: RemoteService | None, binding: Binding | None) -> None:
    """Create the service if it is absent; otherwise remember which one it is."""
    if live is None:
        fields = {"friendly_name": service.friendly_name or service.name}
        draft.actions.append(creation(service.name, fields, binding))
        return
    if binding is None:
        draft.bindings[service.name] = Binding(sid=live.sid)
    if service.friendly_name is not None and service.friendly_name != live.friendly_name:
        draft.warn(
            "service_name",
            service.name,
            f"{live.sid} has another friendly name, and the API cannot rename a service",
        )


def removal_of(address: Address, binding: Binding, live: RemoteService | None, remote: Remote) -> Removal:
    """Return what decides about a service that is to be removed."""
    listed = remote.listed.get(address, 0)
    return Removal(binding, live, listed, known=listed - remote.others.get(address, 0))


def plan_service_removal(
    draft: Draft, address: Address, removal: Removal, remaining: int, *, destroy: bool
) -> None:
    """Let go of a service, and delete it if this tool made it and none of its conversations stays."""
    binding, live = removal.binding, removal.live
    if live is None or not binding.created:
        if live is not None:
            draft.warn("parent_kept", address, KEPT.format(sid=live.sid))
        draft.bindings[address] = None
        return
    verb, before = Verb.DELETE, {"friendly_name": live.friendly_name or ""}
    if remaining:
        held = f"holds {plural(remaining, 'conversation')} that {'stay' if remaining > 1 else 'stays'}"
        draft.warn("parent_kept", address, f"{live.sid} is kept and forgotten: it {held}")
        verb = Verb.FORGET
    draft.actions.append(Action(address, verb, removal_reason(destroy=destroy), sid=live.sid, before=before))


def creation(address: Address, fields: dict[str, str], binding: Binding | None) -> Action:
    """Return the action that creates a service or conversation with these *fields*."""
    reason = Reason.NOT_IN_STATE if binding is None else Reason.MISSING_REMOTELY
    return Action(address, Verb.CREATE, reason, after=fields, send=fields, managed=tuple(fields))


def removal_reason(*, destroy: bool) -> Reason:
    """Return why something is removed: `destroy` asks for it, or no manifest has it any more."""
    return Reason.REQUESTED if destroy else Reason.REMOVED_FROM_MANIFEST
