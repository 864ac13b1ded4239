"""Read what a `removed:` block forgets: a plan shows what is let go, although nothing happens to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.errors import NotFound
from reconciler.model import Address, ResourceType, type_of
from reconciler.refresh.reading import read_messages
from reconciler.resources.conversation import live_conversation_values
from reconciler.resources.message import live_values
from reconciler.runtime.concurrency import AT_ONCE, each
from reconciler.state.remembered import Binding

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio


async def read_forgotten(client: Twilio, forgotten: Mapping[Address, Binding]) -> dict[str, dict[str, str]]:
    """Return the live texts of *forgotten* services, conversations and messages by sid, if they exist.

    The messages of one conversation take the cheaper of a listing and single fetches.
    """
    texts: dict[str, dict[str, str]] = {}
    messages: dict[tuple[str, str], dict[str, int]] = {}
    parents: list[Binding] = []
    for address, binding in forgotten.items():
        if type_of(address) is ResourceType.MESSAGE:
            where = binding.service_sid, binding.conversation_sid
            messages.setdefault(where, {})[binding.sid] = binding.index
        elif type_of(address) is not ResourceType.PARTICIPANT:
            parents.append(binding)

    async def read_parent(binding: Binding) -> None:
        try:
            if binding.service_sid:
                live = await client.fetch_conversation(binding.service_sid, binding.sid)
                texts[binding.sid] = live_conversation_values(live)
            else:
                service = await client.fetch_service(binding.sid)
                texts[binding.sid] = {"friendly_name": service.friendly_name or ""}
        except NotFound:
            pass

    async def read_in(where: tuple[str, str]) -> None:
        try:
            found = await read_messages(client, *where, messages[where])
        except NotFound:  # the conversation is gone
            return
        texts.update((sid, live_values(found[sid])) for sid in messages[where] if sid in found)

    await each(parents, read_parent, at_once=AT_ONCE)
    await each(list(messages), read_in, at_once=AT_ONCE)
    return texts
