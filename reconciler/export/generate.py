"""Make manifests and bindings from live conversations, so that a plan right after finds nothing to do.

Values that no manifest can express are left out, and noted. Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.errors import StateError
from reconciler.export.names import Names, is_name, name_from
from reconciler.export.representable import can_be_named, representable
from reconciler.export.variables import variables_of
from reconciler.model import (
    PARTICIPANTS,
    Address,
    Conversation,
    Message,
    Participant,
    RemoteMessage,
    RemoteParticipant,
    RemoteService,
    ResourceType,
    Service,
    is_address,
    type_of,
)
from reconciler.resources.binding import existing
from reconciler.resources.conversation import conversation_values
from reconciler.resources.message import desired_values
from reconciler.resources.participant import participant_values
from reconciler.resources.schema import sent_digests
from reconciler.state.model import Bound, State, Unbound
from reconciler.state.remembered import Binding


class Found(Struct, frozen=True):
    """A live conversation, and its declaration. Its names and keys are kept if they are possible and free."""

    service: RemoteService
    """The service that it is in."""
    sid: str
    """Its sid (CH…)."""
    declared: Conversation
    """Its declaration, without messages and participants."""
    messages: Sequence[tuple[RemoteMessage, Message]]
    """Each live message with its declaration, in the order of indexes."""
    people: Sequence[tuple[RemoteParticipant, Participant]] = ()
    """Each live participant with its declaration."""
    notes: tuple[str, ...] = ()
    """What is uncertain or missing in the declaration, for the user."""


class Captured(Struct):
    """The manifests of live conversations, and the bindings that belong to them."""

    services: list[Service] = field(default_factory=list)
    """The values to be written as manifests."""
    bindings: dict[Address, Binding] = field(default_factory=dict)
    """The binding of each address to its live object, without digests."""
    left_out: list[Address] = field(default_factory=list)
    """Messages and participants that no manifest can express."""
    notes: list[str] = field(default_factory=list)
    """Why values were left out, and what is uncertain, for the user."""
    variables: dict[tuple[Address, str], str] = field(default_factory=dict)
    """The name of the variable that holds each sensitive field, by address and field."""
    commands: list[str] = field(default_factory=list)
    """Commands that the user is to run once a plan is empty."""

    @property
    def sids(self) -> set[str]:
        """The sids of what is in the manifests."""
        return {self.bindings[address].sid for address in self.bindings.keys() - set(self.left_out)}


def capture(found: Iterable[Found], state: State | None = None, *, keep_sids: bool = True) -> Captured:
    """Return the manifests of the conversations in *found*; without *keep_sids*, they name no live object.

    An object that *state* binds keeps its address, and a superseded message is passed over. Raises
    StateError for an object that is bound to an address which the manifest would not give it.
    """
    by_service: dict[str, list[Found]] = {}
    for one in found:
        by_service.setdefault(one.service.sid, []).append(one)
    captured = Captured()
    addresses = _Addresses(state)
    for group in by_service.values():
        live = group[0].service
        address = addresses.give("", live.sid, live.friendly_name or "")
        captured.bindings[address] = existing(live.sid)
        service = Service(address, path="", line=0, sid=live.sid, friendly_name=live.friendly_name or None)
        if not can_be_named(service):
            service = replace(service, friendly_name=None)
        if not keep_sids:
            service = replace(service, sid=None, friendly_name=service.friendly_name or service.name)
        conversations = [
            _conversation(captured, addresses, service, one, keep_sids=keep_sids) for one in group
        ]
        captured.services.append(replace(service, conversations=tuple(conversations)))
    captured.variables |= variables_of(captured.services)
    return captured


def bind(captured: Captured, state: State) -> None:
    """Bind the captured objects in *state*, as if this tool had sent every declared value.

    An object that is left out, but was bound before, is released: it stays as it is, and is not managed.
    """
    for service in captured.services:
        _bind(state, service.name, captured, {})
        for one in service.conversations:
            address = f"{service.name}/{one.name}"
            sent = sent_digests(conversation_values(one), state.digest)
            _bind(state, address, captured, sent, one.sensitive)
            for member in one.participants:
                sent = sent_digests(participant_values(member), state.digest)
                _bind(state, f"{address}/participants/{member.key}", captured, sent)
            for message in one.messages:
                sent = sent_digests(desired_values(message), state.digest)
                _bind(state, f"{address}/{message.key}", captured, sent, message.sensitive)
    for address in captured.left_out:
        if type_of(address) is ResourceType.PARTICIPANT:
            state.apply(Unbound(address))
        elif address in state.bindings:
            state.apply(Bound(address, replace(state.bindings[address], released=True)))


class _Addresses:
    """Gives each live object its address in the state, or a new one."""

    def __init__(self, state: State | None) -> None:
        self.superseded: set[str] = set()
        self._bound: dict[str, Address] = {}
        self._names: dict[Address, Names] = {}
        for address, binding in state.bindings.items() if state is not None else ():
            self.superseded.update(binding.superseded)
            self._bound[binding.sid] = address
            parent, _, name = address.rpartition("/")
            self._names.setdefault(parent, Names()).take(name)

    def give(self, parent: Address, sid: str, wanted: str) -> Address:
        """Return the address of the object *sid* in *parent*: the bound one, or a new one like *wanted*."""
        bound = self._bound.get(sid)
        if bound is None:
            names = self._names.setdefault(parent, Names())
            if type_of(parent) is ResourceType.CONVERSATION:
                names.take(PARTICIPANTS)
            name = names.give(name_from(wanted), sid)
            return f"{parent}/{name}" if parent else name
        there, _, name = bound.rpartition("/")
        if there != parent or not is_name(name) or not is_address(bound):
            raise StateError(
                f"{sid} is bound to `{bound}`, an address that no manifest made here can have",
                hint="leave it out with `--service` or `--conversation`, or go without bindings",
            )
        return bound


def _conversation(
    captured: Captured, addresses: _Addresses, service: Service, found: Found, *, keep_sids: bool
) -> Conversation:
    service_sid = found.service.sid
    address = addresses.give(service.name, found.sid, found.declared.name)
    captured.bindings[address] = existing(found.sid, service_sid=service_sid)
    name = address.rpartition("/")[2]
    people = []
    for member, participant in found.people:
        place = addresses.give(f"{address}/participants", member.sid, participant.key)
        captured.bindings[place] = existing(member.sid, service_sid=service_sid, conversation_sid=found.sid)
        people.append(replace(participant, key=place.rpartition("/")[2]))
    messages = []
    for live, message in found.messages:
        if live.sid in addresses.superseded:
            continue
        place = addresses.give(address, live.sid, message.key)
        captured.bindings[place] = existing(
            live.sid, service_sid=service_sid, conversation_sid=found.sid, index=live.index
        )
        messages.append(replace(message, key=place.rpartition("/")[2]))
    one = replace(found.declared, name=name, messages=tuple(messages), participants=tuple(people))
    if keep_sids:
        one = replace(one, sid=found.sid)
    elif one.unique_name is None:
        one = replace(one, unique_name=name)
    declared, left_out = representable(one)
    for part in left_out:
        what = part.field
        if part.key:
            place = f"{address}/{part.field}/{part.key}" if part.field else f"{address}/{part.key}"
            captured.left_out.append(place)
            what = captured.bindings[place].sid
        captured.notes.append(f"{address}: {what} is left out: {part.reason}")
    captured.notes += [
        f"{address}: {caveat}"
        for caveat in (*found.notes, *_caveats(declared, [live for live, _ in found.messages]))
    ]
    return declared


def _caveats(declared: Conversation, lives: list[RemoteMessage]) -> Iterator[str]:
    """Yield what the manifest lacks because Twilio does not show it, or does not accept it again."""
    templates = sum(
        one.content_sid is not None and one.content_variables is None for one in declared.messages
    )
    if templates:
        of = "a template" if templates == 1 else f"{templates} templates"
        yield f"Twilio does not show the variables of {of}; add `content_variables` to post them elsewhere"
    if any(one.media_sid for one in declared.messages):
        yield "a file (`media_sid`) can be posted only once; to post it elsewhere, write `media: {file: …}`"
    for live in lives:
        if live.media and len(live.media) > 1:
            yield f"{live.sid} has {len(live.media)} files, of which a manifest can name only the first"


def _bind(
    state: State,
    address: Address,
    captured: Captured,
    sent: dict[str, str],
    sensitive: tuple[str, ...] = (),
) -> None:
    binding = captured.bindings[address]
    before = state.bindings.get(address)
    if before is not None:
        binding = replace(binding, created=before.created, superseded=before.superseded)
    state.apply(Bound(address, replace(binding, sent=sent, sensitive=sensitive)))
