"""Decide the actions that turn what is remote into what is desired.

Nothing here reads a file or the network: everything needed is an argument, so that a plan can be
made again from a bug report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from reconciler.model import (
    Address,
    Conversation,
    ConversationView,
    Desired,
    Order,
    Remote,
    RemoteConversation,
    ResourceType,
    Service,
    Unmanaged,
    parent_of,
    type_of,
)
from reconciler.planner.conversations import (
    plan_conversation,
    plan_conversation_removal,
    plan_service,
    plan_service_removal,
    put_back,
)
from reconciler.planner.draft import Draft, Scope
from reconciler.planner.guard import guard
from reconciler.planner.message import refuse_protected
from reconciler.planner.messages import plan_messages
from reconciler.planner.notices import (
    REQUESTING,
    judge_state,
    warn_of_consequences,
    warn_of_ended,
    warn_of_no_reset,
)
from reconciler.planner.participants import plan_participants
from reconciler.planner.parts import warn_of_misses, warn_of_parts
from reconciler.planner.renames import find_renames
from reconciler.planner.reset import CLOSED, make_anew
from reconciler.plans.actions import Action, Reason, Verb, posting
from reconciler.plans.options import Options
from reconciler.plans.plan import Parent, Plan
from reconciler.plans.selection import Selection
from reconciler.state.index import BindingIndex, index_bindings
from reconciler.state.model import Binding, State
from reconciler.text.suggestions import few_suggestions
from reconciler.text.words import plural

_ABSENT = ConversationView(remote=None)


def build_plan(
    desired: Desired,
    remote: Remote,
    state: State,
    options: Options = Options(),  # noqa: B008  # frozen
    *,
    bound: BindingIndex | None = None,
) -> Plan:
    """Return the ordered actions that turn *remote* into *desired*.

    *bound* are the bindings of *state*, if they are indexed already.

    Services and conversations come in manifest order, parents before what is in them; then what
    is no longer in the manifest, children before their parents. Open intents of *state* are those
    that could not be settled.
    """
    bound = index_bindings(state) if bound is None else bound
    with few_suggestions():
        return _Planner(desired, remote, state, options, bound).plan()


class _Planner:
    """One plan in the making."""

    def __init__(
        self, desired: Desired, remote: Remote, state: State, options: Options, bound: BindingIndex
    ) -> None:
        self.desired = desired
        self.remote = remote
        self.state = state
        self.options = options
        self.draft = Draft()
        self.selection = (
            Selection(options.targets, options.excludes) if options.targets or options.excludes else None
        )
        self.declared = dict(_conversations(desired))
        self.bound = bound
        self.partly_selected = set(_parents_of_excluded(state, self.selection))
        """Parents of which a part is none of this plan's business."""
        self.scopes = {scope.address: scope for scope in self._scopes()}
        self.parents: list[Parent] = []
        self.anew: set[Address] = set()
        """Conversations that are deleted and created: nothing of what was seen in them will be there."""
        self.remaining: Counter[Address] = Counter()
        """How many conversations of a service will still be there, as far as addresses name them."""

    def plan(self) -> Plan:
        """Plan everything, judge the whole, and return it."""
        shared = self._refuse_shared()
        if self.options.replace:
            self._refuse_unknown()
        if not self.options.destroy:
            for service in self.desired.services:
                self._plan_service(service)
        for address, scope in self.scopes.items():
            if scope.desired is None and address not in shared:
                self._plan_removed_conversation(scope)
        self._plan_removed_services()
        if self.selection is not None:
            warn_of_parts(self.draft, filter(self._is_touched, self.scopes.values()))
        self._warn_of_misses()
        guard(self.draft, self.options, self.scopes)
        return Plan(
            actions=tuple(self.draft.actions),
            parents=tuple(self.parents),
            warnings=tuple(self.draft.warnings),
            refusals=tuple(self.draft.refusals),
            records=self.draft.records,
            unordered=tuple(
                a for a, conversation in self.declared.items() if conversation.order is Order.ANY
            ),
            no_ops=self.draft.no_ops,
            seen=self._seen(),
            lineage=self.state.lineage,
            serial=self.state.serial,
            manifest_digest=self.desired.digest,
            requests_read=self.remote.requests,
        )

    def _seen(self) -> dict[Address, int]:
        """Return the highest index that was seen in each conversation that is there and gets new messages."""
        views = {address: self.scopes[address].view for address in posting(self.draft.actions)}
        return {
            address: max((live.index for live in view.messages.values()), default=-1)
            for address, view in views.items()
            if view.remote is not None and address not in self.anew
        }

    def _scopes(self) -> Iterator[Scope]:
        """Yield every conversation that is desired or bound, the desired ones in manifest order."""
        messages = self.bound.messages
        boundaries: dict[Address, int] = {}
        for intent in self.state.intents.values():
            if type_of(intent.address) is ResourceType.MESSAGE:
                conversation = parent_of(intent.address)
                boundaries[conversation] = min(boundaries.get(conversation, intent.boundary), intent.boundary)
        undeclared = (self.bound.conversations.keys() | messages.keys()) - self.declared.keys()
        for address in (*self.declared, *sorted(undeclared)):
            service = self.remote.services.get(parent_of(address))
            desired = None if self.options.destroy else self.declared.get(address)
            reset = self._is_reset(address, desired)
            if reset and desired is not None and desired.order is Order.APPEND:
                desired = msgspec.structs.replace(desired, order=Order.STRICT)
            yield Scope(
                address=address,
                desired=desired,
                view=self.remote.conversations.get(address, _ABSENT),
                bindings=messages.get(address, {}),
                digest=self.state.digest,
                options=self.options,
                service_sid=service.sid if service is not None else "",
                boundary=boundaries.get(address),
                selection=None if reset else self.selection,
                read_at=self.remote.read_at,
                reset=reset,
            )

    def _is_reset(self, address: Address, desired: Conversation | None) -> bool:
        """Return whether `--reset` takes a conversation: this tool created it, and no part is left out."""
        binding = self.state.bindings.get(address)
        created = binding is not None and binding.created
        return self.options.reset and desired is not None and created and self._is_whole(address, desired)

    def _is_whole(self, address: Address, desired: Conversation) -> bool:
        """Return whether the plan is about a conversation with everything that is declared or bound in it."""
        return self._selects_all(address) and all(map(self._selects, _members(address, desired)))

    def _refuse_shared(self) -> set[Address]:
        """Refuse two addresses for one conversation, and return these addresses.

        Each would take the other's messages for strangers.
        """
        holders: dict[str, list[Address]] = {}
        for address, scope in self.scopes.items():
            if scope.view.remote is not None:
                holders.setdefault(scope.view.remote.sid, []).append(address)
        shared = {sid: addresses for sid, addresses in holders.items() if len(addresses) > 1}
        for sid, addresses in shared.items():
            self.draft.refuse(
                "same_conversation",
                f"{' and '.join(f'`{address}`' for address in addresses)} are one conversation ({sid})",
                "if it was renamed, run `reconciler state mv OLD NEW`; else keep only one in the manifests",
            )
        return {address for addresses in shared.values() for address in addresses}

    def _refuse_unknown(self) -> None:
        messages = {f"{a}/{message.key}" for a, one in self.declared.items() for message in one.messages}
        for address in self.options.replace:
            desired = self.declared.get(address)
            if desired is not None and not self._is_whole(address, desired):
                self.draft.refuse(
                    "partly_replaced",
                    f"`--replace {address}` is about a conversation of which a part is left out",
                    f"select all of it: `--target {address}`",
                )
            elif desired is None and address not in messages:
                self.draft.refuse(
                    "unknown_address",
                    f"`--replace {address}` names no message and no conversation of the manifests",
                    "give the address as `service/conversation/key`, or as `service/conversation`",
                )

    def _plan_service(self, service: Service) -> None:
        self.remaining[service.name] += len(service.conversations)
        scopes = [self.scopes[f"{service.name}/{one.name}"] for one in service.conversations]
        scopes = [scope for scope in scopes if self._is_touched(scope)]
        if not scopes and not self._selects(service.name):
            return
        live = self.remote.services.get(service.name)
        plan_service(self.draft, service, live, self.state.bindings.get(service.name))
        self.parents.append(Parent(service.name, live.sid if live else None, found=live is not None))
        kept = [scope for scope in scopes if not self._plan_declared(scope, self.declared[scope.address])]
        warn_of_ended(self.draft, service.name, kept)

    def _plan_declared(self, scope: Scope, desired: Conversation) -> bool:
        """Plan a conversation that the manifest has; return whether it is made anew."""
        first, seen = len(self.draft.actions), scope.view.remote
        anew = seen is not None and self._is_made_anew(scope, desired, seen)
        if seen is not None and anew:
            binding = self.state.bindings.get(scope.address)
            people = self.bound.participants.get(scope.address, {})
            self.anew.add(scope.address)
            scope = make_anew(self.draft, scope, desired, seen, binding, people)
        else:
            self._plan_inside(self.draft, scope, desired)
            if self.options.reset and seen is not None and not scope.reset:
                warn_of_no_reset(self.draft, scope, whole=self._is_whole(scope.address, desired))
        judge_state(self.draft, scope, first)
        warn_of_consequences(self.draft, scope, first)
        self.parents.append(Parent(scope.address, seen.sid if seen else None, found=seen is not None))
        return anew

    def _plan_inside(self, draft: Draft, scope: Scope, desired: Conversation) -> None:
        first = len(draft.actions)
        plan_conversation(draft, scope, desired, self.state.bindings.get(scope.address))
        leaving = plan_participants(draft, scope, self.bound.participants.get(scope.address, {}))
        plan_messages(draft, scope)
        draft.actions += leaving
        put_back(draft, scope, first)

    def _is_made_anew(self, scope: Scope, desired: Conversation, live: RemoteConversation) -> bool:
        """Return whether a conversation is deleted and created: asked for, or closed and to be reset."""
        if scope.address in self.options.replace:
            return self._is_whole(scope.address, desired)
        if not self.options.reset or live.state != CLOSED or not self._is_whole(scope.address, desired):
            return False
        if desired.state != CLOSED:
            return True
        trial = Draft()
        self._plan_inside(trial, scope, desired)
        return not REQUESTING.isdisjoint(trial.verbs(0))

    def _plan_removed_conversation(self, scope: Scope) -> None:
        first, told = len(self.draft.actions), len(self.draft.warnings)
        if self._is_touched(scope) and self._remove(scope):
            self.draft.actions[first:] = [_going_along(action) for action in self.draft.actions[first:]]
            self.draft.warnings[told:] = [one for one in self.draft.warnings[told:] if one.code != "kept"]
        elif scope.view.remote is not None:
            self.remaining[parent_of(scope.address)] += 1
            judge_state(self.draft, scope, first)

    def _remove(self, scope: Scope) -> bool:
        """Plan what is no longer wanted of a conversation; return whether it goes as a whole."""
        address, first = scope.address, len(self.draft.actions)
        if address not in self.remote.conversations:
            count = sum(not binding.released for binding in scope.bindings.values())
            if count:
                text = f"{plural(count, 'message')} of it are bound but it is not, so they were not looked at"
                self.draft.warn("not_looked_at", address, text)
            return False
        plan_messages(self.draft, scope)
        people = self.bound.participants.get(address, {})
        self.draft.actions += plan_participants(self.draft, scope, people)
        declared, binding = self.declared.get(address), self.state.bindings.get(address)
        if declared is not None:
            self._refuse_protected(declared, scope, first)
        if binding is None:
            live = scope.view.remote
            if live is not None and scope.bindings:  # what is deleted in it needs its sid
                self.draft.bindings[address] = Binding(sid=live.sid, service_sid=scope.service_sid)
            return False
        if not self._selects_all(address):
            return False
        unmanaged = declared.unmanaged if declared is not None else Unmanaged.KEEP
        return plan_conversation_removal(self.draft, scope, binding, unmanaged, people)

    def _refuse_protected(self, conversation: Conversation, scope: Scope, first: int) -> None:
        declared = {f"{scope.address}/{message.key}": message for message in conversation.messages}
        gone = [address for address in scope.bindings if address not in declared]
        renamed = find_renames(Draft(), scope, declared, gone)
        protected = {
            renamed.get(address, address) for address, message in declared.items() if message.prevent_destroy
        }
        for action in self.draft.actions[first:]:
            if action.reason is Reason.REQUESTED and action.address in protected:
                refuse_protected(self.draft, action.address, "destroyed")

    def _plan_removed_services(self) -> None:
        kept = set() if self.options.destroy else {service.name for service in self.desired.services}
        sids = {live.sid for name in kept if (live := self.remote.services.get(name)) is not None}
        for address, binding in sorted(self.bound.services.items()):
            if address in kept or address not in self.remote.services or not self._selects_all(address):
                continue
            live = self.remote.services[address]
            if live is not None and live.sid in sids:
                self.draft.bindings[address] = None  # it has another name now
                continue
            remaining = self.remaining[address] + self.remote.others.get(address, 0)
            plan_service_removal(self.draft, address, binding, live, remaining, destroy=self.options.destroy)

    def _warn_of_misses(self) -> None:
        globs = self.options.globs
        if globs:
            members = (address for a, one in self.declared.items() for address in _members(a, one))
            services = (service.name for service in self.desired.services)
            warn_of_misses(self.draft, globs, {*services, *self.scopes, *members, *self.state.bindings})

    def _selects(self, address: Address) -> bool:
        return self.selection is None or address in self.selection

    def _selects_all(self, address: Address) -> bool:
        """Return True if the plan is about *address* and everything bound in it."""
        return self._selects(address) and address not in self.partly_selected

    def _is_touched(self, scope: Scope) -> bool:
        """Return True if the plan is about a conversation, or about a message or participant of it."""
        if self.selection is None or scope.address in self.selection:
            return True
        declared = _members(scope.address, scope.desired) if scope.desired is not None else ()
        bound = (*scope.bindings, *self.bound.participants.get(scope.address, ()))
        return any(address in self.selection for address in (*declared, *bound))


def _going_along(action: Action) -> Action:
    """Mark what is lost with its conversation: it needs no request of its own."""
    if action.verb is Verb.DELETE and action.type is not ResourceType.CONVERSATION:
        return msgspec.structs.replace(action, with_parent=True)
    return action


def _parents_of_excluded(state: State, selection: Selection | None) -> Iterator[Address]:
    for address in state.bindings if selection is not None else ():
        if "/" in address and selection is not None and address not in selection:
            yield parent_of(address)
            yield parent_of(parent_of(address))


def _members(address: Address, conversation: Conversation) -> Iterator[Address]:
    """Yield the addresses of what a conversation declares."""
    for message in conversation.messages:
        yield f"{address}/{message.key}"
    for participant in conversation.participants:
        yield f"{address}/participants/{participant.key}"


def _conversations(desired: Desired) -> Iterator[tuple[Address, Conversation]]:
    for service in desired.services:
        for conversation in service.conversations:
            yield f"{service.name}/{conversation.name}", conversation
