"""Binding what exists, with an emulator in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.emulator import Emulator
from reconciler.errors import ReconcilerError, StateError, UsageError
from reconciler.model import Conversation, Desired, Service
from reconciler.operations.connection import connect
from reconciler.operations.import_object import Imported, import_object
from reconciler.operations.session import NOTHING, Settings
from reconciler.state.model import State
from reconciler.state.remembered import Binding, Intent
from reconciler.state.stores.file import StateStore

HELLO = "support/order/hello"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator, kept in memory."""
    emulator = Emulator()
    yield emulator
    emulator.close()


class Importer:
    """A service `support` with a conversation `order` and two messages, and a state beside it."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.settings = Settings(endpoint=emulator, state=folder / "state.json")
        self.service, self.conversation, self.first, self.second = asyncio.run(self._filled())

    def imported(self, address: str, sid: str, desired: Desired = NOTHING) -> Imported:
        """Run an import."""
        return asyncio.run(import_object(address, sid, desired, self.settings))

    def with_parents(self) -> Importer:
        """Bind service and conversation."""
        self.imported("support", self.service)
        self.imported("support/order", self.conversation)
        return self

    @property
    def state(self) -> State:
        """What is remembered now."""
        state = StateStore(self.settings.state).read()
        assert state is not None
        return state

    def joined(self, identity: str) -> str:
        """Let somebody join the conversation, and return the participant's sid."""

        async def join() -> str:
            async with connect(self.settings.endpoint, parallelism=1, rate=None, max_wait=0) as session:
                fields = {"identity": identity}
                return (await session.client.create_participant(self.service, self.conversation, fields)).sid

        return asyncio.run(join())

    async def _filled(self) -> tuple[str, str, str, str]:
        async with connect(self.settings.endpoint, parallelism=1, rate=None, max_wait=0) as session:
            client = session.client
            service = (await client.create_service("support")).sid
            conversation = (await client.create_conversation(service, {"unique_name": "order"})).sid
            first = await client.create_message(service, conversation, {"body": "Hello"})
            second = await client.create_message(service, conversation, {"body": "Bye"})
            return service, conversation, first.sid, second.sid


@pytest.fixture
def importer(emulator: Emulator, tmp_path: Path) -> Importer:
    """That service."""
    return Importer(emulator, tmp_path)


def declared(**conversation: str) -> Desired:
    """Return a manifest with the service and the conversation."""
    one = Conversation("order", "m.yaml", 3, **{"unique_name": "order", **conversation})  # type: ignore[arg-type]
    return Desired((Service("support", "m.yaml", 2, friendly_name="support", conversations=(one,)),), "d")


def test_parents_are_found_as_the_manifest_says(importer: Importer) -> None:
    """They are bound with the message, not as created by this tool."""
    imported = importer.imported(HELLO, importer.first, declared())

    assert [(address, binding.sid) for address, binding in imported.parents] == [
        ("support", importer.service),
        ("support/order", importer.conversation),
    ]
    assert not any(binding.created for binding in importer.state.bindings.values())


def test_what_was_never_sent_is_marked(importer: Importer) -> None:
    """The binding knows where its message is, and that nothing of it was sent."""
    importer.with_parents().imported(HELLO, importer.second)

    assert importer.state.bindings[HELLO] == Binding(
        importer.second,
        service_sid=importer.service,
        conversation_sid=importer.conversation,
        index=1,
        imported=True,
    )


def test_a_participant_is_bound_and_stays_what_others_made(importer: Importer) -> None:
    """Its parents are found as those of a message are, and letting go of it will not remove it."""
    address = "support/order/participants/bob"
    made = importer.joined("bob")

    imported = importer.imported(address, made, declared())

    assert [parent for parent, _ in imported.parents] == ["support", "support/order"]
    assert importer.state.bindings[address] == Binding(
        made, service_sid=importer.service, conversation_sid=importer.conversation, imported=True
    )


def test_only_the_parents_of_the_address_are_looked_up(importer: Importer) -> None:
    """Another service of the manifest, which is not there, is nobody's concern."""
    other = Service("elsewhere", "m.yaml", 9, sid="IS" + "f" * 32)
    both = Desired((*declared().services, other), "d")

    assert importer.imported(HELLO, importer.first, both).binding.sid == importer.first


