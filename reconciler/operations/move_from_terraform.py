"""Write manifests and bindings of what a Terraform state holds. Nothing remote is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import UsageError
from reconciler.export.declare import INACTIVE, participant_of
from reconciler.export.generate import Captured, Found, bind, capture
from reconciler.export.terraform import TerraformObject, TerraformRead
from reconciler.export.terraform_addresses import removal
from reconciler.manifest.inputs import VARIABLE_PREFIX
from reconciler.model import (
    Address,
    Conversation,
    Message,
    Participant,
    RemoteConversation,
    RemoteMessage,
    RemoteParticipant,
    RemoteService,
    ResourceType,
)
from reconciler.operations.live import (
    age,
    check_settled,
    live_conversation,
    live_messages,
    live_participants,
    live_service,
)
from reconciler.operations.session import Settings, open_session
from reconciler.runtime.concurrency import concurrently

if TYPE_CHECKING:
    from reconciler.state.model import State
    from reconciler.twilio.client import Twilio


async def move_from_terraform(read: TerraformRead, settings: Settings) -> tuple[Captured, State]:
    """Return what a Terraform state holds as manifests, and the state with the bindings.

    Messages are put in the order of their indexes; what does not exist any more is noted. The commands are
    those that make Terraform forget exactly what is in the manifests. The caller holds the lock of the state
    and writes it. Raises UsageError if none of the conversations exists, and StateError if an earlier run
    left a create open.
    """
    async with open_session(settings, read_only=True) as session:
        check_settled(session.state)
        lookup = _Lookup(session.client)
        found = await lookup.found(await _in_services(session.client, read.objects))
        if not found:
            raise UsageError(
                "none of the conversations in the Terraform state exists",
                hint="check that the account and `--endpoint` are the ones that Terraform used",
            )
        captured = capture(found, session.state)
    captured.notes += [*read.notes, *lookup.notes, *_about(captured.variables)]
    captured.commands += [
        removal(address)
        for one in read.objects
        if lookup.sids.get(one.address) in captured.sids
        for address in (one.address, *one.others)
    ]
    bind(captured, session.state)
    return captured, session.state


def _about(variables: Mapping[tuple[Address, str], str]) -> Iterator[str]:
    for (address, field), name in variables.items():
        yield (
            f"{address}: `{field}` is sensitive in Terraform, and its value is written nowhere: set "
            f"{VARIABLE_PREFIX}{name} to it for each plan and apply"
        )


async def _in_services(client: Twilio, objects: Sequence[TerraformObject]) -> list[TerraformObject]:
    """Return *objects* with the sid of the account's default service where Terraform had none."""
    if all(one.service_sid for one in objects):
        return list(objects)
    default = await client.default_service_sid()
    return [one if one.service_sid else replace(one, service_sid=default) for one in objects]


class _Wanted(Struct):
    """A live conversation, and what Terraform has of it and in it."""

    service_sid: str
    live: RemoteConversation
    objects: list[TerraformObject] = []


class _Lookup:
    """Finds what Terraform has among what is live."""

    def __init__(self, client: Twilio) -> None:
        self.sids: dict[str, str] = {}
        """The sid of each object that exists, by its address in Terraform."""
        self.notes: list[str] = []
        """What does not exist any more."""
        self._client = client

    async def found(self, objects: Iterable[TerraformObject]) -> list[Found]:
        """Return the live conversations with those of *objects* that exist in them, the oldest first."""
        by_place: dict[tuple[str, str], list[TerraformObject]] = {}
        for one in objects:
            by_place.setdefault((one.service_sid, one.conversation), []).append(one)
        lives = await concurrently(live_conversation(self._client, *place) for place in by_place)
        wanted: dict[str, _Wanted] = {}
        for ((service_sid, _), group), live in zip(by_place.items(), lives, strict=True):
            if live is None:
                what = "it" if group[0].kind is ResourceType.CONVERSATION else "its conversation"
                self.notes += [f"{one.address} is left out: {what} is gone" for one in group]
                continue
            # one conversation may be named by its sid and by its unique name
            wanted.setdefault(live.sid, _Wanted(service_sid, live)).objects.extend(group)
        services = {one.service_sid for one in wanted.values()}
        by_sid = {sid: await live_service(self._client, sid) for sid in services}
        return await concurrently(
            self._with_contents(by_sid[one.service_sid], one)
            for one in sorted(wanted.values(), key=lambda one: age(one.live))
        )

    async def _with_contents(self, service: RemoteService, one: _Wanted) -> Found:
        place = (service.sid, one.live.sid)
        messages = {other.sid: other for other in one.objects if other.kind is ResourceType.MESSAGE}
        people = {other.sid: other for other in one.objects if other.kind is ResourceType.PARTICIPANT}
        posted = await live_messages(self._client, *place) if messages else []
        joined = await live_participants(self._client, *place) if people else []
        there = {one.live.sid, *(live.sid for live in posted), *(live.sid for live in joined)}
        for other in one.objects:
            sid = one.live.sid if other.kind is ResourceType.CONVERSATION else other.sid
            if sid in there:
                self.sids[other.address] = sid
            else:
                self.notes.append(f"{other.address} is left out: {sid} is gone")
        declared = self._conversation(one)
        return Found(
            service,
            one.live.sid,
            declared,
            [(live, _message(live, messages[live.sid])) for live in posted if live.sid in messages],
            [(live, _participant(live, people[live.sid])) for live in joined if live.sid in people],
            (INACTIVE,) if declared.state == "inactive" else (),
        )

    def _conversation(self, one: _Wanted) -> Conversation:
        """Return the declaration: that of Terraform, or else one that manages nothing of the conversation."""
        name = one.live.unique_name or one.live.friendly_name or ""
        known: tuple[TerraformObject, Conversation] | None = None
        for other in one.objects:
            if not isinstance(other.declared, Conversation):
                continue
            if known is None:
                known = other, other.declared
            else:
                self.notes.append(f"{other.address} is left out: {one.live.sid} is also {known[0].address}")
        if known is None:
            return Conversation(name, path="", line=0)
        first, declared = known
        return replace(declared, name=name) if name and first.keeps_name else declared


def _message(live: RemoteMessage, one: TerraformObject) -> Message:
    """Return the declaration of a message.

    Where Terraform has nothing that it says, as it took over a message with a file, it is the live file.
    """
    message = one.declared
    assert isinstance(message, Message)  # noqa: S101 - as its kind says
    says = message.body or message.media_sid or message.content_sid
    return replace(message, media_sid=live.media[0].sid) if live.media and not says else message


def _participant(live: RemoteParticipant, one: TerraformObject) -> Participant:
    """Return the declaration of a participant.

    Who it is comes from the live one: it cannot change, and Terraform lacks it where it took one over.
    """
    known = one.declared
    assert isinstance(known, Participant)  # noqa: S101 - as its kind says
    who = participant_of(live, 0)
    return replace(who, key=known.key, role_sid=known.role_sid, attributes=known.attributes)
