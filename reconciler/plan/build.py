"""Decide the actions that turn what is remote into what is desired.

Nothing here reads a file or the network: everything needed is an argument, so that a plan can be
made again from a bug report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from reconciler.model import (
    Address,
    Conversation,
    ConversationView,
    Desired,
    Order,
    Remote,
    ResourceType,
    Unmanaged,
    parent_of,
    type_of,
)
from reconciler.plan.actions import Action, Parent, Plan, Verb
from reconciler.plan.draft import Draft, Options, Scope
from reconciler.plan.guard import guard
from reconciler.plan.messages import plan_messages, refuse_protected
from reconciler.plan.parents import (
    plan_conversation,
    plan_conversation_removal,
    plan_service,
    plan_service_removal,
    warn_of_state,
)
from reconciler.state.model import Binding, State

NOT_READ = ConversationView(remote=None)


def build_plan(
    desired: Desired,
    remote: Remote,
    state: State,
    options: Options = Options(),  # noqa: B008  # frozen
    claimed: Iterable[str] = (),
) -> Plan:
    """Return the ordered actions that turn *remote* into *desired*.

    Services and conversations come in manifest order, parents before what is in them; then what
    is no longer in the manifest, children before their parents. *claimed* are the sids of messages
    that open intents may have made: nobody's until they are settled.
    """
    draft = Draft()
    scopes = _scopes(desired, remote, state, options, frozenset(claimed))
    wanted = set() if options.destroy else _plan_desired(draft, desired, remote, state, scopes)
    _plan_removed(draft, desired, remote, state, scopes, wanted, destroy=options.destroy)
    sizes = {
        address: len(scope.view.messages.keys() | {binding.sid for binding in scope.bindings.values()})
        for address, scope in scopes.items()
    }
    guard(draft, options, sizes, sum(type_of(address) is ResourceType.MESSAGE for address in state.bindings))
    return Plan(
        actions=tuple(draft.actions),
        parents=_parents(desired, remote),
        warnings=tuple(draft.warnings),
        refusals=tuple(draft.refusals),
        records=tuple(draft.records),
        unordered=tuple(
            f"{service.name}/{conversation.name}"
            for service in desired.services
            for conversation in service.conversations
            if conversation.order is Order.ANY
        ),
        no_ops=draft.no_ops,
        lineage=state.lineage,
        serial=state.serial,
        manifest_digest=desired.digest,
        requests_read=remote.requests,
    )


def bindings_by_conversation(state: State) -> dict[Address, dict[Address, Binding]]:
    """Return the bindings of messages, grouped by the address of their conversation."""
    grouped: dict[Address, dict[Address, Binding]] = {}
    for address, binding in state.bindings.items():
        if address.count("/") == 2:  # noqa: PLR2004  # service/conversation/key
            grouped.setdefault(address.rpartition("/")[0], {})[address] = binding
    return grouped


def _scopes(
    desired: Desired, remote: Remote, state: State, options: Options, claimed: frozenset[str]
) -> dict[Address, Scope]:
    """Return every conversation that is desired or bound, the desired ones in manifest order."""
    grouped = bindings_by_conversation(state)
    declared: dict[Address, Conversation | None] = {
        f"{service.name}/{conversation.name}": conversation
        for service in desired.services
        for conversation in service.conversations
    }
    for address in sorted({*grouped, *_bound(state, ResourceType.CONVERSATION)}):
        declared.setdefault(address, None)
    return {
        address: Scope(
            address=address,
            desired=None if options.destroy else conversation,
            view=remote.conversations.get(address, NOT_READ),
            bindings=grouped.get(address, {}),
            claimed=claimed,
            digest=state.digest,
            options=options,
        )
        for address, conversation in declared.items()
    }


def _plan_desired(
    draft: Draft, desired: Desired, remote: Remote, state: State, scopes: Mapping[Address, Scope]
) -> set[Address]:
    wanted: set[Address] = set()
    for service in desired.services:
        wanted.add(service.name)
        live = remote.services.get(service.name)
        plan_service(draft, service, live, state.bindings.get(service.name))
        for conversation in service.conversations:
            address = f"{service.name}/{conversation.name}"
            wanted.add(address)
            scope = scopes[address]
            first = len(draft.actions)
            plan_conversation(
                draft, scope, conversation, state.bindings.get(address), live.sid if live else ""
            )
            plan_messages(draft, scope)
            warn_of_state(draft, scope, first)
            _warn_of_webhooks(draft, address, first)
    return wanted


def _plan_removed(
    draft: Draft,
    desired: Desired,
    remote: Remote,
    state: State,
    scopes: Mapping[Address, Scope],
    wanted: set[Address],
    *,
    destroy: bool,
) -> None:
    declared = {
        f"{service.name}/{conversation.name}": conversation
        for service in desired.services
        for conversation in service.conversations
    }
    staying: dict[Address, int] = {}
    for address, scope in scopes.items():
        if address in wanted:
            staying[parent_of(address)] = staying.get(parent_of(address), 0) + 1
            continue
        unmanaged = declared[address].unmanaged if address in declared else Unmanaged.KEEP
        first = len(draft.actions)
        plan_messages(draft, scope)
        binding = state.bindings.get(address)
        if address in declared:
            _refuse_protected(draft, declared[address], address, first)
        if binding is None:
            continue
        if plan_conversation_removal(draft, scope, binding, unmanaged):
            draft.actions[first:] = [_going_along(action) for action in draft.actions[first:]]
        elif scope.view.remote is not None:
            staying[parent_of(address)] = staying.get(parent_of(address), 0) + 1
            warn_of_state(draft, scope, first)
    for address in sorted(_bound(state, ResourceType.SERVICE)):
        if address not in wanted:
            others = staying.get(address, 0) + remote.others.get(address, 0)
            live = remote.services.get(address)
            plan_service_removal(draft, address, state.bindings[address], live, others, destroy=destroy)


def _going_along(action: Action) -> Action:
    """Mark a message that is lost with its conversation: it needs no request of its own."""
    if action.verb is Verb.DELETE and action.type is ResourceType.MESSAGE:
        return msgspec.structs.replace(action, with_parent=True)
    return action


def _refuse_protected(draft: Draft, conversation: Conversation, address: Address, first: int) -> None:
    protected = {f"{address}/{message.key}" for message in conversation.messages if message.prevent_destroy}
    for action in draft.actions[first:]:
        if action.verb is Verb.DELETE and action.address in protected:
            refuse_protected(draft, action.address, "destroyed")


def _warn_of_webhooks(draft: Draft, address: Address, first: int) -> None:
    count = sum(action.webhooks and bool(action.send) for action in draft.actions[first:])
    if count:
        draft.warn("webhooks_on", address, f"{count} of the changes call the service's webhooks")


def _parents(desired: Desired, remote: Remote) -> tuple[Parent, ...]:
    parents = []
    for service in desired.services:
        live = remote.services.get(service.name)
        parents.append(Parent(service.name, live.sid if live else None, found=live is not None))
        for conversation in service.conversations:
            address = f"{service.name}/{conversation.name}"
            seen = remote.conversations.get(address, NOT_READ).remote
            parents.append(Parent(address, seen.sid if seen else None, found=seen is not None))
    return tuple(parents)


def _bound(state: State, kind: ResourceType) -> list[Address]:
    return [address for address in state.bindings if type_of(address) is kind]
