"""A part of a plan: what was decided for some of the conversations, before the whole is judged.

Each conversation is planned by itself. `planner.join` makes one plan of one or of many. Only it counts
what is lost, and warns or refuses because of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from reconciler.model import Address, RemoteService
from reconciler.plans.actions import Action
from reconciler.plans.options import Options
from reconciler.plans.plan import Parent, PlanWarning, Refusal
from reconciler.state.model import Bound, Unbound
from reconciler.state.remembered import Binding, Intent


class Tally(Struct, frozen=True, gc=False, omit_defaults=True):
    """What the guard counts in one conversation; what `--reset` does inside it is left out."""

    bound: int = 0
    """How many messages are bound."""
    size: int = 0
    """How many messages are bound or live; 0 where nothing is lost and nothing created again."""
    lost: int = 0
    """How many messages are deleted or replaced, superseded ones aside."""
    with_parent: int = 0
    """How many of the lost ones go with their conversation."""
    again: int = 0
    """How many messages are created again because they vanished."""
    is_deleted: bool = False
    """Whether the conversation itself is deleted, also where it is made anew."""


class Removal(Struct, frozen=True):
    """What decides about a service that no manifest has any more."""

    binding: Binding
    live: RemoteService | None
    """The service; None if it is gone."""
    listed: int
    """How many conversations its listing has; 0 where nobody had to count them."""
    known: int
    """How many of them this part declares or has bound."""


class Piece(Struct, frozen=True, omit_defaults=True):
    """What was decided for one service or conversation."""

    address: Address
    """The service or conversation."""
    place: int = -1
    """Its number among the services, or the conversations, of all manifests; -1 if none declares it."""
    first: tuple[Action, ...] = ()
    """The actions of the blocks `moved:`, `import:` and `removed:`, which send nothing."""
    actions: tuple[Action, ...] = ()
    """What is to be done, in order; the deletion of a service is left to the join."""
    warnings: tuple[PlanWarning, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    records: tuple[Bound | Unbound, ...] = ()
    """Changes of bindings that need no request."""
    no_ops: int = 0
    """How many messages need nothing."""
    parent: Parent | None = None
    """How it was resolved, if the plan is about it."""
    sid: str = ""
    """The sid of a live conversation."""
    is_unordered: bool = False
    """Whether its manifest says `order: any`."""
    seen: int | None = None
    """The highest index seen in it if it exists and gets new messages; -1 if it had none."""
    tally: Tally | None = None
    """What the guard counts; None for a service."""
    remains: bool = True
    """Whether a conversation that is to be removed exists afterwards."""
    is_removal: bool = False
    """Whether the plan removes it, as no manifest has it or all is destroyed."""
    ended: str = ""
    """`closed` or `inactive` if the conversation is that and no manifest says so."""
    is_touched: bool = True
    """Whether the plan is about anything in it."""
    waits: tuple[str, ...] = ()
    """The settings of the conversation that wait for a plan of the whole."""
    removal: Removal | None = None
    """What decides about a service that is to be removed."""


class Part(Struct, frozen=True, omit_defaults=True):
    """Everything that was decided for some conversations, and what is known of the whole."""

    options: Options
    lineage: str
    """The lineage of the state that it was made from."""
    serial: int
    """The serial of that state, or the sum of *serials*."""
    manifest_digest: str
    """The digest of all manifests, those of other parts included."""
    serials: dict[int, int] = {}
    """The serial of each group of conversations, where the state is kept by group."""
    services: tuple[Piece, ...] = ()
    """Services that the plan is about, in the order of the manifests, then those to be removed."""
    conversations: tuple[Piece, ...] = ()
    """All conversations of the part, in the order of the manifests, then those that are only bound."""
    refusals: tuple[Refusal, ...] = ()
    """What the blocks ask for and cannot be done."""
    warnings: tuple[PlanWarning, ...] = ()
    """What is odd about dates and values of the manifests, by conversation."""
    doubts: tuple[PlanWarning, ...] = ()
    """What the authors of the manifests may not have meant; every part has all of them."""
    notes: tuple[PlanWarning, ...] = ()
    """What was odd when it was made, such as another run that held the lock."""
    unmatched: tuple[str, ...] = ()
    """Globs of the options that match no address of this part."""
    replaceable: tuple[Address, ...] = ()
    """The addresses of `--replace` that it declares."""
    partly_replaced: tuple[Address, ...] = ()
    """Those of conversations of which a part is left out."""
    partly_selected: tuple[Address, ...] = ()
    """Services of which something bound is left out."""
    bound_elsewhere: int = 0
    """How many messages are bound in conversations that are in no part, if the guard needs to know."""
    awaits: tuple[Address, ...] = ()
    """The services whose sids texts of the manifests refer to."""
    sids: dict[Address, str] = {}
    """The sids of those that exist."""
    sensitive_values: int = 0
    """How many values are declared sensitive."""
    has_digest_keys: bool = False
    """Whether digests of sensitive values are made with a key, which is fast."""
    hidden: dict[Address, tuple[str, ...]] = {}
    """Fields that the state calls sensitive, by address, where the manifests do not."""
    veiled: dict[Address, tuple[str, ...]] = {}
    """Those of *hidden* of which an action shows something, by the address of the action."""
    unknown: dict[Address, str] = {}
    """Open creates whose outcome cannot be told, with the reason."""
    settlements: tuple[tuple[Intent, str | None], ...] = ()
    """Open creates of earlier runs that were settled, each with the sid that was found, or None."""
    drifted: tuple[Action, ...] | None = None
    """What was changed remotely, in a refresh-only plan."""
    drift_records: tuple[Bound, ...] = ()
    """The records that make the state say what is live."""
    requests_read: int = 0
    """How many requests were sent to read."""

    @property
    def pieces(self) -> Iterator[Piece]:
        """All services and conversations."""
        yield from self.services
        yield from self.conversations

    @property
    def actions(self) -> Iterator[Action]:
        """All actions, those of the blocks included."""
        for piece in self.pieces:
            yield from piece.first
            yield from piece.actions

    def addresses(self) -> set[Address]:
        """Return every address of which a plan of it may change what the state has."""
        found: set[Address] = set()
        for action in self.actions:
            found.add(action.address)
            if action.previous_address is not None:
                found.add(action.previous_address)
        for piece in self.pieces:
            found.update(record.address for record in piece.records)
            if piece.removal is not None:
                found.add(piece.address)
        found.update(record.address for record in self.drift_records)
        return found.union(intent.address for intent, _ in self.settlements)


def only_services(part: Part) -> Part:
    """Return *part* with what it does with services themselves alone."""
    return msgspec.structs.replace(
        part, conversations=(), refusals=(), warnings=(), unknown={}, settlements=()
    )


def without_services(part: Part) -> Part:
    """Return *part* without what it does with services themselves; how they were resolved stays."""
    services = (
        msgspec.structs.replace(one, first=(), actions=(), warnings=(), records=(), removal=None)
        for one in part.services
    )
    return msgspec.structs.replace(part, services=tuple(services))


def map_pieces(part: Part, change: Callable[[Piece], Piece]) -> Part:
    """Return *part* with each piece replaced by what *change* returns for it."""
    return msgspec.structs.replace(
        part,
        services=tuple(map(change, part.services)),
        conversations=tuple(map(change, part.conversations)),
    )


def map_actions(part: Part, change: Callable[[Action], Action]) -> Part:
    """Return *part* with each action, those of its drift included, replaced by what *change* returns."""

    def changed(piece: Piece) -> Piece:
        if not piece.first and not piece.actions:
            return piece
        first, actions = tuple(map(change, piece.first)), tuple(map(change, piece.actions))
        return msgspec.structs.replace(piece, first=first, actions=actions)

    part = map_pieces(part, changed)
    if part.drifted is None:
        return part
    return msgspec.structs.replace(part, drifted=tuple(map(change, part.drifted)))
