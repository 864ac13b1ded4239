"""Make one plan of its parts, and judge the whole: what is lost, what stands twice, what matches nothing.

One machine has one part, many machines have one each. The plan is the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final, TypeVar

import msgspec

from reconciler.errors import PlanError
from reconciler.model import Address, conversation_of, parent_of
from reconciler.planner.draft import Draft
from reconciler.planner.guard import guard
from reconciler.planner.notices import warn_of_ended
from reconciler.planner.open_creates import judge_unknown
from reconciler.planner.parts import warn_of_misses, warn_of_parts
from reconciler.planner.services import plan_service_removal
from reconciler.plans.actions import Action, Verb
from reconciler.plans.part import Part, Piece, Removal, Tally
from reconciler.plans.plan import Drift, Parent, Plan, PlanWarning
from reconciler.plans.redact import warnings_of_sensitive
from reconciler.plans.selection import Selection
from reconciler.plans.sid_references import resolve_references
from reconciler.state.model import Bound, Unbound
from reconciler.state.remembered import Intent

K = TypeVar("K")
V = TypeVar("V")

_BLOCKS: Final = (Verb.MOVE, Verb.ADOPT, Verb.FORGET)
"""The verbs of the actions of blocks, in their order."""


def join(parts: Sequence[Part]) -> Plan:
    """Return the plan of *parts*, which are all there are.

    Raises PlanError if they saw different services.
    """
    return _Join(parts, is_whole=True).plan()


def join_alone(part: Part) -> Plan:
    """Return the plan of one part, which is applied by itself: the guard judges this part alone.

    What only the whole can tell is left out: services to be removed, and options that match nothing.
    """
    return _Join([part], is_whole=False).plan()


def preview(part: Part, name: str) -> Plan:
    """Return what one part would do, for people to read: it is not judged, and nothing can apply it.

    *name* is `I/N`.
    """
    return _Join([part], is_whole=False, name=name).plan()


class _Join:
    """One plan in the making."""

    def __init__(self, parts: Sequence[Part], *, is_whole: bool, name: str = "") -> None:
        self.parts = parts
        self.is_whole = is_whole
        self.name = name
        self.options = parts[0].options
        self.draft = Draft()
        self.records: dict[Address, Bound | Unbound] = {}
        self.services = _services(parts)
        conversations = chain.from_iterable(one.conversations for one in parts)
        self.conversations = sorted(conversations, key=_in_order)

    def plan(self) -> Plan:
        """Put everything in order, judge it, and return it."""
        draft, options = self.draft, self.options
        self._refuse_shared()
        self._refuse_unknown()
        parents = self._take()
        deleted = self._remove_services()
        if self.selection is not None:
            warn_of_parts(draft, self.conversations)
        if self.is_whole:
            missed = frozenset(self.parts[0].unmatched).intersection(*(one.unmatched for one in self.parts))
            warn_of_misses(draft, [glob for glob in options.globs if glob in missed])
        if not self.name:
            elsewhere = sum(one.bound_elsewhere for one in self.parts)
            guard(draft, options, self.conversations, deleted, elsewhere=elsewhere)
        actions = (*self._of_blocks(), *draft.actions)
        unknown = judge_unknown(actions, _union(one.unknown for one in self.parts), destroy=options.destroy)
        warned = warnings_of_sensitive(self.parts, actions)
        blocks = {one.text: one for part in self.parts for one in part.refusals}
        drifted = self._drifted()
        made = Plan(
            actions=actions,
            parents=tuple(parents),
            warnings=(*draft.warnings, *warned, *unknown.warnings, *self._told()),
            refusals=(*unknown.refusals, *(blocks[text] for text in sorted(blocks)), *draft.refusals),
            records=tuple(self.records.values()),
            unordered=tuple(
                piece.address for piece in self.conversations if piece.is_unordered and piece.is_touched
            ),
            no_ops=draft.no_ops,
            drift=None if drifted is None else Drift(drifted),
            seen={piece.address: piece.seen for piece in self.conversations if piece.seen is not None},
            selection=self.selection,
            part=self.name,
            lineage=self.parts[0].lineage,
            serial=self._serial(),
            serials=_union(one.serials for one in self.parts),
            manifest_digest=self.parts[0].manifest_digest,
            settlements=self._settlements(),
            requests_read=sum(one.requests_read for one in self.parts),
            sids=_union(one.sids for one in self.parts),
            hidden=_union(one.hidden for one in self.parts),
        )
        return resolve_references(made, judging=self.is_whole) if self.parts[0].awaits else made

    @property
    def selection(self) -> Selection | None:
        """The part of all addresses that the plan is about; a refresh does not tell."""
        options = self.options
        if options.refresh_only or not (options.targets or options.excludes):
            return None
        return Selection(options.targets, options.excludes)

    def _refuse_shared(self) -> None:
        """Refuse two addresses for one conversation, and plan no removal of these.

        The plan for each would delete the messages of the other as unmanaged.
        """
        holders: dict[str, list[Address]] = {}
        for piece in self.conversations:
            if piece.sid:
                holders.setdefault(piece.sid, []).append(piece.address)
        shared = {sid: addresses for sid, addresses in holders.items() if len(addresses) > 1}
        for sid, addresses in shared.items():
            self.draft.refuse(
                "same_conversation",
                f"{' and '.join(f'`{address}`' for address in addresses)} are one conversation ({sid})",
                "if it was renamed, run `reconciler state mv OLD NEW`; else keep only one in the manifests",
            )
        if shared:
            self.conversations = [
                _left_alone(one) if one.is_removal and one.sid in shared else one
                for one in self.conversations
            ]

    def _refuse_unknown(self) -> None:
        """Refuse `--replace` of what no manifest declares, and of a conversation that is not whole."""
        partly = {address for one in self.parts for address in one.partly_replaced}
        declared = {address for one in self.parts for address in one.replaceable}
        for address in self.options.replace:
            if address in partly:
                self.draft.refuse(
                    "partly_replaced",
                    f"`--replace {address}` is about a conversation of which a part is left out",
                    f"select all of it: `--target {address}`",
                )
            elif address not in declared and self.is_whole:
                self.draft.refuse(
                    "unknown_address",
                    f"`--replace {address}` names no message and no conversation of the manifests",
                    "give the address as `service/conversation/key`, or as `service/conversation`",
                )

    def _take(self) -> list[Parent]:
        """Add what was decided: declared services with their conversations, then what is to be removed.

        Return the parents that the plan is about.
        """
        inside: dict[Address, list[Piece]] = {}
        removals: list[Piece] = []
        for piece in self.conversations:
            (removals if piece.is_removal else inside.setdefault(parent_of(piece.address), [])).append(piece)
        parents: list[Parent] = []
        for service in self.services:
            if service.place < 0:
                removals.append(service)
                continue
            ended = []
            for piece in (service, *inside.pop(service.address, ())):
                self._add(piece)
                if piece.parent is not None:
                    parents.append(piece.parent)
                if piece.ended:
                    ended.append(f"`{piece.address}` ({piece.ended})")
            warn_of_ended(self.draft, service.address, ended)
        for piece in chain(chain.from_iterable(inside.values()), removals):
            self._add(piece)
        return parents

    def _add(self, piece: Piece) -> None:
        draft = self.draft
        draft.actions += piece.actions
        draft.warnings += piece.warnings
        draft.refusals += piece.refusals
        draft.no_ops += piece.no_ops
        for record in piece.records:
            self.records[record.address] = record

    def _remove_services(self) -> list[Address]:
        """Let go of the services that no manifest has, and return those that are deleted."""
        if not self.is_whole:
            return []
        left_out = {address for one in self.parts for address in one.partly_selected}
        remaining = Counter(
            parent_of(piece.address) for piece in self.conversations if piece.is_removal and piece.remains
        )
        before = len(self.draft.actions)
        for service in self.services:
            if (removal := service.removal) is None or service.address in left_out:
                continue
            others = removal.listed - removal.known
            plan_service_removal(
                self.draft,
                service.address,
                removal,
                remaining[service.address] + others,
                destroy=self.options.destroy,
            )
        self.records |= {record.address: record for record in self.draft.records}
        return [one.address for one in self.draft.actions[before:] if one.verb is Verb.DELETE]

    def _of_blocks(self) -> list[Action]:
        """Return the actions of the blocks: moves, imports, and then what is forgotten, children first."""
        by_verb: dict[Verb, list[Action]] = {verb: [] for verb in _BLOCKS}
        for piece in chain(self.services, self.conversations):
            for action in piece.first:
                by_verb[action.verb].append(action)
        for verb, actions in by_verb.items():
            actions.sort(key=_address, reverse=verb is Verb.FORGET)
        return [*chain.from_iterable(by_verb.values())]

    def _drifted(self) -> tuple[Action, ...] | None:
        """Return what was changed remotely, by address; None unless it was looked for."""
        if self.parts[0].drifted is None:
            return None
        found = {one.address: one for part in self.parts for one in part.drifted or ()}
        records = {one.address: one for part in self.parts for one in part.drift_records}
        self.records |= {address: records[address] for address in sorted(records)}
        return tuple(found[address] for address in sorted(found))

    def _told(self) -> list[PlanWarning]:
        """Return what is odd about the manifests, and about the making of the parts: each thing once."""
        notes = list(dict.fromkeys(note for one in self.parts for note in one.notes))
        if self.options.destroy or self.options.refresh_only:
            return notes
        places = {piece.address: at for at, piece in enumerate(self.conversations)}
        odd = [warning for one in self.parts for warning in one.warnings]
        odd.sort(key=lambda one: places.get(conversation_of(one.address), 0))
        return [*self.parts[0].doubts, *odd, *notes]

    def _serial(self) -> int:
        serials = _union(one.serials for one in self.parts)
        return sum(serials.values()) if serials else max(one.serial for one in self.parts)

    def _settlements(self) -> tuple[tuple[Intent, str | None], ...]:
        settled = {one[0].address: one for part in self.parts for one in part.settlements}
        return tuple(settled[address] for address in sorted(settled))


def _services(parts: Sequence[Part]) -> list[Piece]:
    """Return the services of all *parts*, each once; raises PlanError where two saw different things."""
    found: dict[Address, Piece] = {}
    for part in parts:
        for piece in part.services:
            other = found.get(piece.address)
            found[piece.address] = piece if other is None else _joined(other, piece)
    return sorted(found.values(), key=_in_order)


def _joined(one: Piece, other: Piece) -> Piece:
    """Return what two parts say of one service; only their counts of its conversations may differ."""
    if (one.place < 0) != (other.place < 0):  # only one of the two is about it; the other has its blocks
        return one if one.place >= 0 else other
    if one.removal is not None and other.removal is not None:
        listed = max(one.removal.listed, other.removal.listed)  # in doubt the service is kept
        known = one.removal.known + other.removal.known
        one, other = (
            _with_counts(one, one.removal, listed, known),
            _with_counts(other, other.removal, listed, known),
        )
    if one != other:
        raise PlanError(
            f"the parts saw `{one.address}` in different states",
            hint="something changed it meanwhile: plan all parts again",
        )
    return one


def _with_counts(piece: Piece, removal: Removal, listed: int, known: int) -> Piece:
    removal = msgspec.structs.replace(removal, listed=listed, known=known)
    return msgspec.structs.replace(piece, removal=removal)


def _left_alone(piece: Piece) -> Piece:
    """Return *piece* without anything to be done."""
    tally = Tally(piece.tally.bound) if piece.tally is not None else None
    return msgspec.structs.replace(
        piece, actions=(), warnings=(), refusals=(), records=(), no_ops=0, tally=tally, remains=False
    )


def _in_order(piece: Piece) -> tuple[bool, int, Address]:
    return piece.place < 0, piece.place, piece.address


def _address(action: Action) -> Address:
    return action.address


def _union(dicts: Iterable[Mapping[K, V]]) -> dict[K, V]:
    """Return all items of *dicts*."""
    return dict(chain.from_iterable(one.items() for one in dicts))
