"""Read live conversations and write them as manifests. Nothing remote is changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import NotFound, StateError, UsageError
from reconciler.export.declare import caveats_of, conversation_of, message_of, participant_of
from reconciler.export.generate import Captured, Found, bind, capture
from reconciler.export.terraform import TerraformMessage, TerraformRead
from reconciler.model import (
    Conversation,
    RemoteConversation,
    RemoteMessage,
    RemoteService,
)
from reconciler.operations.session import Settings, open_connection, open_session
from reconciler.runtime.concurrency import concurrently
from reconciler.state.intents import fold_in_flight

if TYPE_CHECKING:
    from reconciler.export.scrub import Scrubber
    from reconciler.state.model import State
    from reconciler.twilio.client import Twilio


_SID: Final = re.compile(r"(IS|CH)[0-9a-fA-F]{32}")


class Selection(Struct, frozen=True):
    """The services and conversations to read.

    Services are given by sid or friendly name, conversations by sid, unique name or a glob of it. Empty means
    all.
    """

    services: tuple[str, ...] = ()
    conversations: tuple[str, ...] = ()


async def export(
    selection: Selection, settings: Settings, scrubber: Scrubber | None = None
) -> tuple[Captured, None]:
    """Return the selected conversations as manifests, messages in index order, without using a state.

    With a *scrubber*, the manifests hold nothing of the texts read and no sid. Raises UsageError for a
    selection that matches nothing.
    """
    async with open_connection(settings, read_only=True) as connection:
        found = await _read(connection.client, selection, scrubber)
    return capture(found, keep_sids=scrubber is None), None


async def export_bound(selection: Selection, settings: Settings) -> tuple[Captured, State]:
    """Return the selected conversations as manifests, and the state with their bindings.

    The caller holds the lock of the state and writes it. Raises UsageError as `export` does, and StateError
    if an earlier run left a create open.
    """
    async with open_session(settings, read_only=True) as session:
        _check_settled(session.state)
        captured = capture(await _read(session.client, selection, None), session.state)
    bind(captured, session.state)
    return captured, session.state


async def move_from_terraform(read: TerraformRead, settings: Settings) -> tuple[Captured, State]:
    """Return the messages of a Terraform state as manifests, and the state with their bindings.

    They are put in the order of their indexes; those that do not exist any more are noted. The caller holds
    the lock of the state and writes it. Raises UsageError if none of the conversations exists, and StateError
    if an earlier run left a create open.
    """
    async with open_session(settings, read_only=True) as session:
        _check_settled(session.state)
        found, notes = await _look_up(session.client, await _in_services(session.client, read.messages))
        if not found:
            raise UsageError(
                "none of the conversations in the Terraform state exists",
                hint="check that the account and `--endpoint` are the ones that Terraform used",
            )
        captured = capture(found, session.state)
    captured.notes += [*read.notes, *notes]
    bind(captured, session.state)
    return captured, session.state


def _check_settled(state: State) -> None:
    fold_in_flight(state)
    for address in state.intents:
        raise StateError(
            f"an earlier run left open whether `{address}` was created",
            hint="run `reconciler apply`, which finds out, and try again",
        )


async def _read(client: Twilio, selection: Selection, scrubber: Scrubber | None) -> list[Found]:
    services = await _services(client, selection.services)
    listed = await concurrently(_conversations(client, one.sid, selection) for one in services)
    for wanted in selection.conversations:
        if not any(_is_meant(one, wanted) for conversations in listed for one in conversations):
            raise UsageError(
                f"no conversation is named `{wanted}`",
                hint="give a sid (CH…), a unique name, or a glob over unique names such as 'order-*'",
            )
    found = await concurrently(
        _found(client, service, one, scrubber)
        for service, conversations in zip(services, listed, strict=True)
        for one in conversations
    )
    if not found:
        raise UsageError("there is no conversation to export", hint="check the account and `--service`")
    return found


async def _services(client: Twilio, wanted: Sequence[str]) -> list[RemoteService]:
    """Return the *wanted* services, or all, the oldest first."""
    if wanted and all(map(_SID.fullmatch, wanted)):
        return await concurrently(_service(client, sid) for sid in dict.fromkeys(wanted))
    services = sorted([one async for page in client.service_pages() for one in page], key=_age)
    chosen = []
    for name in dict.fromkeys(wanted):
        matching = [one for one in services if name in (one.sid, one.friendly_name)]
        if len(matching) > 1:
            sids = " and ".join(one.sid for one in matching)
            raise UsageError(f"{len(matching)} services are named `{name}`: {sids}", hint="give the sid")
        if not matching:
            raise UsageError(f"no service is named `{name}`", hint="give a sid (IS…), or the friendly name")
        chosen += matching
    return chosen or services


async def _service(client: Twilio, sid: str) -> RemoteService:
    try:
        return await client.fetch_service(sid)
    except NotFound as error:
        raise UsageError(f"there is no service {sid}", hint="check the sid and the account") from error


async def _conversations(client: Twilio, service_sid: str, selection: Selection) -> list[RemoteConversation]:
    """Return the selected conversations of a service, the oldest first."""
    wanted = selection.conversations
    if wanted and not any(set(one) & set("*?[") for one in wanted):
        fetched = await concurrently(_conversation(client, service_sid, one) for one in wanted)
        by_sid = {one.sid: one for one in fetched if one is not None}
    else:
        pages = client.conversation_pages(service_sid)
        by_sid = {
            one.sid: one
            async for page in pages
            for one in page
            if not wanted or any(_is_meant(one, name) for name in wanted)
        }
    return sorted(by_sid.values(), key=_age)


async def _conversation(client: Twilio, service_sid: str, name: str) -> RemoteConversation | None:
    try:
        return await client.fetch_conversation(service_sid, name)
    except NotFound:
        return None


def _is_meant(one: RemoteConversation, wanted: str) -> bool:
    name = one.unique_name
    return one.sid == wanted or (name is not None and (name == wanted or fnmatchcase(name, wanted)))


def _age(one: RemoteService | RemoteConversation) -> tuple[str, str]:
    return one.date_created or "", one.sid


async def _found(
    client: Twilio, service: RemoteService, live: RemoteConversation, scrubber: Scrubber | None
) -> Found:
    messages = await _messages(client, service.sid, live.sid)
    pages = client.participant_pages(service.sid, live.sid)
    participants = [one async for page in pages for one in page]
    if scrubber is not None:
        service, live = scrubber.service(service), scrubber.conversation(live)
        messages = [scrubber.message(one) for one in messages]
        participants = [scrubber.participant(one) for one in participants]
    declared = conversation_of(live, messages, client.read_at)
    return Found(
        service,
        live.sid,
        declared,
        [(one, message_of(one)) for one in messages],
        [(one, participant_of(one, number)) for number, one in enumerate(participants)],
        tuple(caveats_of(live, declared)),
    )


async def _in_services(client: Twilio, messages: Sequence[TerraformMessage]) -> list[TerraformMessage]:
    """Return *messages* with the sid of the account's default service where Terraform had none."""
    if all(one.service_sid for one in messages):
        return list(messages)
    default = await client.default_service_sid()
    return [one if one.service_sid else replace(one, service_sid=default) for one in messages]


