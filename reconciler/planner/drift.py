"""Compare live objects with what was last applied, by the digests in the state.

The state holds no values, so the earlier value of a field is known only where a manifest still declares it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from reconciler.model import (
    PARTICIPANTS,
    Address,
    Conversation,
    ConversationView,
    Desired,
    Message,
    Remote,
    declared,
    declared_conversations,
    parent_of,
)
from reconciler.planner.changes import field_changes
from reconciler.planner.scopes import Coverage
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.options import Options
from reconciler.plans.part import Part
from reconciler.plans.plan import Drift, Plan
from reconciler.resources.conversation import CONVERSATION, conversation_values, seen_conversation_values
from reconciler.resources.drifted import drifted_fields, last_seen
from reconciler.resources.message import MESSAGE, desired_values, live_values
from reconciler.resources.participant import PARTICIPANT, live_participant_values, participant_values
from reconciler.resources.schema import Digest, Paths, ResourceSchema
from reconciler.state.index import BindingIndex, index_bindings
from reconciler.state.model import Bound, State
from reconciler.state.remembered import Binding

_SERVICE: Final = ResourceSchema(unseen=frozenset(), immutable=frozenset(), defaults={})
_ABSENT: Final = ConversationView(remote=None)
_DRIFT: Final = frozenset({Reason.DRIFTED, Reason.MISSING_REMOTELY})


class _Object(Struct):
    """One bound object."""

    address: Address
    """Its address."""
    binding: Binding
    """Its binding."""
    schema: ResourceSchema
    live: dict[str, str] | None
    """Its live texts by field; None if it is gone."""
    declared: Mapping[str, str] = {}
    """What a manifest declares now."""
    ignored: Paths = ()
    """The paths of `ignore_changes`, of the last apply and of the manifest."""


def plan_refresh(
    desired: Desired,
    remote: Remote,
    state: State,
    options: Options = Options(),  # noqa: B008  # frozen
    *,
    bound: BindingIndex | None = None,
) -> Part:
    """Return what was changed remotely, with the records that take it into the state.

    *bound* are the bindings of *state*, if they are indexed already. Objects come in the order of their
    addresses, so parents first.

    It sends nothing. A deleted object keeps its binding: the next plan calls it missing, and the guard counts
    it. An object that no manifest declares any more is compared under the `ignore_changes` of its last apply.
    """
    coverage, digest = Coverage(state, options), state.digest
    drifted: list[Action] = []
    records: list[Bound] = []
    for item in _objects(desired, remote, index_bindings(state) if bound is None else bound, digest):
        if item.binding.released or not coverage.selects(item.address):
            continue
        if item.live is None:
            action = Action(item.address, Verb.DELETE, Reason.MISSING_REMOTELY, sid=item.binding.sid)
            drifted.append(action)
        elif fields := drifted_fields(item.schema, item.live, item.binding, digest, ignored=item.ignored):
            drifted.append(_changed(item, fields, digest))
            records.append(Bound(item.address, _taken(item, fields, digest)))
    drifted.sort(key=lambda action: action.address)
    records.sort(key=lambda record: record.address)
    return Part(
        options=options,
        drifted=tuple(drifted),
        drift_records=tuple(records),
        lineage=state.lineage,
        serial=state.serial,
        serials=state.serials,
        manifest_digest=desired.digest,
        requests_read=remote.requests,
    )


def count_pending(made: Plan, drift: Drift) -> int:
    """Return how many actions of *made*, a plan of the same moment, do not undo *drift*."""
    disordered = {parent_of(item.address) for item in drift.objects if item.verb is Verb.DELETE}
    return sum(
        action.reason not in _DRIFT
        and not (action.reason is Reason.ORDER and parent_of(action.address) in disordered)
        for action in made.actions
    )


def _objects(desired: Desired, remote: Remote, bound: BindingIndex, digest: Digest) -> Iterator[_Object]:
    """Yield everything that is bound."""
    manifests = dict(declared(desired))
    people = {
        f"{address}/{PARTICIPANTS}/{one.key}": participant_values(one)
        for address, conversation in declared_conversations(desired)
        for one in conversation.participants
    }
    for address, binding in bound.services.items():
        service = remote.services.get(address)
        names = {"friendly_name": service.friendly_name or ""} if service else None
        yield _Object(address, binding, _SERVICE, names)
    for address, binding in bound.conversations.items():
        view, conversation = remote.conversations.get(address, _ABSENT), manifests.get(address)
        wanted = conversation_values(conversation) if isinstance(conversation, Conversation) else {}
        seen = seen_conversation_values(view, wanted, binding, digest, remote.read_at)
        yield _Object(address, binding, CONVERSATION, seen if view.remote else None, wanted)
    for place, messages in bound.messages.items():
        view = remote.conversations.get(place, _ABSENT)
        for address, binding in messages.items():
            message, declaration = view.messages.get(binding.sid), manifests.get(address)
            shown = live_values(message) if message else None
            item = _Object(address, binding, MESSAGE, shown, ignored=binding.ignored)
            if isinstance(declaration, Message):
                item.declared = desired_values(declaration)
                item.ignored = tuple(dict.fromkeys((*binding.ignored, *declaration.ignore_changes)))
            yield item
    for place, members in bound.participants.items():
        there = remote.conversations.get(place, _ABSENT).participants or {}
        for address, binding in members.items():
            shown = live_participant_values(there[binding.sid]) if binding.sid in there else None
            yield _Object(address, binding, PARTICIPANT, shown, people.get(address, {}))


def _changed(item: _Object, fields: dict[str, str], digest: Digest) -> Action:
    """Return the drift of one object; a field whose earlier value is not known is in *after* alone."""
    declared = {name: item.declared[name] for name in fields if name in item.declared}
    known = last_seen(declared, item.binding, digest, ignored=item.ignored)
    changes = field_changes(known, {name: fields[name] for name in known}) if known else ()
    unknown = field_changes({}, {name: text for name, text in fields.items() if name not in known})
    return Action(
        item.address,
        Verb.UPDATE,
        Reason.DRIFTED,
        sid=item.binding.sid,
        index=item.binding.index,
        before=known,
        after=fields,
        changes=(*changes, *unknown),
    )


def _taken(item: _Object, fields: dict[str, str], digest: Digest) -> Binding:
    """Return the binding as if the live texts of the drifted *fields* had been sent.

    So the next plan says `changed_in_manifest` where a manifest differs. Other fields keep what was observed.
    """
    sent = item.binding.sent | {name: digest(name, text) for name, text in fields.items()}
    observed = {name: seen for name, seen in item.binding.observed.items() if name not in fields}
    return msgspec.structs.replace(item.binding, sent=sent, observed=observed)
