"""What planning starts from, and what it collects on its way."""

from __future__ import annotations

from msgspec import Struct

from reconciler.model import Address, Conversation, ConversationView
from reconciler.plans.actions import Action, Verb
from reconciler.plans.options import Options
from reconciler.plans.plan import PlanWarning, Refusal
from reconciler.plans.selection import Selection
from reconciler.resources.schema import Digest, ResourceSchema
from reconciler.state.model import Binding, Bound, Unbound


class Scope(Struct, frozen=True):
    """One conversation as the planner sees it: desired, live, and what is bound in it.

    *boundary* is the lowest index above which an open intent may have made a message: what is unbound
    there belongs to nobody yet. *selection* is None where the plan is about everything. *read_at* is when the
    server was asked, by its own clock. *reset* says that `--reset` takes it.
    """

    address: Address
    desired: Conversation | None
    view: ConversationView
    bindings: dict[Address, Binding]
    digest: Digest
    options: Options
    service_sid: str = ""
    boundary: int | None = None
    selection: Selection | None = None
    read_at: str = ""
    reset: bool = False

    def untouched(self, schema: ResourceSchema) -> dict[str, str]:
        """Return what undeclared fields of a resource are set back to: under `--reset` all that are shown."""
        return schema.shown_defaults if self.reset else {}

    def selects(self, address: Address) -> bool:
        """Return True if the plan is about *address*."""
        return self.selection is None or address in self.selection


class Draft(Struct):
    """The plan while it is made."""

    actions: list[Action] = []
    warnings: list[PlanWarning] = []
    refusals: list[Refusal] = []
    bindings: dict[Address, Binding | None] = {}
    """What the state is to say without any request; None drops the binding."""
    no_ops: int = 0

    def warn(self, code: str, address: Address, text: str) -> None:
        """Tell the reader something; the plan stays applyable."""
        self.warnings.append(PlanWarning(code, address, text))

    def refuse(self, code: str, text: str, hint: str) -> None:
        """Make the plan not applyable, and say the way out."""
        self.refusals.append(Refusal(code, text, hint))

    def verbs(self, first: int) -> list[Verb]:
        """Return what the actions from number *first* on do."""
        return [action.verb for action in self.actions[first:]]

    @property
    def records(self) -> tuple[Bound | Unbound, ...]:
        """The changes of bindings, as the state takes them."""
        return tuple(
            Unbound(address) if binding is None else Bound(address, binding)
            for address, binding in self.bindings.items()
        )
