"""The plan as a value: actions, warnings, refusals and what was read for them."""

from __future__ import annotations

from msgspec import Struct

from reconciler.model import Address
from reconciler.plans.actions import Action, Verb, posting
from reconciler.state.model import Bound, Intent, Unbound


class PlanWarning(Struct, frozen=True):
    """Something the reader should know; *code* is stable, *text* is for people."""

    code: str
    address: Address
    text: str


class Refusal(Struct, frozen=True):
    """Why a plan must not be applied as it is; *hint* names the flag or the way out."""

    code: str
    text: str
    hint: str


class Parent(Struct, frozen=True):
    """How a service or conversation was resolved; *sid* is None where apply will create it."""

    address: Address
    sid: str | None
    found: bool


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
    """What was changed remotely since the last apply.

    Each of *objects* has the verb `update`, with the live values in *after* and in *before* those that are
    known, or `delete`, if it is gone. *pending* counts the changes in the manifests that are not applied
    yet; None if no manifest was looked at.
    """

    objects: tuple[Action, ...]
    pending: int | None = None


class Plan(Struct, frozen=True):
    """What apply would do, in the order in which people read it.

    *records* bring bindings up to date without any request. *unordered* are the conversations
    whose creates may run side by side (`order: any`). *settlements* are the open intents of which it is
    known what became of them, with the sid that was found for each. With a *drift* it is a refresh-only
    plan: it has no actions, and its records make the state say what is live. *sids* are those of services
    that texts refer to. *seen* has the highest index that was seen in each existing conversation that gets
    new messages: -1 where it had none.
    """

    actions: tuple[Action, ...]
    parents: tuple[Parent, ...] = ()
    warnings: tuple[PlanWarning, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    records: tuple[Bound | Unbound, ...] = ()
    unordered: tuple[Address, ...] = ()
    no_ops: int = 0
    lineage: str = ""
    serial: int = 0
    manifest_digest: str = ""
    settlements: tuple[tuple[Intent, str | None], ...] = ()
    requests_read: int = 0
    drift: Drift | None = None
    sids: dict[Address, str] = {}
    seen: dict[Address, int] = {}

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
        """True if nothing stands against applying it; an empty plan is applyable."""
        return not self.refusals

    @property
    def changes_anything(self) -> bool:
        """True if applying it changes more than how well the state knows what is there."""
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
