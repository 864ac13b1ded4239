"""What makes a saved plan stale, by type of object; and what a living conversation may do meanwhile."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from reconciler.model import (
    RemoteConversation,
    RemoteMedia,
    RemoteMessage,
    RemoteParticipant,
    RemoteService,
)
from reconciler.plans.actions import Action, Reason, Verb
from reconciler.plans.fingerprint import Live, changed_since, fingerprint
from reconciler.state.digests import Digests

LINEAGE = "0" * 32
MESSAGE = RemoteMessage(
    "IM1",
    3,
    author="alice",
    body="half a pair: \ud83d",
    attributes='{"n": 1}',
    date_created="2026-01-05T09:00:00Z",
    date_updated="2026-01-05T10:00:00Z",
)
CONVERSATION = RemoteConversation(
    "CH1",
    unique_name="c",
    friendly_name="Order 1",
    attributes="{}",
    timers={"date_inactive": "2026-01-06T09:00:00Z"},
    date_updated="2026-01-05T10:00:00Z",
)
PERSON = RemoteParticipant("MB1", identity="alice", attributes='{"role": "agent"}', role_sid="RL1")


def action_on(live: Live, verb: Verb = Verb.UPDATE, **fields: Any) -> Action:
    """Return an action on *live* that has its fingerprint."""
    parts = {RemoteMessage: "s/c/m", RemoteConversation: "s/c", RemoteService: "s"}
    address = parts.get(type(live), "s/c/participants/p")
    action = Action(address, verb, Reason.CHANGED_IN_MANIFEST, sid=live.sid, **fields)
    return msgspec.structs.replace(action, fingerprint=fingerprint(action, live, Digests(LINEAGE)))


@pytest.mark.parametrize("verb", [Verb.UPDATE, Verb.REPLACE, Verb.DELETE, Verb.ADOPT])
@pytest.mark.parametrize(
    "change",
    [
        {"body": "other"},
        {"author": "bob"},
        {"author": None},
        {"attributes": '{"n": 2}'},
        {"date_created": "2026-01-05T09:00:01Z"},
        {"content_sid": "HX1"},
        {"media": (RemoteMedia("ME1"),)},
        {"media": (RemoteMedia("ME1", filename="a.png"),)},
    ],
    ids=str,
)
def test_anything_that_a_reply_shows_of_a_message_counts(verb: Verb, change: dict[str, Any]) -> None:
    """Whatever the action does with it, and whatever the manifest says of it."""
    action = action_on(MESSAGE, verb, send={"body": "new"} if verb is Verb.UPDATE else {})

    assert changed_since(action, MESSAGE, Digests(LINEAGE)) == []
    assert changed_since(action, msgspec.structs.replace(MESSAGE, **change), Digests(LINEAGE))


def test_the_date_of_an_update_counts_only_where_it_is_set() -> None:
    """A receipt changes it, and so does an edit that was taken back."""
    later = msgspec.structs.replace(MESSAGE, date_updated="2026-01-05T11:00:00Z")

    assert changed_since(action_on(MESSAGE, Verb.DELETE), later, Digests(LINEAGE)) == []
    setting = action_on(MESSAGE, send={"date_updated": "2026-01-05T12:00:00Z"})
    assert changed_since(setting, later, Digests(LINEAGE)) == ["its `date_updated`"]


def test_attributes_count_by_their_meaning() -> None:
    """The order of keys and white space are nothing that anybody changed."""
    spaced = msgspec.structs.replace(MESSAGE, attributes='{ "n":1 }')

    assert changed_since(action_on(MESSAGE, Verb.DELETE), spaced, Digests(LINEAGE)) == []


@pytest.mark.parametrize(
    ("live", "fields", "change", "told"),
    [
        (CONVERSATION, {"send": {"friendly_name": "New"}}, {"friendly_name": "X"}, ["its `friendly_name`"]),
        (CONVERSATION, {"managed": ("state",)}, {"state": "closed"}, ["it"]),
        (CONVERSATION, {"before": {"attributes": "{}"}}, {"attributes": '{"n": 1}'}, ["it"]),
        (CONVERSATION, {"send": {"friendly_name": "New"}}, {"attributes": '{"n": 1}'}, []),
        (CONVERSATION, {"send": {"friendly_name": "New"}}, {"state": "inactive"}, []),
        (CONVERSATION, {"managed": ("timers_inactive",)}, {"timers": {}}, []),
        (CONVERSATION, {"managed": ("state",)}, {"date_updated": "2026-01-05T11:00:00Z"}, []),
        (PERSON, {"send": {"role_sid": "RL2"}}, {"role_sid": "RL3"}, ["its `role_sid`"]),
        (PERSON, {"before": {"identity": "alice"}}, {"identity": "bob"}, ["it"]),
        (PERSON, {"managed": ("attributes",)}, {"attributes": "{}"}, ["it"]),
        (PERSON, {"managed": ("identity",)}, {"attributes": "{}"}, []),
        (RemoteService("IS1", "desk"), {"before": {"friendly_name": "desk"}}, {"friendly_name": "x"}, ["it"]),
    ],
    ids=str,
)
def test_of_others_what_the_plan_is_about_counts(
    live: Live, fields: dict[str, Any], change: dict[str, Any], told: list[str]
) -> None:
    """What nobody manages and what time alone changes makes no plan stale."""
    action = action_on(live, **fields)

    assert changed_since(action, live, Digests(LINEAGE)) == []
    assert changed_since(action, msgspec.structs.replace(live, **change), Digests(LINEAGE)) == told
