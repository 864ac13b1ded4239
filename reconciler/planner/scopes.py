"""Which conversations a plan is about, and how each is seen: the scopes."""

from __future__ import annotations

import msgspec

from reconciler.model import (
    Address,
    ConversationView,
    Desired,
    Order,
    Remote,
    ResourceType,
    declared_conversations,
    parent_of,
    type_of,
)
from reconciler.planner.draft import Scope
from reconciler.plans.options import Options
from reconciler.plans.selection import Selection
from reconciler.state.index import BindingIndex
from reconciler.state.model import State

_ABSENT = ConversationView(remote=None)


class Coverage:
    """The part of everything that a plan is about; *selection* is None if it is the whole."""

    def __init__(self, state: State, options: Options) -> None:
        self.options = options
        self.selection = (
            Selection(options.targets, options.excludes) if options.targets or options.excludes else None
        )
        self._partly_selected: set[Address] = {
            service
            for address in (state.bindings if self.selection is not None else ())
            if "/" in address and not self.selects(address)
            for service in (parent_of(address), parent_of(parent_of(address)))
        }
        """Parents that contain excluded addresses."""

    @property
    def partly_selected_services(self) -> tuple[Address, ...]:
        """Services that contain excluded addresses, in the order of their names."""
        return tuple(sorted(one for one in self._partly_selected if "/" not in one))

    def selects(self, address: Address) -> bool:
        """Return whether the plan is about *address*."""
        return self.selection is None or address in self.selection

    def selects_all(self, address: Address) -> bool:
        """Return whether the plan is about *address* and everything that is bound in it."""
        return self.selects(address) and address not in self._partly_selected


def scopes_of(
    desired: Desired, remote: Remote, state: State, bound: BindingIndex, coverage: Coverage
) -> dict[Address, Scope]:
    """Return a scope for every conversation that is desired or bound, the desired ones in manifest order."""
    declared = dict(declared_conversations(desired))
    boundaries = _boundaries(state)
    undeclared = (bound.conversations.keys() | bound.messages.keys()) - declared.keys()
    scopes: dict[Address, Scope] = {}
    for address in (*declared, *sorted(undeclared)):
        service = remote.services.get(parent_of(address))
        scope = Scope(
            address=address,
            desired=None if coverage.options.destroy else declared.get(address),
            view=remote.conversations.get(address, _ABSENT),
            bindings=bound.messages.get(address, {}),
            digest=state.digest,
            options=coverage.options,
            declared=declared.get(address),
            binding=bound.conversations.get(address),
            participants=bound.participants.get(address, {}),
            service_sid=service.sid if service is not None else "",
            boundary=boundaries.get(address),
            selection=coverage.selection,
            read_at=remote.read_at,
        )
        scopes[address] = _reset(scope) if coverage.options.reset else scope
    return scopes


def _boundaries(state: State) -> dict[Address, int]:
    """Return the lowest boundary of the open creates of messages in each conversation."""
    boundaries: dict[Address, int] = {}
    for intent in state.intents.values():
        if type_of(intent.address) is ResourceType.MESSAGE:
            conversation = parent_of(intent.address)
            boundaries[conversation] = min(boundaries.get(conversation, intent.boundary), intent.boundary)
    return boundaries


def _reset(scope: Scope) -> Scope:
    """Return *scope* as `--reset` changes it, if it applies to it.

    It applies to what this tool created, unless a part is left out, and puts messages back in their order.
    """
    desired, binding = scope.desired, scope.binding
    if desired is None or binding is None or not binding.created or not scope.is_whole:
        return scope
    if desired.order is Order.APPEND:
        desired = msgspec.structs.replace(desired, order=Order.STRICT)
    return msgspec.structs.replace(scope, desired=desired, selection=None, reset=True)
