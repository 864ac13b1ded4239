"""Decide the actions that turn what is remote into what is desired: one piece for each conversation.

Nothing here reads a file or the network: everything needed is an argument, so that a plan can be made again
from a bug report. `join` makes a plan of the pieces, and judges the whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model import (
    Address,
    Desired,
    Order,
    Remote,
    RemoteConversation,
    ResourceType,
    Service,
    declared_conversations,
)
from reconciler.planner.conversations import Planned, plan_conversation, plan_unread
from reconciler.planner.draft import Draft, Scope, members
from reconciler.planner.guard import tally_of
from reconciler.planner.join import join
from reconciler.planner.parts import settings_waiting, unmatched
from reconciler.planner.scopes import Coverage, scopes_of
from reconciler.planner.services import plan_service, removal_of
from reconciler.plans.actions import POSTING, Action
from reconciler.plans.options import Options
from reconciler.plans.part import Part, Piece
from reconciler.plans.plan import Parent, Plan
from reconciler.state.index import BindingIndex, index_bindings
from reconciler.state.model import State
from reconciler.text.suggestions import few_suggestions


def build_plan(
    desired: Desired,
    remote: Remote,
    state: State,
    options: Options = Options(),  # noqa: B008  # frozen
    *,
    bound: BindingIndex | None = None,
) -> Plan:
    """Return the ordered actions that turn *remote* into *desired*, as `build_part` decides them."""
    return join([build_part(desired, remote, state, options, bound=bound)])


def build_part(
    desired: Desired,
    remote: Remote,
    state: State,
    options: Options = Options(),  # noqa: B008  # frozen
    *,
    bound: BindingIndex | None = None,
) -> Part:
    """Return what each service and conversation of *desired* and *state* needs.

    *bound* are the bindings of *state*, if they are indexed already.

    Services and conversations come in manifest order; then those that are no longer in the manifest. Open
    intents of *state* are those that could not be settled.
    """
    bound = index_bindings(state) if bound is None else bound
    with few_suggestions():
        return _Planner(desired, remote, state, options, bound).plan()


class _Planner:
    """One part in the making: services and conversations are planned one by one."""

    def __init__(
        self, desired: Desired, remote: Remote, state: State, options: Options, bound: BindingIndex
    ) -> None:
        self.desired = desired
        self.remote = remote
        self.state = state
        self.options = options
        self.bound = bound
        self.coverage = Coverage(state, options)
        self.scopes = scopes_of(desired, remote, state, bound, self.coverage)
        order = desired.order or (address for address, _ in declared_conversations(desired))
        self.places = {address: at for at, address in enumerate(order) if address in self.scopes}

    def plan(self) -> Part:
        """Plan everything, and return it."""
        conversations = tuple(map(self._conversation, self.scopes.values()))
        services = () if self.options.destroy else tuple(self._declared_services())
        return Part(
            options=self.options,
            lineage=self.state.lineage,
            serial=self.state.serial,
            serials=self.state.serials,
            manifest_digest=self.desired.digest,
            services=(*services, *self._removed_services()),
            conversations=conversations,
            unmatched=tuple(self._unmatched()),
            replaceable=tuple(self._replaceable()),
            partly_replaced=tuple(
                address
                for address in self.options.replace
                if (scope := self.scopes.get(address)) is not None
                and scope.declared is not None
                and not scope.is_whole
            ),
            partly_selected=self.coverage.partly_selected_services,
            requests_read=self.remote.requests,
        )

    def _conversation(self, scope: Scope) -> Piece:
        place = self.places.get(scope.address, -1) if scope.declared is not None else -1
        live = scope.view.remote
        is_removal, is_touched = scope.desired is None, scope.is_touched
        is_unordered = scope.declared is not None and scope.declared.order is Order.ANY
        sid = live.sid if live is not None else ""
        if not is_removal and not is_touched:
            return Piece(
                scope.address,
                place,
                sid=sid,
                is_unordered=is_unordered,
                tally=tally_of(scope, ()),
                is_touched=False,
            )
        is_read = not is_removal or scope.address in self.remote.conversations
        planned = plan_conversation(scope) if is_read else plan_unread(scope)
        draft = planned.draft
        parent = Parent(scope.address, live.sid if live else None, found=live is not None)
        return Piece(
            scope.address,
            place,
            actions=tuple(draft.actions),
            warnings=tuple(draft.warnings),
            refusals=tuple(draft.refusals),
            records=draft.records,
            no_ops=draft.no_ops,
            parent=None if is_removal else parent,
            sid=sid,
            is_unordered=is_unordered,
            seen=_seen(scope, planned),
            tally=tally_of(scope, draft.actions),
            remains=planned.remains,
            is_removal=is_removal,
            ended="" if is_removal or planned.is_anew else _ended(scope, live),
            is_touched=is_touched,
            waits=settings_waiting(scope) if self.coverage.selection is not None and is_touched else (),
        )

    def _declared_services(self) -> Iterator[Piece]:
        for place, service in enumerate(self.desired.services):
            inside = (self.scopes[f"{service.name}/{one.name}"] for one in service.conversations)
            if self.coverage.selects(service.name) or any(scope.is_touched for scope in inside):
                yield self._service(place, service)

    def _service(self, place: int, service: Service) -> Piece:
        draft, live = Draft(), self.remote.services.get(service.name)
        plan_service(draft, service, live, self.bound.services.get(service.name))
        return Piece(
            service.name,
            place,
            actions=tuple(draft.actions),
            warnings=tuple(draft.warnings),
            records=draft.records,
            parent=Parent(service.name, live.sid if live else None, found=live is not None),
        )

    def _removed_services(self) -> Iterator[Piece]:
        kept = set() if self.options.destroy else {service.name for service in self.desired.services}
        sids = {live.sid for name in kept if (live := self.remote.services.get(name)) is not None}
        for address, binding in sorted(self.bound.services.items()):
            if address in kept or address not in self.remote.services:
                continue
            if not self.coverage.selects_all(address):
                continue
            live = self.remote.services[address]
            if live is not None and live.sid in sids:
                draft = Draft(bindings={address: None})  # the service was renamed: another address is bound
                yield Piece(address, records=draft.records)
                continue
            yield Piece(address, removal=removal_of(address, binding, live, self.remote))

    def _replaceable(self) -> Iterator[Address]:
        """Yield those addresses of `--replace` that the manifests declare."""
        if not self.options.replace:
            return
        asked = set(self.options.replace)
        for address, conversation in declared_conversations(self.desired):
            if address in asked:
                yield address
            for message in conversation.messages:
                if f"{address}/{message.key}" in asked:
                    yield f"{address}/{message.key}"

    def _unmatched(self) -> list[str]:
        """Return the globs that match no address."""
        globs = self.options.globs
        if not globs:
            return []
        inside = (one for address, scope in self.scopes.items() for one in members(address, scope.declared))
        services = (service.name for service in self.desired.services)
        return unmatched(globs, {*services, *self.scopes, *inside, *self.state.bindings})


def _seen(scope: Scope, planned: Planned) -> int | None:
    """Return the highest index that was seen in an existing conversation that gets new messages."""
    if scope.view.remote is None or planned.is_anew or not any(map(_posts, planned.draft.actions)):
        return None
    return max((live.index for live in scope.view.messages.values()), default=-1)


def _posts(action: Action) -> bool:
    return action.verb in POSTING and action.type is ResourceType.MESSAGE


def _ended(scope: Scope, live: RemoteConversation | None) -> str:
    """Return the state of a conversation that has ended although no manifest wants that, or nothing."""
    if live is None or scope.desired is None or scope.desired.state is not None or scope.reset:
        return ""
    return live.state if live.state in {"closed", "inactive"} else ""
