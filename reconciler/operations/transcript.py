"""Read live conversations to be looked at. Nothing is changed, remotely or in the state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

from reconciler.errors import NotFound, UsageError
from reconciler.model import Address, RemoteConversation, RemoteService, matches
from reconciler.operations.session import Settings, open_connection
from reconciler.report.transcript import Live
from reconciler.runtime.concurrency import concurrently
from reconciler.state.index import BindingIndex, index_bindings
from reconciler.state.remembered import Binding

if TYPE_CHECKING:
    from reconciler.twilio.client import Twilio


async def read_transcript(globs: Sequence[str], settings: Settings) -> list[Live]:
    """Return the live conversations that *globs* match, by sid, unique name, address or service and name.

    Names that the state knows cost no listing. Raises UsageError for a glob that matches nothing.
    """
    async with open_connection(settings, read_only=True) as connection:
        store = settings.store()
        state = await store.read()
        known = state is not None and state.origin == connection.origin
        bound = index_bindings(state) if state is not None and known else BindingIndex()
        reader = _Reader(connection.client, bound)
        found = await reader.find(globs)
        return await concurrently(reader.read(*one) for one in found)


class _Reader:
    """Finds and reads conversations; *bound* are the bindings of the state, if it is of this endpoint."""

    def __init__(self, client: Twilio, bound: BindingIndex) -> None:
        self._client = client
        self._bound = bound
        self._addresses = {one.sid: address for address, one in bound.conversations.items()}

    async def find(self, globs: Sequence[str]) -> list[tuple[RemoteService, RemoteConversation]]:
        """Return the conversations that *globs* match, the oldest service and conversation first."""
        by_binding = {glob: one for glob in globs if (one := self._bound.conversations.get(glob))}
        found = {}
        for glob, binding in by_binding.items():
            found[binding.sid] = await self._fetch(glob, binding)
        listed = [glob for glob in globs if glob not in by_binding]
        hits = set(by_binding)
        if listed:
            async for service, conversation in self._listed():
                names = self._names(service, conversation)
                hit = {glob for glob in listed if any(matches(name, glob) for name in names)}
                hits |= hit
                if hit:
                    found[conversation.sid] = (service, conversation)
        for glob in globs:
            if glob not in hits:
                raise UsageError(
                    f"no conversation matches `{glob}`",
                    hint="give a sid (CH…), a unique name, an address, or a glob over them: 'support/*'",
                )
        return sorted(found.values(), key=_age)

    async def read(self, service: RemoteService, conversation: RemoteConversation) -> Live:
        """Return a conversation with its messages and participants."""
        where = (service.sid, conversation.sid)
        messages = [one async for page in self._client.message_pages(*where) for one in page]
        people = [one async for page in self._client.participant_pages(*where) for one in page]
        address = self._addresses.get(conversation.sid, "")
        return Live(
            service,
            conversation,
            {one.sid: one for one in sorted(messages, key=attrgetter("index"))},
            {one.sid: one for one in people},
            address,
            self._bound.messages.get(address, {}),
        )

    async def _fetch(self, address: Address, binding: Binding) -> tuple[RemoteService, RemoteConversation]:
        try:
            conversation = await self._client.fetch_conversation(binding.service_sid, binding.sid)
            return await self._client.fetch_service(binding.service_sid), conversation
        except NotFound as error:
            raise UsageError(
                f"`{address}` ({binding.sid}) is gone", hint="run `reconciler plan` to see what is missing"
            ) from error

    async def _listed(self) -> AsyncIterator[tuple[RemoteService, RemoteConversation]]:
        async for services in self._client.service_pages():
            for service in services:
                async for page in self._client.conversation_pages(service.sid):
                    for conversation in page:
                        yield service, conversation

    def _names(self, service: RemoteService, conversation: RemoteConversation) -> set[str]:
        names = {conversation.sid, self._addresses.get(conversation.sid, conversation.sid)}
        if conversation.unique_name:
            names.add(conversation.unique_name)
            names.add(f"{service.friendly_name or service.sid}/{conversation.unique_name}")
        return names


def _age(one: tuple[RemoteService, RemoteConversation]) -> tuple[str, ...]:
    service, live = one
    return service.date_created or "", service.sid, live.date_created or "", live.unique_name or "", live.sid
