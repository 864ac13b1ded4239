"""What planning collects on its way: one place to add an action, a warning or a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct

from reconciler.model import Address, Conversation, ConversationView
from reconciler.plan.actions import Action, PlanWarning, Refusal
from reconciler.plan.diff import Digest
from reconciler.state.model import Binding, Bound, Unbound


class Options(Struct, frozen=True):
    """What a planner may be asked for; each is a flag of the command line.

    *max_delete* is a number of messages, or a percentage if *max_delete_percent*. *record* asks for the
    bindings to be brought up to date where nothing is to be done, which `apply` wants and `plan` need not
    pay for.
    """

    destroy: bool = False
    adopt: bool = False
    duplicate: bool = False
    replace: tuple[Address, ...] = ()
    max_delete: float | None = None
    max_delete_percent: bool = False
    allow_recreate: bool = False
    record: bool = False


class Scope(Struct, frozen=True):
    """One conversation as the planner sees it: desired, live, and what is bound in it."""

    address: Address
    desired: Conversation | None
    view: ConversationView
    bindings: dict[Address, Binding]
    claimed: frozenset[str]
    digest: Digest
    options: Options


@dataclass(slots=True)
class Draft:
    """The plan while it is made."""

    actions: list[Action] = field(default_factory=list)
    warnings: list[PlanWarning] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    records: list[Bound | Unbound] = field(default_factory=list)
    no_ops: int = 0

    def warn(self, code: str, address: Address, text: str) -> None:
        """Tell the reader something; the plan stays applyable."""
        self.warnings.append(PlanWarning(code, address, text))

    def refuse(self, code: str, text: str, hint: str) -> None:
        """Make the plan not applyable, and say the way out."""
        self.refusals.append(Refusal(code, text, hint))
