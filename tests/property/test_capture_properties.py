"""Whatever is live is written down, read back as it is, and planned to nothing."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.export.declare import conversation_of, message_of, participant_of
from reconciler.export.generate import Captured, Found, bind, capture
from reconciler.export.scrub import Scrubber
from reconciler.manifest.dump import dump
from reconciler.manifest.load import load
from reconciler.model import (
    ConversationView,
    Desired,
    Remote,
    RemoteBindings,
    RemoteConversation,
    RemoteMedia,
    RemoteMessage,
    RemoteMessagingBinding,
    RemoteParticipant,
    RemoteService,
    RemoteTimers,
)
from reconciler.planner.build import build_plan
from reconciler.plans.actions import Verb
from reconciler.plans.options import Options
from reconciler.plans.plan import Plan
from reconciler.resources.participant import live_participant_values, natural_key
from reconciler.state.model import State

HOSTILE = (
    *(
        "---",
        "...",
        "a: b",
        "x #y",
        "- item",
        "? q",
        "!tag",
        "&a",
        "*a",
        "%YAML",
        "@x",
        "`x`",
        "yes",
        "~",
        "1e3",
    ),
    *(
        "trailing  ",
        "  leading",
        "tab\there",
        "line\nline\n",
        "\n\nstart",
        "end\n\n\n",
        "blank \n \nin between",
    ),
    *(
        "cr\r\nlf",
        "\x1b[2J",
        "\x07",
        "\x85\u2028\u2029",
        "\u202eoverride",
        "\ufeffbom",
        "👩‍👩‍👧 family",
        "::error::x",
    ),
    *(
        "a\n::error::x",
        "##[error]x",
        "a##vso[task]b",
        "${var.x}",
        "$${var.x}",
        "{{ x }}",
        "'single'",
        '"double"',
        "\\n",
    ),
)
TEXT = st.sampled_from(HOSTILE) | st.text(max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ATTRIBUTES = st.none() | st.just("{}") | JSON.map(json.dumps) | TEXT
DATE = st.none() | st.integers(0, 59).map(lambda second: f"2026-01-05T09:00:{second:02}Z")
EMAIL = st.builds(
    lambda address, name: RemoteBindings(email={"address": address, "name": name}),
    st.none() | TEXT,
    st.none() | TEXT,
)
HEX = st.text("0123456789abcdef", min_size=32, max_size=32)


@st.composite
def participants(draw: st.DrawFn, sid: str) -> RemoteParticipant:
    """Draw a member of a conversation, inside the chat or outside."""
    identity = draw(st.none() | TEXT)
    kind = draw(st.sampled_from(["", "sms", "group"]))
    binding: RemoteMessagingBinding = {"type": "sms", "address": draw(TEXT), "proxy_address": draw(TEXT)}
    if kind == "group":
        binding = {"type": "sms", "address": None, "proxy_address": None, "projected_address": draw(TEXT)}
    return RemoteParticipant(
        f"MB{sid}",
        identity=identity,
        attributes=draw(ATTRIBUTES),
        role_sid=draw(st.none() | HEX.map("RL{}".format)),
        messaging_binding=binding if kind else None,
    )


@st.composite
def conversations(
    draw: st.DrawFn,
) -> tuple[RemoteService, RemoteConversation, list[RemoteMessage], list[RemoteParticipant]]:
    """Draw a live conversation, as strangers may leave it."""
    sids = draw(st.lists(HEX, unique=True, max_size=5))
    indexes = sorted(
        draw(st.lists(st.integers(0, 20_000), unique=True, min_size=len(sids), max_size=len(sids)))
    )
    kinds = [draw(st.sampled_from(["text", "file", "template", "card"])) for _ in sids]
    messages = [
        RemoteMessage(
            sid=f"IM{sid}",
            index=index,
            author=draw(st.none() | TEXT),
            body=draw(st.none() | TEXT),
            attributes=draw(ATTRIBUTES),
            date_created=draw(DATE),
            date_updated=draw(DATE),
            media=(RemoteMedia(f"ME{sid}"),) if kind in {"file", "card"} else None,
            content_sid=f"HX{sid}" if kind in {"template", "card"} else None,
        )
        for sid, index, kind in zip(sids, indexes, kinds, strict=True)
    ]
    service = RemoteService(f"IS{draw(HEX)}", draw(st.none() | TEXT))
    conversation = RemoteConversation(
        f"CH{draw(HEX)}",
        unique_name=draw(st.none() | TEXT),
        friendly_name=draw(st.none() | TEXT),
        attributes=draw(ATTRIBUTES),
        state=draw(st.sampled_from(["active", "inactive", "closed", "initializing"])),
        messaging_service_sid=draw(st.none() | HEX.map("MG{}".format)),
        timers=draw(
            st.none()
            | st.builds(lambda due: RemoteTimers(date_inactive=due), DATE | TEXT)
            | st.builds(lambda due: RemoteTimers(date_closed=due), DATE | TEXT)
            | st.builds(lambda a, b: RemoteTimers(date_inactive=a, date_closed=b), DATE | TEXT, DATE | TEXT)
        ),
        bindings=draw(st.none() | st.builds(RemoteBindings) | EMAIL),
        date_created=draw(DATE),
        date_updated=draw(DATE),
    )
    people = [draw(participants(sid)) for sid in draw(st.lists(HEX, unique=True, max_size=3))]
    assume(len({natural_key(live_participant_values(one)) for one in people}) == len(people))
    return service, conversation, messages, people


LIVE = conversations()
Live = tuple[RemoteService, RemoteConversation, list[RemoteMessage], list[RemoteParticipant]]


READ_AT = "2026-01-05T09:00:30Z"


def found(live: Live) -> Found:
    """Return what an export found."""
    service, conversation, messages, people = live
    return Found(
        service,
        conversation.sid,
        conversation_of(conversation, messages, READ_AT),
        [(one, message_of(one)) for one in messages],
        [(one, participant_of(one, number)) for number, one in enumerate(people)],
    )


def empty_state() -> State:
    """Return a state that binds nothing."""
    return State(lineage="lineage", account_sid="AC0", origin="test")


def loaded(captured: Captured, folder: pytest.TempPathFactory) -> Desired:
    """Return what is read from the manifest that is written."""
    file = folder.getbasetemp() / "captured.yaml"
    file.write_text(dump(captured.services), encoding="utf-8", newline="")
    return load([file])


def planned(desired: Desired, live: Live, state: State, options: Options) -> Plan:
    """Return the plan of the manifest against what is live."""
    service, conversation, messages, people = live
    (wanted,) = desired.services
    (inner,) = wanted.conversations
    view = ConversationView(
        conversation,
        {one.sid: one for one in messages},
        participants={one.sid: one for one in people},
    )
    remote = Remote({wanted.name: service}, {f"{wanted.name}/{inner.name}": view}, read_at=READ_AT)
    return build_plan(desired, remote, state, options)


@settings(max_examples=80, deadline=None)
@given(LIVE)
def test_what_is_exported_is_loaded_as_it_was(tmp_path_factory: pytest.TempPathFactory, live: Live) -> None:
    """Every message that is not named as left out says what the live one says."""
    captured = capture([found(live)])
    (conversation,) = loaded(captured, tmp_path_factory).services[0].conversations
    said = {message.key: replace(message, line=0) for message in conversation.messages}

    left_out = {captured.bindings[address].sid for address in captured.left_out}
    assert all(any(sid in note for note in captured.notes) for sid in left_out)
    assert said == {message_of(one).key: message_of(one) for one in live[2] if one.sid not in left_out}
    people = [participant_of(one, number) for number, one in enumerate(live[3]) if one.sid not in left_out]
    assert [replace(one, line=0) for one in conversation.participants] == people


@settings(max_examples=50, deadline=None)
@given(LIVE)
def test_a_plan_after_a_bound_export_is_empty(tmp_path_factory: pytest.TempPathFactory, live: Live) -> None:
    """Nothing to do; all there is to say is that the messages are managed from now on."""
    state = empty_state()
    captured = capture([found(live)], state)
    bind(captured, state)

    plan = planned(loaded(captured, tmp_path_factory), live, state, Options())

    assert (plan.actions, plan.refusals) == ((), ())
    assert {warning.code for warning in plan.warnings} <= {"adopted", "unknown_author"}


@settings(max_examples=50, deadline=None)
@given(LIVE)
def test_an_export_that_is_not_bound_plans_to_adoptions(
    tmp_path_factory: pytest.TempPathFactory, live: Live
) -> None:
    """Each message is taken over as it is, with no request."""
    captured = capture([found(live)])
    count = len(captured.services[0].conversations[0].messages)

    plan = planned(loaded(captured, tmp_path_factory), live, empty_state(), Options(adopt=True))

    assert [action.verb for action in plan.actions] == [Verb.ADOPT] * count
    assert not any(action.send for action in plan.actions)


WORD = st.from_regex(r"[a-zA-Z0-9é漢]{9,16}", fullmatch=True)


def texts_of(value: Any) -> list[str]:
    """Return the words of all texts in a JSON value, keys included."""
    return re.findall(r"[a-zA-Z0-9é漢]{9,16}", json.dumps(value, ensure_ascii=False))


@settings(max_examples=30, deadline=None)
@given(st.data(), st.lists(WORD, min_size=6, max_size=6, unique=True), HEX)
def test_scrubbing_leaves_no_word(data: st.DataObject, words: list[str], hexadecimal: str) -> None:
    """Of no text, name, key, author or sid, wherever it stood."""
    author, body, key, value, name, label = words
    attributes = json.dumps({key: [{value: author}, data.draw(st.integers(10**9, 10**12))]})
    sid = f"IM{hexadecimal}"
    message = RemoteMessage(
        sid, 0, author, f"{body}: {author}", attributes, media=(RemoteMedia("ME1", filename=name),)
    )
    conversation = RemoteConversation(f"CH{hexadecimal}", name, label, attributes)
    service = RemoteService(f"IS{hexadecimal}", f"{label} & {name}")
    person = RemoteParticipant(sid, author, attributes, f"RL{hexadecimal}", {"address": name})
    scrubber = Scrubber(b"salt")
    assume("user" not in author)

    captured = capture(
        [
            found(
                (
                    scrubber.service(service),
                    scrubber.conversation(conversation),
                    [scrubber.message(message)],
                    [scrubber.participant(person)],
                )
            )
        ],
        keep_sids=False,
    )

    text = dump(captured.services).casefold()
    secrets = {*words, hexadecimal, *texts_of(json.loads(attributes))}
    assert [secret for secret in secrets if secret.casefold() in text] == []
