"""Laws of the state: what is written is read, a journal is a prefix of what happened, no text is kept."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import StateError
from reconciler.model import MESSAGE_FIELDS
from reconciler.state.document import decode, encode
from reconciler.state.files import Files
from reconciler.state.journal import Journal, replay
from reconciler.state.model import (
    Bound,
    Carried,
    Closed,
    Opened,
    OpenPlan,
    PlanOpened,
    PlanUsed,
    Record,
    State,
    Unbound,
)
from reconciler.state.remembered import Binding, InFlight, Intent
from reconciler.state.stores.file import StateStore, new_state

texts = st.text(st.characters(exclude_categories=["Cs"]))
addresses = st.sampled_from([f"a/b/k{number}" for number in range(6)]) | texts
digests = st.dictionaries(st.sampled_from(MESSAGE_FIELDS), texts)
sids = st.lists(texts, max_size=3).map(tuple)
integers = st.integers(-1, 2**53)
bindings = st.builds(
    Binding,
    sid=texts,
    service_sid=texts,
    conversation_sid=texts,
    index=integers,
    sent=digests,
    observed=digests,
    superseded=sids,
    created=st.booleans(),
    released=st.booleans(),
    imported=st.booleans(),
)
intents = st.builds(
    Intent, address=addresses, boundary=integers, match=texts, webhooks=st.booleans(), known=sids
)
records: st.SearchStrategy[Record] = st.one_of(
    st.builds(Bound, addresses, bindings),
    st.builds(Opened, intents),
    st.builds(Closed, addresses),
    st.builds(Unbound, addresses),
    st.builds(PlanOpened, texts, integers),
    st.builds(Carried, st.lists(integers, max_size=3).map(tuple)),
    st.builds(PlanUsed, texts),
)
states = st.builds(
    State,
    lineage=st.text("0123456789abcdef", min_size=32, max_size=32),
    account_sid=texts,
    origin=texts,
    serial=st.integers(0, 2**53),
    bindings=st.dictionaries(addresses, bindings),
    in_flight=st.dictionaries(
        addresses, st.builds(InFlight, boundary=integers, creates=st.dictionaries(addresses, texts))
    ),
    intents=st.dictionaries(addresses, intents),
    used_plans=st.lists(texts),
    open_plan=st.none() | st.builds(OpenPlan, texts, integers, st.lists(integers)),
)


def journal_of(flushes: list[list[Record]]) -> bytes:
    """Return the journal that holds a line for each of *flushes*."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j"

        async def main() -> None:
            with Journal(path, lineage="history", serial=3, files=Files()) as journal:
                for flush in flushes:
                    await journal.commit(*flush)

        asyncio.run(main())
        return path.read_bytes()


def after(flushes: list[list[Record]]) -> State:
    """Return the state in which *flushes* happened."""
    state = State(lineage="history", account_sid="AC1", origin="https://x", serial=3)
    for flush in flushes:
        for record in flush:
            state.apply(record)
    return state


@given(states)
def test_what_is_written_is_read(state: State) -> None:
    """Whatever the texts in it, a state survives its file."""
    assert decode(encode(state, state.serial), "s") == state


@given(states, st.data())
def test_a_state_cut_anywhere_is_never_taken_for_one(state: State, data: st.DataObject) -> None:
    """A file that lost its end is refused, not read as a smaller state."""
    file = encode(state, state.serial)
    length = data.draw(st.integers(0, len(file) - 2))

    try:
        decode(file[:length], "s")
    except StateError:
        return
    raise AssertionError(file[:length])


@settings(max_examples=50)
@given(st.lists(st.lists(records, min_size=1, max_size=3), max_size=6), st.data())
def test_a_journal_cut_anywhere_is_a_prefix_of_what_happened(
    flushes: list[list[Record]], data: st.DataObject
) -> None:
    """Every flush that is there in whole counts; nothing else does."""
    file = journal_of(flushes)
    length = data.draw(st.integers(0, len(file)))
    whole = max(file[:length].count(b"\n") - 1, 0)
    state = after([])

    replay(state, file[:length], "j")

    assert state == after(flushes[:whole])


@settings(max_examples=50)
@given(st.lists(st.lists(records, min_size=1, max_size=3), min_size=2, max_size=6), st.data())
def test_a_changed_byte_is_found_or_costs_the_last_line(
    flushes: list[list[Record]], data: st.DataObject
) -> None:
    """No damage is ever replayed as if it were a record."""
    file = bytearray(journal_of(flushes))
    last_line = file.rindex(b"\n", 0, len(file) - 1)
    at = data.draw(st.integers(0, len(file) - 1))
    file[at] ^= data.draw(st.integers(1, 255))
    state = after([])

    try:
        replay(state, bytes(file), "j")
    except StateError:
        return
    kept = len(flushes) - (1 if at > last_line else 2)
    assert at >= last_line
    assert state in (after(flushes[:kept]), after(flushes[: kept + 1]))


@settings(max_examples=5, deadline=None)
@given(st.lists(texts, min_size=1, max_size=1000))
def test_no_text_of_a_message_is_ever_in_a_file(bodies: list[str]) -> None:
    """After 1,000 messages, state, backup and journal hold digests, and no author, body or attribute."""
    secrets = [f"§{body}" for body in (bodies * 1000)[:1000]]  # a sign that no digest, sid or address has
    state = new_state("AC1", "https://x")
    with tempfile.TemporaryDirectory() as folder:
        store = StateStore(Path(folder) / "s.json")

        async def main() -> None:
            with store.begin(state) as journal:
                await asyncio.gather(
                    *[
                        journal.commit(opened, bound)
                        for number, secret in enumerate(secrets)
                        for opened, bound in [_create(state, f"a/b/k{number}", secret)]
                    ]
                )

        asyncio.run(main())
        folded = store.read()
        assert folded is not None
        files = [path.read_bytes() for path in Path(folder).iterdir()]
        store.write(folded)
        files += [path.read_bytes() for path in Path(folder).iterdir()]

    assert len(folded.bindings) == 1000
    assert len(files) == 4
    for secret in set(secrets):
        spellings = {secret.encode(), msgspec.json.encode(secret)[1:-1], ascii(secret)[1:-1].encode()}
        assert not any(spelling in file for file in files for spelling in spellings)


def _create(state: State, address: str, secret: str) -> tuple[Opened, Bound]:
    """Return the records of a create whose every field is *secret*."""
    sent = {name: state.digest(name, secret) for name in MESSAGE_FIELDS}
    match = state.digest("match", secret)
    return Opened(Intent(address, match=match)), Bound(address, Binding(sid="IM1", sent=sent, observed=sent))
