"""The plan as a value: actions, their reasons, warnings and refusals."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import UNSET, Struct

from reconciler.model import Address, Anchor, MediaFile, ResourceType, parent_of, type_of
from reconciler.state.model import Bound, Intent, Unbound


class Verb(StrEnum):
    """What an action does. `adopt`, `move` and `forget` send no request."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"
    MOVE = "move"
    FORGET = "forget"
    NO_OP = "no-op"


POSTING: Final = frozenset({Verb.CREATE, Verb.REPLACE})
"""What an action does that makes something new."""


class Reason(StrEnum):
    """Why an action was chosen: a closed set that scripts may rely on."""

    NOT_IN_STATE = "not_in_state"
    MISSING_REMOTELY = "missing_remotely"
    CHANGED_IN_MANIFEST = "changed_in_manifest"
    DRIFTED = "drifted"
    IMMUTABLE_FIELD = "immutable_field"
    ORDER = "order"
    REMOVED_FROM_MANIFEST = "removed_from_manifest"
    UNMANAGED = "unmanaged"
    IDENTICAL_EXISTS = "identical_exists"
    RENAMED = "renamed"
    REQUESTED = "requested"
    SUPERSEDED = "superseded"
    SETTLED = "settled"


SENSITIVE: Final = "(sensitive value)"
"""What is shown of a value that must not be shown."""
KNOWN_AFTER: Final = "(known after apply)"
"""What is shown of a sid that Twilio has not given yet."""


class FieldChange(Struct, frozen=True):
    """One difference. Path parts are names and list positions; values are JSON, UNSET where absent."""

    path: tuple[str | int, ...]
    before: object = UNSET
    after: object = UNSET


class Action(Struct, frozen=True, omit_defaults=True):
    """One step of a plan, with everything needed to show it and to carry it out.

    *before* and *after* map fields to canonical texts; *send* is the part of *after* that the
    request carries, *managed* names the part that the manifest declares and the state will
    remember. *reset* names the fields that are set back to the API's default, as they were dropped
    from the manifest. *ignored* are the `ignore_changes` paths. *with_parent* marks what goes with
    the deletion of its conversation, without a request of its own. *importing* marks an object that the
    address is bound to by this very plan, *released* one that is forgotten but stays spared.
    *fingerprint* has digests of the live object, to refuse a stale plan: of each field that the action
    updates, and under no name of all others that it relies on. The values of *sensitive* fields are
    never shown. *anchor* is where the timeline of a new conversation begins. *awaits* are the services that
    the same plan creates, whose sids are to stand in texts (`awaited_sid`). *dated_by_timeline* says that
    the date of a message came from a relative timeline, so that another plan may give it another one.
    """

    address: Address
    verb: Verb
    reason: Reason
    sid: str | None = None
    index: int = -1
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    send: dict[str, str] = {}
    managed: tuple[str, ...] = ()
    reset: tuple[str, ...] = ()
    ignored: tuple[tuple[str, ...], ...] = ()
    changes: tuple[FieldChange, ...] = ()
    replace_paths: tuple[str, ...] = ()
    previous_address: Address | None = None
    webhooks: bool = False
    with_parent: bool = False
    importing: bool = False
    released: bool = False
    file: MediaFile | None = None
    fingerprint: dict[str, str] = {}
    sensitive: tuple[str, ...] = ()
    anchor: Anchor | None = None
    awaits: tuple[Address, ...] = ()
    dated_by_timeline: bool = False

    @property
    def type(self) -> ResourceType:
        """What the address names."""
        return type_of(self.address)


def posting(actions: Iterable[Action]) -> list[Address]:
    """Return the conversations in which *actions* create messages, replacements included."""
    return list(
        dict.fromkeys(
            parent_of(action.address)
            for action in actions
            if action.verb in POSTING and action.type is ResourceType.MESSAGE
        )
    )


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
    def applyable(self) -> bool:
        """True if nothing stands against applying it; an empty plan is applyable."""
        return not self.refusals

    @property
    def changes_anything(self) -> bool:
        """True if applying it changes more than how well the state knows what is there."""
        return bool(self.actions) or (self.drift is not None and bool(self.drift.objects))

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


class Status(StrEnum):
    """What became of an action."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_REACHED = "not_reached"


class Result(Struct, frozen=True, omit_defaults=True):
    """The outcome of one action. *kind* classes the error: `remote`, `not_sent`, `interrupted`….

    *importing* says that the address was bound to an existing object by this very plan.
    """

    address: Address
    verb: Verb
    status: Status
    sid: str | None = None
    kind: str = ""
    code: int | None = None
    text: str = ""
    importing: bool = False


class Outcome(Struct, frozen=True):
    """What an apply did, action by action, and what it cost in requests.

    *interrupted* says that it was asked to stop before everything was done.
    """

    results: tuple[Result, ...]
    warnings: tuple[PlanWarning, ...] = ()
    read: int = 0
    write: int = 0
    retried: int = 0
    interrupted: bool = False
