"""The fast comparison of a message agrees with the full one."""

from __future__ import annotations

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from reconciler.model import Message, RemoteMedia, RemoteMessage
from reconciler.planner.compare import Difference, compare
from reconciler.planner.unchanged import is_unchanged
from reconciler.resources.message import MESSAGE, desired_values, live_values
from reconciler.state.digests import Digests
from reconciler.state.remembered import Binding

DIGEST = Digests("lineage")
VALUES = {
    "author": ("alice", "system"),
    "body": ("Hi", "Hello"),
    "attributes": ("{}", '{"a":1,"seen":{"at":1}}', '{"a":true,"seen":{"at":2}}'),
    "date_created": ("2026-01-05T09:00:00Z", "2026-01-05T10:00:00Z"),
    "date_updated": ("2026-01-05T09:00:00Z", "2026-01-05T10:00:00Z"),
    "subject": ("", "Your order"),
    "media": ("0" * 64, "1" * 64),
    "media_sid": ("ME1", "ME2"),
    "content_sid": ("HX1", "HX2"),
    "content_variables": ("{}", '{"1":"x"}'),
}
"""The texts of each field of a message, so few that two drawn at random are often equal."""
IGNORED = st.sampled_from([(), (("body",),), (("subject",),), (("attributes", "seen", "at"),)])


@st.composite
def texts(draw: st.DrawFn) -> dict[str, str]:
    """Draw some fields with their texts."""
    return {
        name: draw(st.sampled_from(VALUES[name]))
        for name in draw(st.sets(st.sampled_from(sorted(VALUES)), max_size=5))
    }


@st.composite
def edited(draw: st.DrawFn, before: dict[str, str]) -> dict[str, str]:
    """Draw *before* with up to two fields set, changed or dropped, rather those that it has."""
    after = dict(before)
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from([*before, *before, *VALUES]))
        after[name] = draw(st.sampled_from(VALUES[name]))
        if draw(st.integers(0, 3)) == 0:
            del after[name]
    return after


@settings(max_examples=300)
@given(st.data(), texts(), IGNORED)
def test_what_the_fast_comparison_calls_unchanged_the_full_one_does_too(
    data: st.DataObject, wanted: dict[str, str], ignored: tuple[tuple[str, ...], ...]
) -> None:
    """Whatever was declared, sent, observed and edited since: `is_unchanged` implies an empty Difference."""
    shown, sent, observed = data.draw(edited(wanted)), data.draw(edited(wanted)), data.draw(edited({}))
    message = msgspec.structs.replace(Message("a", 0, ignore_changes=ignored), **wanted)
    live = RemoteMessage(
        "IM1",
        0,
        author=shown.get("author"),
        body=shown.get("body"),
        attributes=shown.get("attributes"),
        date_created=shown.get("date_created"),
        date_updated=shown.get("date_updated"),
        content_sid=shown.get("content_sid"),
        media=(RemoteMedia(shown["media_sid"]),) if "media_sid" in shown else None,
    )
    binding = Binding(
        "IM1",
        sent={name: DIGEST(name, text) for name, text in sent.items()},
        observed={name: DIGEST(name, text) for name, text in observed.items()},
    )

    if is_unchanged(message, live, binding, DIGEST):
        event("unchanged")
        found = compare(MESSAGE, desired_values(message), live_values(live), binding, DIGEST, ignored=ignored)
        assert found == Difference()
