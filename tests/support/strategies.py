"""Services that no rule of the manifest refuses, for properties."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from reconciler.manifest.build.fields import ATTRIBUTES_BYTES
from reconciler.model import Conversation, Message, Order, Participant, Service, Unmanaged
from reconciler.model.canonical import canonical_json

TEXT = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40
) | st.sampled_from(
    (
        *("yes", "null", "~", "1.0", "0x1f", "- a", "a: b", "a #b", "<<", "*x", "&x", "!t", "\u2028", "\x85"),
        *("\ufeff", "line\nline\n", "  indented\n text", "trailing \nspace", "tab\there", "cr\r\nlf"),
        *("\n\nstart", "end\n\n", "${x}", "$${", "$$${var.a}"),
    )
)
NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,10}", fullmatch=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.just("key" * 400), inner, max_size=3)
    ),
    max_leaves=8,
)
ATTRIBUTES = st.none() | JSON.map(canonical_json).filter(lambda text: len(text.encode()) <= ATTRIBUTES_BYTES)
INSTANT = st.datetimes().map(lambda moment: moment.replace(microsecond=0).isoformat() + "Z")
IGNORED = st.sampled_from([("body",), ("attributes",), ("attributes", "seen", "at")])


def sids(prefix: str) -> st.SearchStrategy[str]:
    """Draw SIDs of one kind, in the lower case that `load` brings them to."""
    return st.text("0123456789abcdef", min_size=32, max_size=32).map(prefix.__add__)


@st.composite
def messages(draw: st.DrawFn, key: str) -> Message:
    """Draw a message that no rule refuses."""
    created, updated = sorted((draw(INSTANT), draw(INSTANT)))
    content: dict[str, Any] = draw(
        st.fixed_dictionaries({"body": TEXT})
        | st.fixed_dictionaries(
            {
                "content_sid": sids("HX"),
                "content_variables": st.none()
                | st.dictionaries(TEXT.filter(lambda t: len(t) <= 16), TEXT, max_size=3).map(canonical_json),
            }
        )
    )
    return Message(
        key=key,
        line=0,
        author=draw(st.none() | TEXT),
        attributes=draw(ATTRIBUTES),
        date_created=draw(st.none() | st.just(created)),
        date_updated=draw(st.none() | st.just(updated)),
        subject=draw(st.none() | st.just("") | TEXT),
        webhooks=draw(st.booleans()),
        prevent_destroy=draw(st.booleans()),
        ignore_changes=tuple(draw(st.lists(IGNORED, max_size=2))),
        **content,
    )


@st.composite
def conversations(draw: st.DrawFn, name: str, sid: str | None) -> Conversation:
    """Draw a conversation that no rule refuses."""
    keys = draw(st.lists(NAME, unique=True, max_size=3))
    people = draw(st.lists(TEXT, unique=True, max_size=2))
    return Conversation(
        name=name,
        path="",
        line=0,
        sid=sid,
        unique_name=None if sid else name,
        friendly_name=draw(st.none() | TEXT),
        attributes=draw(ATTRIBUTES),
        state=draw(st.sampled_from([None, "active", "inactive", "closed"])),
        messaging_service_sid=draw(st.none() | sids("MG")),
        timers_inactive=draw(st.sampled_from([None, "PT1M", "P1DT2H"])),
        timers_closed=draw(st.sampled_from([None, "PT10M", "P2W"])),
        email_address=draw(st.sampled_from([None, "desk@example.com"])),
        order=draw(st.sampled_from(Order)),
        unmanaged=draw(st.sampled_from(Unmanaged)),
        messages=tuple(draw(messages(key)) for key in keys),
        participants=tuple(
            Participant(f"p{position}", 0, identity=identity, attributes=draw(ATTRIBUTES))
            for position, identity in enumerate(people)
        ),
    )


@st.composite
def declared_services(draw: st.DrawFn) -> tuple[Service, ...]:
    """Draw services whose names and SIDs do not collide."""
    found: list[Service] = []
    for name in draw(st.lists(NAME, unique=True, max_size=2)):
        sid = draw(st.none() | sids("IS")) if not found else None
        children = draw(st.lists(NAME, unique=True, max_size=2))
        with_sid = draw(st.none() | sids("CH"))
        found.append(
            Service(
                name=name,
                path="",
                line=0,
                sid=sid,
                friendly_name=None if sid else name,
                conversations=tuple(
                    draw(conversations(child, with_sid if not found and child == children[0] else None))
                    for child in children
                ),
            )
        )
    return tuple(found)
