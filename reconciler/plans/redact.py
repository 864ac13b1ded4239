"""Sensitive values: mark their fields in a plan, and save a plan without them.

A saved plan has a digest in the place of each. To apply it, the manifests and variables are named again, and
live values are read again. Then exactly what was planned is done, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final, TypeVar, cast

import msgspec

from reconciler.errors import PlanError
from reconciler.model import Address, Desired, Message, declared, declared_conversations
from reconciler.plans.actions import SENSITIVE, Action, FieldChange, Verb
from reconciler.plans.fingerprint import Live, live_texts
from reconciler.plans.part import Part, Piece, map_actions, map_pieces
from reconciler.plans.plan import Plan, PlanWarning
from reconciler.plans.sid_references import filled
from reconciler.resources.conversation import conversation_values
from reconciler.resources.message import desired_values
from reconciler.resources.schema import with_ignored_from
from reconciler.state.digests import SECONDS, DigestKey, Digests
from reconciler.state.model import Bound, State, Unbound
from reconciler.state.remembered import Intent, hard_intent
from reconciler.text.words import quoted

R = TypeVar("R", Bound, Unbound, Bound | Unbound)


_STANDS_FOR: Final = "sensitive:"
"""The prefix of a digest in the place of a value."""


_MANY: Final = 200
"""The number of sensitive values from which the time for their digests is worth a warning."""


_OF_A_CREATE: Final = 2
"""The number of hard digests that a create needs besides those of its fields."""


_POSTED: Final = frozenset({Verb.CREATE, Verb.REPLACE})


_NAMED: Final = 3
"""The most addresses that a warning names."""


def mark(part: Part, desired: Desired, state: State) -> Part:
    """Return *part* with the sensitive fields of each action: those declared so now, or when last applied."""
    now = dict(_sensitive(desired))
    before = {address: binding.sensitive for address, binding in state.bindings.items() if binding.sensitive}
    if not now and not before:
        return part

    def marked(action: Action) -> Action:
        previous = action.previous_address or action.address
        names = (*action.sensitive, *now.get(action.address, ()), *before.get(previous, ()))
        return msgspec.structs.replace(action, sensitive=tuple(dict.fromkeys(names))) if names else action

    part = map_actions(part, marked)
    return msgspec.structs.replace(
        part,
        sensitive_values=sum(map(len, now.values())),
        has_digest_keys=bool(state.digest_keys),
        hidden=_undeclared(before, now),
        veiled={
            action.address: tuple(names)
            for action in chain(part.actions, part.drifted or ())
            if (names := [name for name in _shown(action) if name not in now.get(action.address, ())])
        },
    )


def _undeclared(
    known: Mapping[Address, tuple[str, ...]], declared: Mapping[Address, tuple[str, ...]]
) -> dict[Address, tuple[str, ...]]:
    """Return the *known* sensitive fields that are not *declared* sensitive, by address."""
    left = {address: {*names} - {*declared.get(address, ())} for address, names in known.items()}
    return {address: tuple(sorted(names)) for address, names in left.items() if names}


def warnings_of_sensitive(parts: Sequence[Part], actions: Sequence[Action]) -> list[PlanWarning]:
    """Return the warnings about sensitive values in *parts*, whose *actions* are in the order of the plan.

    They tell where only the state calls a text sensitive, as a forged state could hide a change so, and how
    long the digests of many values take.
    """
    return [*_slow(parts, actions), *_hidden_by_state(parts, actions)]


def _slow(parts: Sequence[Part], actions: Sequence[Action]) -> Iterator[PlanWarning]:
    """Yield a warning about the time for the digests of many sensitive values; those with a key are fast."""
    values = sum(part.sensitive_values for part in parts)
    if values >= _MANY and not any(part.has_digest_keys for part in parts):
        creates = sum(bool(one.sensitive) and one.verb in _POSTED for one in actions)
        seconds = (values + _OF_A_CREATE * creates) * SECONDS
        text = f"digests that are slow to guess from are made of {values:,} sensitive values: an apply needs "
        yield PlanWarning("slow_digests", "", f"{text}up to {seconds:,.0f} s of processor time for them")


def _hidden_by_state(parts: Sequence[Part], actions: Sequence[Action]) -> Iterator[PlanWarning]:
    """Yield a warning about texts that are hidden although no manifest calls them sensitive."""
    veiled = {address: names for part in parts for address, names in part.veiled.items()}
    if not veiled:
        return
    drifted = sorted({one.address for part in parts for one in part.drifted or ()})
    order = dict.fromkeys(chain((one.address for one in actions), drifted))
    hidden = {address: veiled[address] for address in order if address in veiled}
    if hidden:
        first = [f"{quoted(names)} of `{address}`" for address, names in islice(hidden.items(), _NAMED)]
        more = f" and of {len(hidden) - _NAMED:,} more" if len(hidden) > _NAMED else ""
        yield PlanWarning(
            "hidden_by_state",
            next(iter(hidden)),
            f"{', '.join(first)}{more} is hidden because the state, not a manifest, calls it sensitive",
        )


def _shown(action: Action) -> list[str]:
    """Return the sensitive fields of which a report of *action* would show something."""
    return [name for name in action.sensitive if name in action.before or name in action.after]


def withheld(plan: Plan, keys: tuple[DigestKey, ...] = ()) -> Plan:
    """Return *plan* as it may be saved: each sensitive value that it sends is replaced by a digest.

    *keys* are those of digests.
    """
    kept = _Withheld(plan.lineage, keys)
    drift = plan.drift
    if drift is not None:
        drift = msgspec.structs.replace(drift, objects=tuple(map(kept.action, drift.objects)))
    return msgspec.structs.replace(
        plan,
        actions=tuple(map(kept.action, plan.actions)),
        drift=drift,
        records=tuple(map(kept.record, plan.records)),
        settlements=kept.settlements(plan.settlements),
    )


def part_withheld(part: Part, keys: tuple[DigestKey, ...] = ()) -> Part:
    """Return *part* as it may be saved, as `withheld` does it with a plan."""
    kept = _Withheld(part.lineage, keys)
    part = map_pieces(map_actions(part, kept.action), kept.piece)
    return msgspec.structs.replace(
        part,
        drift_records=tuple(map(kept.record, part.drift_records)),
        settlements=kept.settlements(part.settlements),
    )


class _Withheld:
    """What a plan is made of, without its sensitive values."""

    def __init__(self, lineage: str, keys: tuple[DigestKey, ...]) -> None:
        self._digest = Digests(lineage, keys)
        self._state = State(lineage, "", "", digest_keys=keys)

    def action(self, action: Action) -> Action:
        """Return *action* with a digest in the place of each sensitive value."""
        hidden = frozenset(action.sensitive)
        if not hidden:
            return action

        def stand_in(name: str, text: str) -> str:
            if name not in hidden or name in action.reset:
                return text
            if action.verb is Verb.MOVE:
                return SENSITIVE  # nothing is sent and nothing is bound, so nothing needs the value again
            return _STANDS_FOR + self._digest.hard(self._digest(name, text))

        changed = dict.fromkeys(str(change.path[0]) for change in action.changes if change.path[0] in hidden)
        return msgspec.structs.replace(
            action,
            before={name: SENSITIVE if name in hidden else text for name, text in action.before.items()},
            after={name: stand_in(name, text) for name, text in action.after.items()},
            send={name: stand_in(name, text) for name, text in action.send.items()},
            changes=(
                *(change for change in action.changes if change.path[0] not in hidden),
                *(FieldChange((name,), SENSITIVE, SENSITIVE) for name in changed),
            ),
        )

    def piece(self, piece: Piece) -> Piece:
        """Return *piece* with such digests in its records."""
        if not piece.records:
            return piece
        return msgspec.structs.replace(piece, records=tuple(map(self.record, piece.records)))

    def record(self, record: R) -> R:
        """Return *record* as a state may store it."""
        kept: Any = self._state.protected(record)
        return cast("R", kept)

    def settlements(
        self, settlements: tuple[tuple[Intent, str | None], ...]
    ) -> tuple[tuple[Intent, str | None], ...]:
        """Return *settlements* as a state may store their intents."""
        return tuple(
            (hard_intent(intent, self._digest) if intent.sensitive else intent, sid)
            for intent, sid in settlements
        )


def is_whole(plan: Plan | Part) -> bool:
    """Return whether a saved plan or part needs nothing of the manifests that it was made from."""
    return not any(_missing(action) for action in plan.actions)


def restored(plan: Plan, desired: Desired, live: Mapping[str, Live], digests: Digests) -> Plan:
    """Return the saved *plan* with the values that were withheld; *digests* are those of its state.

    They come from *desired*, or from the *live* messages by sid: for `ignore_changes`, and for fields that a
    replacement carries over. Raises PlanError if a value differs from the planned one.
    """
    values: dict[Address, Mapping[str, str]] = {} if is_whole(plan) else _values(desired, plan)

    def whole(action: Action) -> Action:
        missing = _missing(action)
        if not missing:
            return action
        shown = live_texts(action, there) if (there := live.get(action.sid or "")) else {}
        found = {}
        for name, digest in missing.items():
            for text in _candidates(action, name, values.get(action.address, {}), shown):
                if digests.fits(digest, name, text):
                    found[name] = text
            if name not in found:
                raise PlanError(
                    f"stale plan: the sensitive `{name}` of `{action.address}` is not what it was",
                    hint="run `reconciler plan --out FILE` again and review the result",
                )
        return msgspec.structs.replace(
            action,
            after={name: found[name] if name in missing else text for name, text in action.after.items()},
            send={name: found[name] if name in missing else text for name, text in action.send.items()},
        )

    return msgspec.structs.replace(plan, actions=tuple(map(whole, plan.actions)))


def _missing(action: Action) -> dict[str, str]:
    """Return the digests that stand for sensitive values in *action*, by field."""
    return {
        name: text.removeprefix(_STANDS_FOR)
        for name, text in (*action.send.items(), *action.after.items())
        if name in action.sensitive and text.startswith(_STANDS_FOR)
    }


def _candidates(
    action: Action, name: str, wanted: Mapping[str, str], live: Mapping[str, str]
) -> Iterator[str]:
    """Yield the texts that can have been planned for a field: the manifest's, the live one, or both."""
    if name in wanted:
        yield wanted[name]
    if name in live:
        yield live[name]
    if name in wanted and name in live:
        yield with_ignored_from(name, wanted[name], live[name], action.ignored)


def _sensitive(desired: Desired) -> Iterator[tuple[Address, tuple[str, ...]]]:
    """Yield the addresses that have sensitive fields, at next to no cost for all others."""
    for address, conversation in declared_conversations(desired):
        if conversation.sensitive:
            yield address, conversation.sensitive
        for message in conversation.messages:
            if message.sensitive:
                yield f"{address}/{message.key}", message.sensitive


def _values(desired: Desired, plan: Plan) -> dict[Address, Mapping[str, str]]:
    desired = filled(desired, plan.sids).desired
    return {
        address: desired_values(one) if isinstance(one, Message) else conversation_values(one)
        for address, one in declared(desired)
    }