async def _look_up(client: Twilio, messages: Iterable[TerraformMessage]) -> tuple[list[Found], list[str]]:
    """Return the live conversations with those of *messages* that still exist in them, and notes."""
    by_place: dict[tuple[str, str], list[TerraformMessage]] = {}
    for one in messages:
        by_place.setdefault((one.service_sid, one.conversation), []).append(one)
    lives = await concurrently(_conversation(client, *place) for place in by_place)
    notes: list[str] = []
    wanted: dict[str, _Wanted] = {}
    for ((service_sid, _), group), live in zip(by_place.items(), lives, strict=True):
        if live is None:
            notes += [f"{one.address} is left out: its conversation is gone" for one in group]
            continue
        # one conversation may be named by its sid and by its unique name
        there = wanted.setdefault(live.sid, _Wanted(service_sid, live))
        there.messages.update((one.sid, one) for one in group)
    services = {one.service_sid for one in wanted.values()}
    by_sid = {sid: await _service(client, sid) for sid in services}
    found = await concurrently(
        _with_messages(client, by_sid[one.service_sid], one, notes)
        for one in sorted(wanted.values(), key=lambda one: _age(one.live))
    )
    return found, notes


class _Wanted(Struct):
    """A live conversation, and the messages that Terraform has of it, by sid."""

    service_sid: str
    live: RemoteConversation
    messages: dict[str, TerraformMessage] = {}


async def _with_messages(client: Twilio, service: RemoteService, one: _Wanted, notes: list[str]) -> Found:
    listed = await _messages(client, service.sid, one.live.sid)
    there = {message.sid for message in listed}
    notes += [
        f"{message.address} is left out: {sid} is gone"
        for sid, message in one.messages.items()
        if sid not in there
    ]
    name = one.live.unique_name or one.live.friendly_name or ""
    messages = [(live, one.messages[live.sid].message) for live in listed if live.sid in one.messages]
    return Found(service, one.live.sid, Conversation(name, path="", line=0), messages)


async def _messages(client: Twilio, service_sid: str, conversation_sid: str) -> list[RemoteMessage]:
    pages = client.message_pages(service_sid, conversation_sid)
    return sorted([one async for page in pages for one in page], key=attrgetter("index"))
