"""Compare live objects with what was last applied, by the digests in the state.

The state holds no values, so the earlier value of a field is known only where a manifest still declares it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from reconciler.model import (
    Address,
    Conversation,
    ConversationView,
    Desired,
    Message,
    Remote,
    ResourceType,
    declared,
    declared_conversations,
    parent_of,
    type_of,
)
from reconciler.planner.changes import field_changes
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.options import Options
from reconciler.plans.plan import Drift, Plan
from reconciler.plans.selection import Selection
from reconciler.resources.conversation import CONVERSATION, conversation_values, seen_conversation_values
from reconciler.resources.message import MESSAGE, desired_values, live_values
from reconciler.resources.participant import PARTICIPANT, live_participant_values, participant_values
from reconciler.resources.schema import Digest, Paths, ResourceSchema, managed_part, wholly_ignored
from reconciler.state.model import Bound, State
from reconciler.state.remembered import Binding

_SERVICE: Final = ResourceSchema(unseen=frozenset(), immutable=frozenset(), defaults={})
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


def plan_refresh(desired: Desired, remote: Remote, state: State, options: Options = Options()) -> Plan:  # noqa: B008  # frozen
    """Return a plan that shows what was changed remotely and whose records take it into the state.

    It sends nothing. A deleted object keeps its binding: the next plan calls it missing, and the guard counts
    it. An object that no manifest declares any more is compared under the `ignore_changes` of its last apply.
    """
    selection = Selection(options.targets, options.excludes)
    drifted: list[Action] = []
    records: list[Bound] = []
    for item in _objects(desired, remote, state):
        if item.address not in selection:
            continue
        if item.live is None:
            action = Action(item.address, Verb.DELETE, Reason.MISSING_REMOTELY, sid=item.binding.sid)
            drifted.append(action)
        elif fields := _drifted_fields(item, item.live, state.digest):
            drifted.append(_changed(item, fields, state.digest))
            records.append(Bound(item.address, _taken(item, fields, state.digest)))
    return Plan(
        actions=(),
        drift=Drift(tuple(drifted)),
        records=tuple(records),
        lineage=state.lineage,
        serial=state.serial,
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


def _objects(desired: Desired, remote: Remote, state: State) -> Iterator[_Object]:
    """Yield everything that is bound and managed, sorted by address, so parents first."""
    manifests = dict(declared(desired))
    people = {
        f"{address}/participants/{one.key}": participant_values(one)
        for address, conversation in declared_conversations(desired)
        for one in conversation.participants
    }
    for address, binding in sorted(state.bindings.items()):
        if binding.released:
            continue
        if type_of(address) is ResourceType.SERVICE:
            service = remote.services.get(address)
            names = {"friendly_name": service.friendly_name or ""} if service else None
            yield _Object(address, binding, _SERVICE, names)
        elif type_of(address) is ResourceType.CONVERSATION:
            view = remote.conversations.get(address, ConversationView(None))
            conversation = manifests.get(address)
            said = conversation_values(conversation) if isinstance(conversation, Conversation) else {}
            seen = seen_conversation_values(view, said, binding, state.digest, remote.read_at)
            yield _Object(address, binding, CONVERSATION, seen if view.remote else None, said)
        elif type_of(address) is ResourceType.MESSAGE:
            view = remote.conversations.get(parent_of(address), ConversationView(None))
            message = view.messages.get(binding.sid)
            shown = live_values(message) if message else None
            item = _Object(address, binding, MESSAGE, shown, ignored=binding.ignored)
            wanted = manifests.get(address)
            if isinstance(wanted, Message):
                item.declared = desired_values(wanted)
                item.ignored = tuple(dict.fromkeys((*binding.ignored, *wanted.ignore_changes)))
            yield item
        else:
            view = remote.conversations.get(parent_of(address), ConversationView(None))
            person = (view.participants or {}).get(binding.sid)
            item = _Object(address, binding, PARTICIPANT, live_participant_values(person) if person else None)
            item.declared = people.get(address, {})
            yield item


def _drifted_fields(item: _Object, live: Mapping[str, str], digest: Digest) -> dict[str, str]:
    """Return the managed part of the live fields that are no longer as they were last seen."""
    apart = (item.schema.unseen - live.keys()) | wholly_ignored(item.ignored)
    fields = {}
    for name in item.binding.sent:
        if name not in apart:
            text = live.get(name, item.schema.defaults.get(name, ""))
            if not _was_seen(item, name, text, digest):
                fields[name] = managed_part(name, text, item.ignored)
    return fields


def _was_seen(item: _Object, name: str, text: str, digest: Digest) -> bool:
    """Return whether the managed part of *text*, as of now or of the last apply, is what was last seen."""
    recorded = item.binding.observed.get(name, item.binding.sent[name])
    parts = {managed_part(name, text, paths) for paths in (item.ignored, item.binding.ignored)}
    return any(digest.fits(recorded, name, part) for part in {*parts, text})


def _changed(item: _Object, fields: dict[str, str], digest: Digest) -> Action:
    """Return the drift of one object; a field whose earlier value is not known is in *after* alone."""
    known = {
        name: managed_part(name, item.declared[name], item.ignored)
        for name in fields
        if name in item.declared and _was_seen(item, name, item.declared[name], digest)
    }
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
