"""Decide the actions that turn what is remote into what is desired.

Nothing here reads a file or the network: everything needed is an argument, so that a plan can be made again
from a bug report.
"""

from __future__ import annotations

from collections import Counter

from reconciler.model import Address, Desired, Order, Remote, Service, declared_conversations, parent_of
from reconciler.planner.conversations import plan_conversation, plan_unread
from reconciler.planner.draft import Draft, Scope, members
from reconciler.planner.guard import guard
from reconciler.planner.notices import warn_of_ended
from reconciler.planner.parts import warn_of_misses, warn_of_parts
from reconciler.planner.scopes import Coverage, scopes_of
from reconciler.planner.services import plan_service, plan_service_removal
from reconciler.plans.actions import posting
from reconciler.plans.options import Options
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
    """Return the ordered actions that turn *remote* into *desired*.

    *bound* are the bindings of *state*, if they are indexed already.

    Services and conversations come in manifest order, parents before what is in them; then what
    is no longer in the manifest, children before their parents. Open intents of *state* are those that
    could not be settled.
    """
    bound = index_bindings(state) if bound is None else bound
    with few_suggestions():
        return _Planner(desired, remote, state, options, bound).plan()


class _Planner:
    """One plan in the making: conversations are planned one by one, and the whole is judged at the end."""

    def __init__(
        self, desired: Desired, remote: Remote, state: State, options: Options, bound: BindingIndex
    ) -> None:
        self.desired = desired
        self.remote = remote
        self.state = state
        self.options = options
        self.bound = bound
        self.draft = Draft()
        self.parents: list[Parent] = []
        self.coverage = Coverage(state, options)
        self.scopes = scopes_of(desired, remote, state, bound, self.coverage)
        self.anew: set[Address] = set()
        """Conversations that are deleted and created: nothing that was seen in them will be there."""
        self.remaining: Counter[Address] = Counter()
        """The number of conversations with an address that remain in each service."""

    def plan(self) -> Plan:
        """Plan everything, judge the whole, and return it."""
        shared = self._refuse_shared()
        self._refuse_unknown()
        if not self.options.destroy:
            for service in self.desired.services:
                self._plan_service(service)
        for address, scope in self.scopes.items():
            if scope.desired is None and address not in shared:
                planned = (
                    plan_conversation(scope) if address in self.remote.conversations else plan_unread(scope)
                )
                self.draft.extend(planned.draft)
                self.remaining[parent_of(address)] += planned.remains
        self._plan_removed_services()
        if self.coverage.selection is not None:
            warn_of_parts(self.draft, (scope for scope in self.scopes.values() if scope.is_touched))
        self._warn_of_misses()
        guard(self.draft, self.options, self.scopes)
        return Plan(
            actions=tuple(self.draft.actions),
            parents=tuple(self.parents),
            warnings=tuple(self.draft.warnings),
            refusals=tuple(self.draft.refusals),
            records=self.draft.records,
            unordered=tuple(
                address
                for address, scope in self.scopes.items()
                if scope.declared is not None and scope.declared.order is Order.ANY
            ),
            no_ops=self.draft.no_ops,
            seen=self._seen(),
            selection=self.coverage.selection,
            lineage=self.state.lineage,
            serial=self.state.serial,
            manifest_digest=self.desired.digest,
            requests_read=self.remote.requests,
        )

    def _seen(self) -> dict[Address, int]:
        """Return the highest index that was seen in each existing conversation that gets new messages."""
        views = {address: self.scopes[address].view for address in posting(self.draft.actions)}
        return {
            address: max((live.index for live in view.messages.values()), default=-1)
            for address, view in views.items()
            if view.remote is not None and address not in self.anew
        }

    def _refuse_shared(self) -> set[Address]:
        """Refuse two addresses for one conversation, and return these addresses.

        The plan for each would delete the messages of the other as unmanaged.
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
        """Refuse `--replace` of what no manifest declares, and of a conversation that is not whole."""
        if not self.options.replace:
            return
        declared = {address: scope for address, scope in self.scopes.items() if scope.declared is not None}
        messages = {
            f"{address}/{message.key}"
            for address, conversation in declared_conversations(self.desired)
            for message in conversation.messages
        }
        for address in self.options.replace:
            scope = declared.get(address)
            if scope is not None and not scope.is_whole:
                self.draft.refuse(
                    "partly_replaced",
                    f"`--replace {address}` is about a conversation of which a part is left out",
                    f"select all of it: `--target {address}`",
                )
            elif scope is None and address not in messages:
                self.draft.refuse(
                    "unknown_address",
                    f"`--replace {address}` names no message and no conversation of the manifests",
                    "give the address as `service/conversation/key`, or as `service/conversation`",
                )

    def _plan_service(self, service: Service) -> None:
        self.remaining[service.name] += len(service.conversations)
        scopes = [self.scopes[f"{service.name}/{one.name}"] for one in service.conversations]
        scopes = [scope for scope in scopes if scope.is_touched]
        if not scopes and not self.coverage.selects(service.name):
            return
        live = self.remote.services.get(service.name)
        plan_service(self.draft, service, live, self.bound.services.get(service.name))
        self.parents.append(Parent(service.name, live.sid if live else None, found=live is not None))
        kept = [scope for scope in scopes if not self._plan_declared(scope)]
        warn_of_ended(self.draft, service.name, kept)

    def _plan_declared(self, scope: Scope) -> bool:
        """Plan a conversation that the manifest has; return whether it is made anew."""
        planned, live = plan_conversation(scope), scope.view.remote
        self.draft.extend(planned.draft)
        self.parents.append(Parent(scope.address, live.sid if live else None, found=live is not None))
        if planned.is_anew:
            self.anew.add(scope.address)
        return planned.is_anew

    def _plan_removed_services(self) -> None:
        kept = set() if self.options.destroy else {service.name for service in self.desired.services}
        sids = {live.sid for name in kept if (live := self.remote.services.get(name)) is not None}
        for address, binding in sorted(self.bound.services.items()):
            if address in kept or address not in self.remote.services:
                continue
            if not self.coverage.selects_all(address):
                continue
            live = self.remote.services[address]
            if live is not None and live.sid in sids:
                self.draft.bindings[address] = None  # the service was renamed: another address is bound to it
                continue
            remaining = self.remaining[address] + self.remote.others.get(address, 0)
            plan_service_removal(self.draft, address, binding, live, remaining, destroy=self.options.destroy)

    def _warn_of_misses(self) -> None:
        globs = self.options.globs
        if globs:
            inside = (
                one for address, scope in self.scopes.items() for one in members(address, scope.declared)
            )
            services = (service.name for service in self.desired.services)
            warn_of_misses(self.draft, globs, {*services, *self.scopes, *inside, *self.state.bindings})
