"""What planning starts from, and what it collects on its way."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from reconciler.model import PARTICIPANTS, Address, Conversation, ConversationView
from reconciler.plans.actions import Action, Verb
from reconciler.plans.options import Options
from reconciler.plans.plan import PlanWarning, Refusal
from reconciler.plans.selection import Selection
from reconciler.resources.schema import Digest, ResourceSchema
from reconciler.state.model import Bound, Unbound
from reconciler.state.remembered import Binding


class Scope(Struct, frozen=True):
    """One conversation as the planner sees it: declared, live, and bound."""

    address: Address
    desired: Conversation | None
    """What the plan aims at; None if the conversation is to be removed. `--reset` makes its order strict."""
    view: ConversationView
    bindings: dict[Address, Binding]
    """Of its messages."""
    digest: Digest
    options: Options
    declared: Conversation | None = None
    """What the manifests have, under `--destroy` too."""
    binding: Binding | None = None
    """Of the conversation itself."""
    participants: dict[Address, Binding] = {}
    """The bindings of its participants."""
    service_sid: str = ""
    """Empty while the service does not exist."""
    boundary: int | None = None
    """The lowest boundary of its open intents, None without any.

    An unbound message above it may be the result of an open intent, so it is neither adopted nor deleted.
    """
    selection: Selection | None = None
    """The part of everything that the plan is about; None if it is about the whole of this conversation."""
    read_at: str = ""
    """When the live side was read, by the server's clock; empty if the server did not tell."""
    reset: bool = False
    """Whether `--reset` applies: the tool created the conversation, and no part of it is left out."""

    def untouched(self, schema: ResourceSchema) -> dict[str, str]:
        """Return the values to which undeclared fields are set: under `--reset`, the defaults of the API."""
        return schema.shown_defaults if self.reset else {}

    def selects(self, address: Address) -> bool:
        """Return whether the plan is about *address*."""
        return self.selection is None or address in self.selection

    @property
    def is_touched(self) -> bool:
        """Whether the plan is about the conversation, or about anything declared or bound in it."""
        if self.selects(self.address):
            return True
        return any(map(self.selects, (*members(self.address, self.desired), *self._bound)))

    @property
    def selects_all_bound(self) -> bool:
        """Whether the plan is about the conversation and everything that is bound in it."""
        return self.selection is None or (self.selects(self.address) and all(map(self.selects, self._bound)))

    @property
    def is_whole(self) -> bool:
        """Whether the plan is about the conversation and everything that is declared or bound in it."""
        declared = members(self.address, self.declared)
        return self.selection is None or (self.selects_all_bound and all(map(self.selects, declared)))

    @property
    def _bound(self) -> tuple[Address, ...]:
        return (*self.bindings, *self.participants)


def members(address: Address, conversation: Conversation | None) -> Iterator[Address]:
    """Yield the addresses of what *conversation*, which has this *address*, declares."""
    if conversation is None:
        return
    for message in conversation.messages:
        yield f"{address}/{message.key}"
    for participant in conversation.participants:
        yield f"{address}/{PARTICIPANTS}/{participant.key}"


class Draft(Struct):
    """A plan, or the part of it for one conversation, while it is made."""

    actions: list[Action] = []
    warnings: list[PlanWarning] = []
    refusals: list[Refusal] = []
    bindings: dict[Address, Binding | None] = {}
    """The changes of the state that need no request; None drops the binding."""
    no_ops: int = 0
    """How many messages need nothing."""

    def extend(self, part: Draft) -> None:
        """Add everything in *part*."""
        self.actions += part.actions
        self.warnings += part.warnings
        self.refusals += part.refusals
        self.bindings |= part.bindings
        self.no_ops += part.no_ops

    def warn(self, code: str, address: Address, text: str) -> None:
        """Add a warning; the plan can be applied all the same."""
        self.warnings.append(PlanWarning(code, address, text))

    def refuse(self, code: str, text: str, hint: str) -> None:
        """Add a reason for which the plan cannot be applied; *hint* names the way out."""
        self.refusals.append(Refusal(code, text, hint))

    @property
    def verbs(self) -> list[Verb]:
        """The verbs of the actions."""
        return [action.verb for action in self.actions]

    @property
    def records(self) -> tuple[Bound | Unbound, ...]:
        """The changes of bindings as records."""
        return tuple(
            Unbound(address) if binding is None else Bound(address, binding)
            for address, binding in self.bindings.items()
        )