@pytest.mark.parametrize(
    ("address", "sid", "said"),
    [
        (HELLO, "CH" + "0" * 32, "is no sid of a message"),
        (HELLO, "IM123", "is no sid of a message"),
        (HELLO, "IM" + "0" * 32, "there is no message"),
        ("support/order", "IM" + "0" * 32, "is no sid of a conversation"),
        ("support/other", "CH" + "0" * 32, "there is no conversation"),
        ("other", "IS" + "0" * 32, "there is no service"),
        ("support/order/participants/bob", "MB" + "0" * 32, "there is no participant"),
        ("support/order/participants/bob", "IM" + "0" * 32, "is no sid of a participant"),
        ("support/order/members/bob", "MB" + "0" * 32, "is no address that can be imported"),
        ("no such/address", "CH" + "0" * 32, "is no address that can be imported"),
    ],
)
def test_what_cannot_be_meant_is_refused(importer: Importer, address: str, sid: str, said: str) -> None:
    """Wrong kinds, and sids that do not exist."""
    if "/" in address:
        importer.imported("support", importer.service)
    if address == HELLO or "bob" in address:
        importer.imported("support/order", importer.conversation)
    kept = Path(importer.settings.state)
    before = kept.read_bytes() if kept.exists() else None

    with pytest.raises(UsageError, match=said):
        importer.imported(address, sid)

    assert before == (kept.read_bytes() if kept.exists() else None)


def test_a_bound_address_is_refused(importer: Importer) -> None:
    """The error names the sid that the address has."""
    importer.with_parents().imported(HELLO, importer.first)

    with pytest.raises(StateError, match=importer.first):
        importer.imported(HELLO, importer.second)


@pytest.mark.parametrize("held_as", ["sid", "superseded"])
def test_a_message_of_another_address_is_refused(importer: Importer, held_as: str) -> None:
    """Whether it is bound there, or was replaced and is still to be deleted."""
    importer.with_parents()
    state = importer.state
    held = (
        Binding(importer.first)
        if held_as == "sid"
        else Binding(importer.second, superseded=(importer.first,))
    )
    state.bindings["support/order/other"] = held
    StateStore(importer.settings.state).write(state)

    with pytest.raises(StateError, match="`support/order/other`"):
        importer.imported(HELLO, importer.first)


def test_a_parent_that_nothing_names_is_an_error(importer: Importer) -> None:
    """A manifest that would create it does not help either."""
    with pytest.raises(StateError, match="`support/order` stands for no conversation"):
        importer.imported(HELLO, importer.first, declared(unique_name="not there"))


def open_create(importer: Importer, address: str, **fields: str) -> None:
    """Leave a create open in the state."""
    state = importer.state
    sent = {name: state.digest(name, value) for name, value in fields.items()}
    state.intents[address] = Intent(address, boundary=-1, match="m", sent=sent, webhooks=True)
    StateStore(importer.settings.state).write(state)


def test_an_open_create_is_settled(importer: Importer) -> None:
    """What was sent is known from it, and what the message says instead counts as seen."""
    open_create(importer.with_parents(), HELLO, body="Hello, before a webhook rewrote it")

    binding = importer.imported(HELLO, importer.first).binding

    assert not importer.state.intents
    assert not binding.imported
    assert binding.sent.keys() == binding.observed.keys() == {"body"}


def test_a_lost_replacement_keeps_what_it_replaces(importer: Importer) -> None:
    """The earlier message is still to be deleted."""
    importer.with_parents().imported(HELLO, importer.first)
    open_create(importer, HELLO)

    assert importer.imported(HELLO, importer.second).binding.superseded == (importer.first,)


def test_a_parent_whose_create_is_open_is_settled_first(importer: Importer) -> None:
    """To bind it as if it had been found would forget that this tool made it."""
    importer.imported("support", importer.service)
    open_create(importer, "support/order")

    with pytest.raises(ReconcilerError, match="left open whether `support/order` was created"):
        importer.imported(HELLO, importer.first, declared())
