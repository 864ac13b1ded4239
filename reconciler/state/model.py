"""What the tool remembers: bindings, open intents, and the records that change them.

A `State` is changed only by `State.apply(record)`; the journal stores the same records, so that
replaying it is applying them again. Nothing here does I/O.
"""

from typing import Final

from msgspec import Struct, field, structs

from reconciler.model import Address, Anchor
from reconciler.state.digests import Digests


class Binding(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """The live object that an address stands for.

    *sent* has a digest per managed field: what was last sent. *observed* has one only where the
    reply showed something else. *superseded* are earlier messages of this address that are still
    to be deleted. *created* says of a parent that this tool made it. A *released* binding spares
    its message: no longer managed, never counted as unmanaged. An *imported* one has fields that
    were never sent by us: what cannot be seen is assumed equal. The values of *sensitive* fields are not
    shown, even when no manifest says so any more. *ignored* are the paths that `ignore_changes` left alone:
    the digests leave them out. A conversation has an *anchor* if its timeline is relative.
    """

    sid: str
    service_sid: str = ""
    conversation_sid: str = ""
    index: int = -1
    sent: dict[str, str] = {}
    observed: dict[str, str] = {}
    superseded: tuple[str, ...] = ()
    created: bool = False
    released: bool = False
    imported: bool = False
    sensitive: tuple[str, ...] = ()
    ignored: tuple[tuple[str, ...], ...] = ()
    anchor: Anchor | None = None

    def without(self, sid: str) -> "Binding | None":
        """Return what the address stands for once the message *sid* is gone, None if for nothing.

        While messages that it superseded are still to be deleted, the first of them takes its place: without
        a binding they would be left behind. What was sent to that one is no longer known.
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
"""Fields that can be sensitive and are part of what a create is recognised by."""


class Intent(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """A create that may have been sent and whose reply is not on record.

    For a message, *boundary* is the highest index known before it. *match* is the digest over what a
    reply can show, *tolerant* the one over what is left of that by a server that normalises text, and
    *author* that of the author; older intents have *match* alone. *date* is the digest of date_created, if
    one was sent. For a participant, *match* is the digest of the natural key. *known* lists the sids that
    are not what it made: of a service those of its name before, of a conversation the one whose place it
    takes. *name* is the unique name that a conversation was to get. *sent*, *sensitive*, *ignored* and
    *anchor* become the binding's if the create turns out to have happened. *opened_at* is in whole seconds
    of UTC by the server's date, *clock_at* by our own clock.
    """

    address: Address
    service_sid: str = ""
    conversation_sid: str = ""
    boundary: int = -1
    match: str = ""
    tolerant: str = ""
    author: str = ""
    date: str = ""
    sent: dict[str, str] = {}
    webhooks: bool = False
    name: str = ""
    known: tuple[str, ...] = ()
    opened_at: str = ""
    clock_at: str = ""
    sensitive: tuple[str, ...] = ()
    ignored: tuple[tuple[str, ...], ...] = ()
    anchor: Anchor | None = None


class InFlight(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """What was about to be created in one conversation when the snapshot was written.

    *creates* maps address to match digest, in the order in which they are sent, *tolerant* to the tolerant
    digest and that of the author, *dates* to the digest of the date where one is sent. *participants* maps
    to the digest of the natural key. *parent* is there if the conversation is to be created too, and alone
    for a service.
    """

    boundary: int = -1
    creates: dict[Address, str] = {}
    tolerant: dict[Address, tuple[str, str]] = {}
    dates: dict[Address, str] = {}
    participants: dict[Address, str] = {}
    service_sid: str = ""
    conversation_sid: str = ""
    webhooks: bool = False
    opened_at: str = ""
    clock_at: str = ""
    parent: Intent | None = None


class Opened(Struct, frozen=True, gc=False, tag="opened", tag_field="record", forbid_unknown_fields=True):
    """A create is about to be sent."""

    intent: Intent


class Closed(Struct, frozen=True, gc=False, tag="closed", tag_field="record", forbid_unknown_fields=True):
    """The open intent of *address* came to nothing."""

    address: Address


class Bound(Struct, frozen=True, gc=False, tag="bound", tag_field="record", forbid_unknown_fields=True):
    """*address* now stands for this object.

    That closes its intent, unless the address stood for this object before, or superseded it: an update, or
    the deletion of its successor, does not say what became of an open create.
    """

    address: Address
    binding: Binding


class Unbound(Struct, frozen=True, gc=False, tag="unbound", tag_field="record", forbid_unknown_fields=True):
    """*address* stands for nothing any more: deleted or forgotten. An open create of it stays open."""

    address: Address


class Moved(Struct, frozen=True, gc=False, tag="moved", tag_field="record", forbid_unknown_fields=True):
    """The object of *previous* is now that of *address*."""

    previous: Address
    address: Address


class PlanOpened(
    Struct, frozen=True, gc=False, tag="plan_opened", tag_field="record", forbid_unknown_fields=True
):
    """A saved plan was begun, or goes on; *serial* is that of the snapshot which says so."""

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
    """A saved plan whose apply was not seen to end, or could not do everything.

    It may go on while *serial* is that of the state, so that nothing else was done meanwhile. *done* are the
    numbers of its actions that need nothing more.
    """

    plan_id: str
    serial: int
    done: list[int] = []


def gone(address: Address, binding: Binding, sid: str) -> Bound | Unbound:
    """Return the record that *sid* is gone from what *address*, bound so, stands for."""
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
    """Return *intent* with hard digests of its sensitive fields, and of all that they are part of."""
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
    """Everything remembered about one account at one origin.

    *lineage* names the history (128 random bits, hex), *serial* counts the snapshots written.
    *origin* is `scheme://host[:port]`, or `emulator:` and the id of its store.
    """

    lineage: str
    account_sid: str
    origin: str
    serial: int = 0
    bindings: dict[Address, Binding] = field(default_factory=dict)
    in_flight: dict[Address, InFlight] = field(default_factory=dict)
    intents: dict[Address, Intent] = field(default_factory=dict)
    """Creates of unknown outcome, in the order in which they were sent."""
    used_plans: list[str] = field(default_factory=list)
    open_plan: OpenPlan | None = None

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
        """Makes the digests of canonical texts of fields in this history."""
        return Digests(self.lineage)

    def protected(self, record: Record) -> Record:
        """Return *record* as it may be kept: what it says of sensitive values is slow to guess."""
        match record:
            case Bound(address, binding) if binding.sensitive:
                return Bound(address, hard_binding(binding, self.digest))
            case Opened(intent) if intent.sensitive:
                return Opened(hard_intent(intent, self.digest))
        return record
