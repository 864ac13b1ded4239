"""Read live conversations and write them as manifests. Nothing remote is changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.export.declare import caveats_of, conversation_of, message_of, participant_of
from reconciler.export.generate import Captured, Found, bind, capture
from reconciler.model import RemoteConversation, RemoteService
from reconciler.operations.live import (
    age,
    check_settled,
    live_conversation,
    live_messages,
    live_participants,
    live_service,
)
from reconciler.operations.session import Settings, open_connection, open_session
from reconciler.runtime.concurrency import concurrently

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
        check_settled(session.state)
        captured = capture(await _read(session.client, selection, None), session.state)
    bind(captured, session.state)
    return captured, session.state


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
        return await concurrently(live_service(client, sid) for sid in dict.fromkeys(wanted))
    services = sorted([one async for page in client.service_pages() for one in page], key=age)
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


async def _conversations(client: Twilio, service_sid: str, selection: Selection) -> list[RemoteConversation]:
    """Return the selected conversations of a service, the oldest first."""
    wanted = selection.conversations
    if wanted and not any(set(one) & set("*?[") for one in wanted):
        fetched = await concurrently(live_conversation(client, service_sid, one) for one in wanted)
        by_sid = {one.sid: one for one in fetched if one is not None}
    else:
        pages = client.conversation_pages(service_sid)
        by_sid = {
            one.sid: one
            async for page in pages
            for one in page
            if not wanted or any(_is_meant(one, name) for name in wanted)
        }
    return sorted(by_sid.values(), key=age)


def _is_meant(one: RemoteConversation, wanted: str) -> bool:
    name = one.unique_name
    return one.sid == wanted or (name is not None and (name == wanted or fnmatchcase(name, wanted)))


async def _found(
    client: Twilio, service: RemoteService, live: RemoteConversation, scrubber: Scrubber | None
) -> Found:
    messages = await live_messages(client, service.sid, live.sid)
    participants = await live_participants(client, service.sid, live.sid)
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
