"""What the tool remembers: bindings, open intents, and the records that change them.

A `State` is changed only by `State.apply(record)`; the journal stores the same records, so that
replaying it is applying them again. Nothing here does I/O.
"""

from typing import Final

from msgspec import Struct, field, structs

from reconciler.model import Address, Anchor
from reconciler.state.digests import Digests


class Binding(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """The live object to which an address is bound, and what is remembered of it."""

    sid: str
    """The SID of the object."""
    service_sid: str = ""
    """The service that it is in; empty for a service."""
    conversation_sid: str = ""
    """The conversation that it is in; empty for a service or conversation."""
    index: int = -1
    """The index of a message in its conversation, else -1."""
    sent: dict[str, str] = {}
    """The digest of each managed field as it was last sent."""
    observed: dict[str, str] = {}
    """The digest of a field where the reply differed from what was sent."""
    superseded: tuple[str, ...] = ()
    """The SIDs of earlier objects of this address that are still to be deleted."""
    created: bool = False
    """Whether this tool created the object: only then may it delete a service or conversation."""
    released: bool = False
    """Whether the message is spared: no longer managed, and not deleted as unmanaged."""
    imported: bool = False
    """Whether nothing was sent to it yet: fields that no reply shows are assumed to be equal."""
    sensitive: tuple[str, ...] = ()
    """Fields that are not shown, even when no manifest calls them sensitive any more."""
    ignored: tuple[tuple[str, ...], ...] = ()
    """The paths of `ignore_changes`, which the digests leave out."""
    anchor: Anchor | None = None
    """Where the relative timeline of a conversation begins."""

    def without(self, sid: str) -> "Binding | None":
        """Return the binding after the deletion of *sid*, None if nothing remains.

        While superseded messages are still to be deleted, the first of them takes its place: without a
        binding they would be left behind. What was sent to that one is no longer known.
        """
        superseded = tuple(other for other in self.superseded if other != sid)
        if sid != self.sid:
            return structs.replace(self, superseded=superseded)
        if not superseded:
            return None
        first, *others = superseded
        return structs.replace(
            self, sid=first, sent={}, observed={}, superseded=tuple(others), released=False
        )


_MATCHED: Final = frozenset({"author", "body", "attributes"})
"""Fields that can be sensitive and are part of the match text of a create."""


class Intent(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """A create that may have been sent and whose reply is not on record."""

    address: Address
    """What is created."""
    service_sid: str = ""
    """The service in which; empty for a service."""
    conversation_sid: str = ""
    """The conversation in which, for a message or participant."""
    boundary: int = -1
    """The highest index in the conversation before a message; only higher ones can be its result."""
    match: str = ""
    """The digest by which the result is recognised exactly.

    Of a message it covers what a reply shows, of a participant its identity or addresses.
    """
    tolerant: str = ""
    """The digest over what remains of a message if a server normalises text; empty in older intents."""
    author: str = ""
    """The digest of the author of a message; empty in older intents."""
    date: str = ""
    """The digest of `date_created`, if one was sent."""
    sent: dict[str, str] = {}
    """The digest of each field, for the binding."""
    webhooks: bool = False
    """Whether the service's webhooks were called, which may have changed the message."""
    name: str = ""
    """The friendly name of a service, or the unique name of a conversation."""
    known: tuple[str, ...] = ()
    """SIDs that are not the result: of services with that name before, or of a replaced conversation."""
    opened_at: str = ""
    """When it was sent, by the server's clock, in whole seconds of UTC."""
    clock_at: str = ""
    """When it was sent, by our own clock."""
    sensitive: tuple[str, ...] = ()
    """Fields that are not shown, for the binding."""
    ignored: tuple[tuple[str, ...], ...] = ()
    """The paths of `ignore_changes`, for the binding."""
    anchor: Anchor | None = None
    """Where the relative timeline of the conversation begins, for the binding."""


class InFlight(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """What a running apply was about to create in one conversation when the snapshot was written."""

    boundary: int = -1
    """The highest index in the conversation before."""
    creates: dict[Address, str] = {}
    """The match digest of each message by address, in the order in which they are sent."""
    tolerant: dict[Address, tuple[str, str]] = {}
    """The tolerant digest and that of the author, by address."""
    dates: dict[Address, str] = {}
    """The digest of the date, by address, where one is sent."""
    participants: dict[Address, str] = {}
    """The digest of the identity or addresses of each participant, by address."""
    service_sid: str = ""
    """The service; empty if it is to be created too."""
    conversation_sid: str = ""
    """The conversation; empty if it is to be created too."""
    webhooks: bool = False
    """Whether the service's webhooks are called for any of them."""
    unordered: bool = False
    """Whether they may be sent side by side, so that their indexes need not rise."""
    opened_at: str = ""
    """When the snapshot was written, by the server's clock, in whole seconds of UTC."""
    clock_at: str = ""
    """When it was written, by our own clock."""
    parent: Intent | None = None
    """The create of the conversation, if it is created too; alone for a service."""


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


def gone(address: Address, binding: Binding, sid: str) -> Bound | Unbound:
    """Return the record of the deletion of *sid*, which *binding* of *address* has or superseded."""
    left = binding.without(sid)
    return Unbound(address) if left is None else Bound(address, left)


def hard_binding(binding: Binding, digest: Digests) -> Binding:
    """Return *binding* with hard digests of its sensitive fields."""
    return structs.replace(
        binding,
        sent=_hard(binding.sent, binding.sensitive, digest),
        observed=_hard(binding.observed, binding.sensitive, digest),
    )


def hard_intent(intent: Intent, digest: Digests) -> Intent:
    """Return *intent* with hard digests of its sensitive fields, and of match texts that contain them."""
    match, tolerant, author = hard_match(
        (intent.match, intent.tolerant, intent.author), intent.sensitive, digest
    )
    sent = _hard(intent.sent, intent.sensitive, digest)
    return structs.replace(intent, sent=sent, match=match, tolerant=tolerant, author=author)


def hard_match(
    known: tuple[str, str, str], sensitive: tuple[str, ...], digest: Digests
) -> tuple[str, str, str]:
    """Return the digests by which a create is recognised, hard where a *sensitive* field is part of them.

    *known* are those of the exact and the tolerant match and of the author.
    """
    match, tolerant, author = known
    if not _MATCHED.isdisjoint(sensitive):
        match, tolerant = digest.hard(match), digest.hard(tolerant)
    return match, tolerant, digest.hard(author) if "author" in sensitive else author


def _hard(digests: dict[str, str], names: tuple[str, ...], digest: Digests) -> dict[str, str]:
    return {name: digest.hard(text) if name in names else text for name, text in digests.items()}


class State(Struct):
    """Everything remembered about one account at one origin."""

    lineage: str
    """The name of the history: 128 random bits, in hex. It is part of every digest."""
    account_sid: str
    """The account."""
    origin: str
    """`scheme://host[:port]`, or `emulator:` and the id of its store."""
    serial: int = 0
    """How many snapshots were written."""
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

    def apply(self, record: Record) -> None:
        """Change this state as *record* says."""
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
        return Digests(self.lineage)

    def protected(self, record: Record) -> Record:
        """Return *record* as it may be stored: with hard digests of sensitive fields."""
        match record:
            case Bound(address, binding) if binding.sensitive:
                return Bound(address, hard_binding(binding, self.digest))
            case Opened(intent) if intent.sensitive:
                return Opened(hard_intent(intent, self.digest))
        return record
