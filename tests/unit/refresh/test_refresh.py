"""Reading what a plan needs: how many requests it takes, and what is kept of the replies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from reconciler.emulator import Emulator
from reconciler.emulator.fault_text import parse_fault
from reconciler.model import Conversation, Desired, Message, Remote, Service
from reconciler.operations.connection import connect
from reconciler.plans.options import Options
from reconciler.refresh.remote import refresh
from reconciler.state.model import State
from reconciler.state.remembered import Binding
from reconciler.state.stores.file import new_state

AUTHOR, BODY, ATTRIBUTES = "alice", "Hello, Bob!", '{"seen":false}'


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator in memory."""
    made = Emulator()
    yield made
    made.close()


def world(emulator: Emulator, conversations: int, messages: int = 1) -> tuple[Desired, State]:
    """Fill *emulator*, and return what is desired and bound: the same, with texts of their own."""
    store = emulator.store
    state = new_state(store.account_sid, f"emulator:{store.store_id}")
    service = store.services.create({"FriendlyName": "desk"}).sid
    state.bindings["desk"] = Binding(service)
    declared = []
    for one in range(conversations):
        sid = store.conversations.create(service, {"UniqueName": f"c{one}"}).sid
        state.bindings[f"desk/c{one}"] = Binding(sid, service)
        wanted = []
        for number in range(messages):
            fields = {"Author": AUTHOR, "Body": BODY, "Attributes": ATTRIBUTES}
            live = store.messages.create(service, sid, fields)
            state.bindings[f"desk/c{one}/m{number}"] = Binding(live.sid, service, sid, number)
            wanted.append(Message(f"m{number}", number, AUTHOR, BODY, ATTRIBUTES))
        declared.append(Conversation(f"c{one}", "m.yaml", 1, unique_name=f"c{one}", messages=tuple(wanted)))
    return Desired((Service("desk", "m.yaml", 1, conversations=tuple(declared)),), ""), state


def read(emulator: Emulator, desired: Desired, state: State) -> Remote:
    """Return what `refresh` reads."""

    async def main() -> Remote:
        async with connect(emulator, parallelism=10, rate=None, max_wait=0) as session:
            return await refresh(session.client, desired, state, Options())

    return asyncio.run(main())


def test_many_conversations_are_found_by_pages(emulator: Emulator) -> None:
    """Finding 150 conversations takes two pages of their listing, not 150 requests."""
    desired, state = world(emulator, 150)

    assert read(emulator, desired, state).requests == 1 + 2 + 150


def test_few_conversations_are_fetched(emulator: Emulator) -> None:
    """A few are asked for one by one, however many others the service has."""
    desired, state = world(emulator, 150)
    few = Service("desk", "m.yaml", 1, conversations=desired.services[0].conversations[:3])
    for one in range(3, 150):
        del state.bindings[f"desk/c{one}"], state.bindings[f"desk/c{one}/m0"]

    assert read(emulator, Desired((few,), ""), state).requests == 1 + 3 + 3


def test_live_texts_that_are_held_already_take_no_memory(emulator: Emulator) -> None:
    """What is live as desired is told in the very texts of manifest and state."""
    desired, state = world(emulator, 1, messages=2)
    remote = read(emulator, desired, state)

    binding = state.bindings["desk/c0/m1"]
    live = remote.conversations["desk/c0"].messages[binding.sid]
    wanted = desired.services[0].conversations[0].messages[1]
    assert live.sid is binding.sid
    assert (live.author, live.body, live.attributes) == (wanted.author, wanted.body, wanted.attributes)
    assert live.body is wanted.body
    assert live.attributes is wanted.attributes


def test_what_differs_is_told_as_it_is(emulator: Emulator) -> None:
    """An edited message shows its live text, every other field included."""
    desired, state = world(emulator, 1)
    service, sid = state.bindings["desk"].sid, state.bindings["desk/c0"].sid
    message = state.bindings["desk/c0/m0"].sid
    emulator.store.messages.update(service, sid, message, {"Body": "Hello, Eve!"})

    live = read(emulator, desired, state).conversations["desk/c0"].messages[message]

    assert (live.author, live.body, live.index) == ("alice", "Hello, Eve!", 0)


def test_a_listing_that_lags_behind_loses_nothing(emulator: Emulator) -> None:
    """What was written last is asked for one by one where the listing lacks it, however much that is."""
    desired, state = world(emulator, 1, messages=50)
    emulator.faults.add(parse_fault("list_messages:late=5"))

    remote = read(emulator, desired, state)

    assert len(remote.conversations["desk/c0"].messages) == 50


def test_what_is_gone_is_asked_for_a_few_times_only(emulator: Emulator) -> None:
    """The newest twenty tell that the listing does not lag: the rest is not asked for."""
    desired, state = world(emulator, 1, messages=50)
    service, sid = state.bindings["desk"].sid, state.bindings["desk/c0"].sid
    for number in range(50):
        emulator.store.messages.delete(service, sid, state.bindings[f"desk/c0/m{number}"].sid)

    assert read(emulator, desired, state).requests == 1 + 1 + 2 + 20
