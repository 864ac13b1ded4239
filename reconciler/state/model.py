"""What the tool remembers: bindings, open intents, and the records that change them.

A `State` is changed only by `State.apply(record)`; the journal stores the same records, so that
replaying it is applying them again. Nothing here does I/O.
"""

from msgspec import Struct, field

from reconciler.model import Address
from reconciler.state.digests import DigestKey, Digests
from reconciler.state.remembered import Binding, InFlight, Intent, hard_binding, hard_intent


class Opened(Struct, frozen=True, gc=False, tag="opened", tag_field="record", forbid_unknown_fields=True):
    """A create is about to be sent."""

    intent: Intent


class Closed(Struct, frozen=True, gc=False, tag="closed", tag_field="record", forbid_unknown_fields=True):
    """The create of *address* did not happen, or is no longer looked for."""

    address: Address


class Bound(Struct, frozen=True, gc=False, tag="bound", tag_field="record", forbid_unknown_fields=True):
    """*address* is now bound to this object.

    That closes its intent, unless the address was bound to this object before, or superseded it: an update,
    or the deletion of a successor, does not settle an open create.
    """

    address: Address
    binding: Binding


class Unbound(Struct, frozen=True, gc=False, tag="unbound", tag_field="record", forbid_unknown_fields=True):
    """*address* is no longer bound: its object was deleted or forgotten. An open create of it stays open."""

    address: Address


class Moved(Struct, frozen=True, gc=False, tag="moved", tag_field="record", forbid_unknown_fields=True):
    """The binding of *previous* moves to *address*."""

    previous: Address
    address: Address


class PlanOpened(
    Struct, frozen=True, gc=False, tag="plan_opened", tag_field="record", forbid_unknown_fields=True
):
    """A saved plan was begun, or goes on; *serial* is that of the snapshot that records it."""

    plan_id: str
    serial: int


class Carried(Struct, frozen=True, gc=False, tag="carried", tag_field="record", forbid_unknown_fields=True):
    """These actions of the open plan are done; *numbers* count from 0 in the plan."""

    numbers: tuple[int, ...]


class PlanUsed(
    Struct, frozen=True, gc=False, tag="plan_used", tag_field="record", forbid_unknown_fields=True
):
    """A saved plan is done; it is never begun again."""

    plan_id: str


Record = Opened | Closed | Bound | Unbound | Moved | PlanOpened | Carried | PlanUsed


class OpenPlan(Struct, forbid_unknown_fields=True):
    """A saved plan whose apply did not finish."""

    plan_id: str
    """The id of the plan."""
    serial: int
    """The serial of the snapshot at which it may go on: it must be that of the state."""
    done: list[int] = []
    """The numbers of its actions that need nothing more, from 0."""


class PlanUses(Struct, frozen=True):
    """The saved plans that one group of conversations remembers, in a state that is kept by conversation."""

    used: tuple[str, ...] = ()
    """The ids of those whose part in this group is done."""
    open: OpenPlan | None = None
    """The one whose part in this group was begun and is not done."""


def gone(address: Address, binding: Binding, sid: str) -> Bound | Unbound:
    """Return the record of the deletion of *sid*, which *binding* of *address* has or superseded."""
    left = binding.without(sid)
    return Unbound(address) if left is None else Bound(address, left)


class State(Struct):
    """Everything remembered about one account at one origin."""

    lineage: str
    """The name of the history: 128 random bits, in hex. It is part of every digest."""
    account_sid: str
    """The account."""
    origin: str
    """`scheme://host[:port]`, or `emulator:` and the id of its store."""
    environment: str = ""
    """The name of the environment that it belongs to; empty if none was ever chosen."""
    serial: int = 0
    """How many snapshots were written."""
    serials: dict[int, int] = field(default_factory=dict)
    """The serial of each group of conversations, and at -1 of the services, where it is kept by group.

    *serial* is their sum.
    """
    bindings: dict[Address, Binding] = field(default_factory=dict)
    """By address."""
    in_flight: dict[Address, InFlight] = field(default_factory=dict)
    """By conversation or service, as the snapshot announced."""
    intents: dict[Address, Intent] = field(default_factory=dict)
    """Creates of unknown outcome, in the order in which they were sent."""
    used_plans: list[str] = field(default_factory=list)
    """The ids of saved plans that are done."""
    open_plan: OpenPlan | None = None
    """The saved plan that was begun and is not done."""
    digest_keys: tuple[DigestKey, ...] = ()
    """The keys of digests; they are given to a state that was read, and are not part of it."""
    uses: dict[int, PlanUses] = field(default_factory=dict)
    """By the same groups, the saved plans that each of them remembers."""

    def apply(self, record: Record) -> Record:
        """Change this state as *record* says, and return it as it may be stored."""
        record = self.protected(record)
        match record:
            case Opened(intent):
                self.intents[intent.address] = intent
            case Closed(address):
                self.intents.pop(address, None)
            case Bound(address, binding):
                before = self.bindings.get(address)
                if before is None or binding.sid not in (before.sid, *before.superseded):
                    self.intents.pop(address, None)
                self.bindings[address] = binding
            case Unbound(address):
                self.bindings.pop(address, None)
            case Moved(previous, address):
                self.bindings[address] = self.bindings.pop(previous)
            case PlanOpened() | Carried() | PlanUsed():
                self._apply_to_plans(record)
        return record

    def _apply_to_plans(self, record: PlanOpened | Carried | PlanUsed) -> None:
        match record:
            case PlanOpened(plan_id, serial):
                before = self.open_plan
                done = before.done if before is not None and before.plan_id == plan_id else []
                self.open_plan = OpenPlan(plan_id, serial, done)
            case Carried(numbers):
                if self.open_plan is not None:
                    self.open_plan.done.extend(numbers)
            case PlanUsed(plan_id):
                self.used_plans.append(plan_id)
                self.open_plan = None

    @property
    def digest(self) -> Digests:
        """The digests of this history."""
        return Digests(self.lineage, self.digest_keys)

    def protected(self, record: Record) -> Record:
        """Return *record* as it may be stored: with hard digests of sensitive fields."""
        match record:
            case Bound(address, binding) if binding.sensitive:
                return Bound(address, hard_binding(binding, self.digest))
            case Opened(intent) if intent.sensitive:
                return Opened(hard_intent(intent, self.digest))
        return record
