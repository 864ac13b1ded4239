"""The plan as a value: actions, warnings, refusals and what was read for them."""

from __future__ import annotations

from msgspec import Struct

from reconciler.model import Address
from reconciler.plans.actions import Action, Verb, posting
from reconciler.plans.selection import Selection
from reconciler.state.model import Bound, Unbound
from reconciler.state.remembered import Intent


class PlanWarning(Struct, frozen=True):
    """Something the reader should know."""

    code: str
    """A stable name for scripts."""
    address: Address
    """What it is about; empty if that is no single address."""
    text: str
    """A sentence for people."""


class Refusal(Struct, frozen=True):
    """Why a plan must not be applied as it is."""

    code: str
    """A stable name for scripts."""
    text: str
    """What is wrong."""
    hint: str
    """The option that permits it, or another way out."""


class Parent(Struct, frozen=True):
    """How a service or conversation was resolved."""

    address: Address
    """Its address."""
    sid: str | None
    """Its sid; None if apply will create it."""
    found: bool
    """Whether it exists."""


class Counts(Struct, frozen=True):
    """The summary line; a replacement counts once in *add* and once in *destroy*."""

    imported: int = 0
    add: int = 0
    change: int = 0
    destroy: int = 0
    move: int = 0
    forget: int = 0
    no_op: int = 0


class Drift(Struct, frozen=True):
    """What was changed remotely since the last apply."""

    objects: tuple[Action, ...]
    """The changed objects, with the verb `update`, and the deleted ones, with `delete`.

    *after* has the live texts, *before* those of the last apply, as far as they are known.
    """
    pending: int | None = None
    """How many changes in the manifests are not applied yet; None if no manifest was read."""


class Plan(Struct, frozen=True):
    """What apply would do, in the order in which people read it."""

    actions: tuple[Action, ...]
    """What is to be done."""
    parents: tuple[Parent, ...] = ()
    """The services and conversations that the plan is about."""
    warnings: tuple[PlanWarning, ...] = ()
    """What the reader should know."""
    refusals: tuple[Refusal, ...] = ()
    """Why it must not be applied as it is."""
    records: tuple[Bound | Unbound, ...] = ()
    """Changes of bindings that need no request."""
    unordered: tuple[Address, ...] = ()
    """Conversations with `order: any`, whose creates may run at the same time."""
    no_ops: int = 0
    """How many messages need nothing."""
    lineage: str = ""
    """The lineage of the state that it was made from."""
    serial: int = 0
    """The serial of that state, or the sum of *serials*."""
    serials: dict[int, int] = {}
    """The serial of each group of conversations, where the state is kept by group."""
    manifest_digest: str = ""
    """The digest of the manifests: `sha256:…`."""
    settlements: tuple[tuple[Intent, str | None], ...] = ()
    """Open creates of earlier runs that were settled, each with the sid that was found, or None."""
    requests_read: int = 0
    """How many requests were sent to read."""
    drift: Drift | None = None
    """What was changed remotely, in a refresh-only plan and for `drift`.

    Such a plan has no actions, and its records make the state say what is live.
    """
    sids: dict[Address, str] = {}
    """The sids of services that texts refer to."""
    seen: dict[Address, int] = {}
    """The highest index seen in each existing conversation that gets new messages; -1 if it had none."""
    selection: Selection | None = None
    """The part of all addresses that it is about; None if it is about everything."""
    hidden: dict[Address, tuple[str, ...]] = {}
    """Fields that the state calls sensitive, by address, where the manifests do not."""
    part: str = ""
    """`I/N` if it is about one part of all conversations, so that nothing judged the whole; else empty."""

    def addresses(self) -> set[Address]:
        """Return every address of which it changes what the state has."""
        changed = {action.address for action in self.actions}
        changed.update(one.previous_address for one in self.actions if one.previous_address is not None)
        changed.update(record.address for record in self.records)
        return changed.union(intent.address for intent, _ in self.settlements)

    @property
    def posting(self) -> list[Address]:
        """The conversations that get new messages."""
        return posting(self.actions)

    @property
    def drifted(self) -> tuple[Action, ...]:
        """The objects that were changed remotely, if the plan looked for them."""
        return self.drift.objects if self.drift is not None else ()

    @property
    def applyable(self) -> bool:
        """Whether nothing refuses it, and it is no part; an empty plan is applyable."""
        return not self.refusals and not self.part

    @property
    def changes_anything(self) -> bool:
        """Whether applying it changes anything but digests in the state."""
        return bool(self.actions or self.drifted)

    @property
    def counts(self) -> Counts:
        """The numbers of the summary line."""
        verbs = [action.verb for action in self.actions]
        replaced = verbs.count(Verb.REPLACE)
        return Counts(
            imported=sum(action.verb is Verb.ADOPT or action.importing for action in self.actions),
            add=verbs.count(Verb.CREATE) + replaced,
            change=verbs.count(Verb.UPDATE),
            destroy=verbs.count(Verb.DELETE) + replaced,
            move=verbs.count(Verb.MOVE),
            forget=verbs.count(Verb.FORGET),
            no_op=self.no_ops,
        )
