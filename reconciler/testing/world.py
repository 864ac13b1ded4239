"""A world: live services, conversations and messages, made from manifests for one test or several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from reconciler.errors import UsageError
from reconciler.model import Address, RemoteMessage, ResourceType, type_of
from reconciler.operations.session import Settings, open_connection
from reconciler.runtime.concurrency import finish
from reconciler.state.remembered import Binding
from reconciler.testing.target import Faults, Target
from reconciler.testing.transcript import AuthorAndBody, difference
from reconciler.testing.webhooks import Webhooks

if TYPE_CHECKING:
    from twilio.rest import Client


class World:
    """Live services, conversations and messages, by their addresses in the manifests.

    It ends with the test, module or session that it was made for, or with a `with` block around it.
    """

    def __init__(self, target: Target, settings: Settings, bindings: Mapping[Address, Binding]) -> None:
        self._target = target
        self._settings = settings
        self._bindings = bindings
        self._lifetime = ExitStack()
        self._has_ended = False
        services = [one.sid for address, one in bindings.items() if type_of(address) is ResourceType.SERVICE]
        self._webhooks = target.webhooks_of(services)

    def until(self, lifetime: ExitStack) -> Self:
        """Let a `with` block around this world close *lifetime*, and return the world."""
        self._lifetime = lifetime
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lifetime.__exit__(kind, error, trace)

    def sid(self, address: Address) -> str:
        """Return the sid of a service, a conversation, a message or a participant."""
        return self._binding(address).sid

    def conversation(self, address: Address) -> LiveConversation:
        """Return the conversation at `service/conversation`."""
        binding = self._binding(address)
        if type_of(address) is not ResourceType.CONVERSATION:
            raise UsageError(f"`{address}` is no conversation", hint="name it as `service/conversation`")
        return LiveConversation(self, self._settings, address, binding)

    @property
    def base_url(self) -> str:
        """The address of the API over HTTP, without `/v1`, for the application under test."""
        return self._target.base_url

    @property
    def faults(self) -> Faults:
        """The faults of the emulator, which hit every client; those added here end with this world.

        Raises UsageError without an emulator inside, and after the end.
        """
        self._check_standing()
        return self._target.faults_of(self)

    @property
    def webhooks(self) -> Webhooks:
        """The webhooks of this world's services; raises UsageError without an emulator inside."""
        if self._webhooks is None:
            raise UsageError(
                "only the emulator's webhooks can be looked at",
                hint="run this test with the endpoint `memory`",
            )
        return self._webhooks

    def settle(self) -> None:
        """Wait until the webhooks that were sent so far are answered; raises UsageError after the end."""
        self._check_standing()
        if self._webhooks is not None:
            self._webhooks.settle()

    def close(self) -> None:
        """Drop the faults of this world, and receive no more webhooks."""
        self._has_ended = True
        self._target.drop_faults_of(self)
        if self._webhooks is not None:
            self._webhooks.close()

    def client(self) -> Client:
        """Return a client of the official SDK; raises UsageError if that is not installed."""
        return self._target.client()

    def sensitive_texts(self, messages: Iterable[RemoteMessage]) -> set[str]:
        """Return the authors and bodies of *messages* that hold sensitive values."""
        fields = {binding.sid: binding.sensitive for binding in self._bindings.values()}
        return {
            text
            for message in messages
            for name in fields.get(message.sid, ())
            if (text := {"author": message.author, "body": message.body}.get(name))
        }

    def _check_standing(self) -> None:
        if self._has_ended:
            raise UsageError(
                "this world has ended: its services were deleted",
                hint="use it inside of its test or `with` block",
            )

    def _binding(self, address: Address) -> Binding:
        self._check_standing()
        if address not in self._bindings:
            known = ", ".join(f"`{one}`" for one in self._bindings)
            raise UsageError(f"`{address}` is not in this world", hint=f"it holds {known or 'nothing'}")
        return self._bindings[address]


class LiveConversation:
    """One conversation of a world; each call reads it anew."""

    def __init__(self, world: World, settings: Settings, address: Address, binding: Binding) -> None:
        self.address = address
        self._world = world
        self._settings = settings
        self._where = (binding.service_sid, binding.sid)

    def sid(self, key: str) -> str:
        """Return the sid of the message with this *key*."""
        return self._world.sid(f"{self.address}/{key}")

    def messages(self) -> tuple[RemoteMessage, ...]:
        """Return all messages as replies show them, also those of others, in the order of indexes.

        Webhooks that wait to be sent or answered are waited for.
        """
        self._world.settle()
        return finish(self._read())

    def assert_transcript(self, expected: Iterable[AuthorAndBody]) -> None:
        """Raise AssertionError, with the difference, unless the messages have these authors and bodies."""
        __tracebackhide__ = True
        live = self.messages()
        lines = difference(
            expected,
            [(message.author, message.body) for message in live],
            sensitive=self._world.sensitive_texts(live),
        )
        if lines:
            heading = f"the transcript of `{self.address}` is another one (- expected, + live):"
            raise AssertionError("\n  ".join([heading, *lines]))

    async def _read(self) -> tuple[RemoteMessage, ...]:
        async with open_connection(self._settings) as connection:
            pages = connection.client.message_pages(*self._where)
            return tuple([message async for page in pages for message in page])
