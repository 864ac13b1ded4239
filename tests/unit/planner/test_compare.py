"""The three sides of a field: what the manifest says, what is live, and what was last applied.

M is the manifest's value, L the live one; *sent* and *observed* are the digests of the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec import UNSET

from reconciler.model import RemoteMedia
from reconciler.planner.changes import field_changes
from reconciler.planner.compare import Difference, compare
from reconciler.planner.unchanged import is_recorded, is_unchanged
from reconciler.plans.actions import FieldChange, Reason
from reconciler.resources.message import MESSAGE, live_values
from reconciler.resources.schema import Paths, digests, managed_part, with_ignored_from
from reconciler.state.digests import Digests
from reconciler.state.remembered import Binding
from tests.support.scenes import live, message

NOWHERE: Paths = ()
SEEN: Paths = (("attributes", "seen", "at"),)


class _Shown(Digests):
    """Digests that a failing test can show."""

    def __call__(self, name: str, value: str) -> str:
        """Return the value itself, with its name."""
        return f"#{name}:{value}"


digest = _Shown("lineage")


def difference(
    wanted: Mapping[str, str],
    shown: Mapping[str, str],
    sent: Mapping[str, str],
    observed: Mapping[str, str] | None = None,
    *,
    ignored: Paths = NOWHERE,
    imported: bool = False,
) -> Difference:
    """Compare a message; the four are fields and texts, the last two of what was applied."""
    binding = Binding(
        "IM1",
        sent={name: digest(name, text) for name, text in sent.items()},
        observed={name: digest(name, text) for name, text in (observed or {}).items()},
        imported=imported,
    )
    return compare(MESSAGE, wanted, shown, binding, digest, ignored=ignored)


def test_equal_values_need_nothing() -> None:
    """M = L is enough, whatever was sent before."""
    assert difference({"body": "Hi"}, {"body": "Hi"}, {"body": "Hello"}) == Difference()


def test_only_the_live_value_changed() -> None:
    """M = sent and L ≠ observed is drift: the manifest's value is sent again."""
    found = difference({"body": "Hi"}, {"body": "edited"}, {"body": "Hi"})

    assert found == Difference(fields={"body": "Hi"}, drifted=("body",))
    assert found.reason is Reason.DRIFTED


def test_only_the_manifest_changed() -> None:
    """M ≠ sent and L = observed is a change of the manifest."""
    found = difference({"body": "Hello"}, {"body": "Hi"}, {"body": "Hi"})

    assert found == Difference(fields={"body": "Hello"}, changed=("body",))
    assert found.reason is Reason.CHANGED_IN_MANIFEST


def test_both_sides_changed() -> None:
    """The manifest wins, and it is known that a foreign edit is undone by it."""
    found = difference({"body": "Hello"}, {"body": "edited"}, {"body": "Hi"})

    assert found == Difference(fields={"body": "Hello"}, changed=("body",), drifted=("body",))
    assert found.reason is Reason.CHANGED_IN_MANIFEST


def test_what_the_server_keeps_rewriting_is_left_alone() -> None:
    """M = sent and L = observed ≠ sent: a webhook rewrites it, and would again."""
    found = difference({"body": "Hi"}, {"body": "Hi!"}, {"body": "Hi"}, {"body": "Hi!"})

    assert found == Difference(rewritten=("body",))


def test_a_rewritten_value_can_drift_too() -> None:
    """M = sent and L is neither: somebody edited what the webhook had made."""
    found = difference({"body": "Hi"}, {"body": "edited"}, {"body": "Hi"}, {"body": "Hi!"})

    assert found.drifted == ("body",)


def test_a_newly_declared_field_is_a_change_of_the_manifest() -> None:
    """Nobody drifted from what was never applied."""
    found = difference({"author": "alice"}, {"author": "system"}, {})

    assert found == Difference(fields={"author": "alice"}, changed=("author",))


def test_a_field_that_no_reply_shows_is_compared_with_what_was_sent() -> None:
    """A subject is sent again only when the manifest's changes."""
    assert difference({"subject": "a"}, {}, {"subject": "a"}) == Difference()
    assert difference({"subject": "b"}, {}, {"subject": "a"}).fields == {"subject": "b"}


def test_a_newly_declared_subject_is_sent() -> None:
    """Nothing is assumed of a message that this tool has made without one."""
    assert difference({"subject": "a"}, {}, {"body": "Hi"}).fields["subject"] == "a"


@pytest.mark.parametrize("name", ["subject", "content_variables"])
def test_what_cannot_be_seen_of_an_imported_message_is_assumed(name: str) -> None:
    """After an import nothing was ever sent, so what is declared is taken to be there."""
    assert difference({name: "x"}, {}, {}, imported=True) == Difference(assumed=(name,))


def test_a_file_is_assumed_only_where_there_is_media() -> None:
    """An imported message without media certainly does not have the declared file."""
    there = difference({"media": "abc"}, {"media_sid": "ME1"}, {}, imported=True)
    absent = difference({"media": "abc"}, {}, {}, imported=True)

    assert there.assumed == ("media",)
    assert absent.changed == ("media",)


@pytest.mark.parametrize(("name", "default"), [("author", "system"), ("attributes", "{}")])
def test_a_dropped_field_is_reset_if_nobody_else_changed_it(name: str, default: str) -> None:
    """What we once set goes back to the API's default with the line in the manifest."""
    found = difference({}, {name: '{"a":1}'}, {name: '{"a":1}'})

    assert found == Difference(fields={name: default}, reset=(name,), changed=(name,))


def test_a_dropped_field_that_was_rewritten_is_reset() -> None:
    """*Observed* is what counts, and the server's own version of it is that."""
    assert difference({}, {"author": "Alice"}, {"author": "alice"}, {"author": "Alice"}).reset == ("author",)


def test_a_dropped_field_that_somebody_changed_is_released() -> None:
    """A foreign value is not ours to take away."""
    assert difference({}, {"author": "bob"}, {"author": "alice"}) == Difference(released=("author",))


def test_a_dropped_field_that_has_its_default_needs_nothing() -> None:
    """There is nothing to set back."""
    assert difference({}, {"author": "system"}, {"author": "alice"}) == Difference()


@pytest.mark.parametrize("name", ["body", "date_created", "date_updated"])
def test_a_dropped_field_without_a_default_is_released(name: str) -> None:
    """No request carries an empty body, and a date cannot be unset."""
    assert difference({}, {name: "x"}, {name: "x"}) == Difference(released=(name,))


def test_a_dropped_subject_is_emptied() -> None:
    """It cannot be seen, so it is taken to be there unless it was empty."""
    assert difference({}, {}, {"subject": "a"}).fields == {"subject": ""}
    assert difference({}, {}, {"subject": ""}) == Difference()


@pytest.mark.parametrize("name", ["media", "media_sid", "content_sid", "content_variables"])
def test_a_dropped_immutable_field_is_changed_to_nothing(name: str) -> None:
    """Only a new message can be without it."""
    found = difference(
        {"body": "Hi"}, {"body": "Hi", "media_sid": "ME1", "content_sid": "HX1"}, {name: "x", "body": "Hi"}
    )

    assert found == Difference(fields={name: ""}, reset=(name,), changed=(name,))


def test_naming_the_sid_of_the_sent_file_changes_nothing() -> None:
    """`media: {file}` may become the `media_sid` of the very media that was made of it."""
    shown = {"media_sid": "ME1"}

    assert difference({"media_sid": "ME1"}, shown, {"media": "abc"}) == Difference()
    assert difference({"media_sid": "ME2"}, shown, {"media": "abc"}).fields == {
        "media_sid": "ME2",
        "media": "",
    }


def test_a_wholly_ignored_field_is_not_looked_at() -> None:
    """Neither a change of it nor dropping it is seen."""
    ignored = (("body",), ("author",), ("subject",))

    found = difference(
        {"body": "Hi", "subject": "b"},
        {"body": "edited", "author": "bob"},
        {"body": "Hi", "author": "alice", "subject": "a"},
        ignored=ignored,
    )

    assert found == Difference()


def test_an_ignored_path_is_not_looked_at() -> None:
    """Attributes are equal if they are so without it, even if the manifest has no such path at all."""
    shown = {"attributes": '{"seen":{"at":5},"x":1}'}

    assert difference({"attributes": '{"x":1}'}, shown, {}, ignored=SEEN) == Difference()


def test_an_ignored_path_goes_with_its_live_value() -> None:
    """What is sent leaves it as it is."""
    found = difference(
        {"attributes": '{"seen":{"at":0},"x":2}'},
        {"attributes": '{"seen":{"at":5,"by":"bob"},"x":1}'},
        {"attributes": '{"x":1}'},
        ignored=SEEN,
    )

    assert found.fields == {"attributes": '{"seen":{"at":5},"x":2}'}


def test_ignoring_a_path_is_no_change_of_the_manifest() -> None:
    """A digest of the whole, from before the path was ignored, still tells who changed what."""
    applied = {"attributes": '{"seen":{"at":0},"x":1}'}

    drifted = difference(applied, {"attributes": '{"seen":{"at":0},"x":9}'}, applied, ignored=SEEN)
    changed = difference({"attributes": '{"x":2}'}, applied, applied, ignored=SEEN)

    assert (drifted.drifted, drifted.changed) == (("attributes",), ())
    assert (changed.drifted, changed.changed) == ((), ("attributes",))


def test_dropping_attributes_leaves_ignored_paths() -> None:
    """They are set back to `{}`, but for the live values of ignored paths."""
    shown = {"attributes": '{"seen":{"at":5},"x":1}'}

    found = difference({}, shown, {"attributes": '{"x":1}'}, ignored=SEEN)

    assert found.fields == {"attributes": '{"seen":{"at":5}}'}


@pytest.mark.parametrize(
    ("text", "managed"),
    [
        ('{"seen":{"at":1}}', "{}"),
        ('{"seen":{}}', "{}"),
        ('{"seen":{"at":1,"by":2}}', '{"seen":{"by":2}}'),
        ('{"seen":3}', '{"seen":3}'),
        ("[1]", "[1]"),
        ("no json", "no json"),
    ],
)
def test_the_managed_part_is_without_ignored_paths(text: str, managed: str) -> None:
    """A parent that held nothing else goes too; what is no object is not looked into."""
    assert managed_part("attributes", text, SEEN) == managed


def test_text_that_is_no_json_never_equals_a_json_string() -> None:
    """`hello` is not `"hello"`, ignored paths or not."""
    found = difference({"attributes": '"hello"'}, {"attributes": "hello"}, {}, ignored=SEEN)

    assert found.fields == {"attributes": '"hello"'}


@pytest.mark.parametrize(
    ("ours", "theirs", "sent"),
    [
        ('{"x":1}', '{"seen":{"by":2}}', '{"x":1}'),  # nothing there to leave alone
        ('{"x":1}', '{"seen":3}', '{"x":1}'),
        ('{"seen":3}', '{"seen":{"at":5}}', '{"seen":3}'),  # no room for it
        ('{"seen":{"by":1}}', '{"seen":{"at":5}}', '{"seen":{"at":5,"by":1}}'),
        ('{"seen":{"at":0}}', "no json", '{"seen":{"at":0}}'),
        ("[1]", '{"seen":{"at":5}}', "[1]"),
    ],
)
def test_live_values_at_ignored_paths_are_kept_where_they_fit(ours: str, theirs: str, sent: str) -> None:
    """Ours is sent with what theirs has at the path, if there is such a thing and a place for it."""
    assert with_ignored_from("attributes", ours, theirs, SEEN) == sent


def test_live_values_are_canonical() -> None:
    """Dates are whole seconds of UTC, attributes sorted JSON, and `date_updated` is never empty."""
    shown = live(
        "IM1",
        0,
        body=None,
        attributes='{"b": 1.0, "a": true}',
        date_created="2026-01-05T10:00:00.9+01:00",
        content_sid="HX1",
        media=(RemoteMedia("ME1"),),
    )

    assert live_values(shown) == {
        "author": "system",
        "body": "",
        "attributes": '{"a":true,"b":1}',
        "date_created": "2026-01-05T09:00:00Z",
        "date_updated": "2026-01-05T09:00:00Z",
        "content_sid": "HX1",
        "media_sid": "ME1",
    }


def test_what_a_reply_leaves_out_is_empty() -> None:
    """Every field can be null."""
    shown = live("IM1", 0, author=None, attributes=None, date_created=None)

    assert live_values(shown) == {
        "author": "",
        "body": "",
        "attributes": "{}",
        "date_created": "",
        "date_updated": "",
    }


def test_half_a_surrogate_pair_in_live_attributes_is_text() -> None:
    """A client that cut an emoji in half must not stop a plan."""
    assert live_values(live("IM1", 0, attributes='{"a": "\ud83d"}'))["attributes"] == '{"a": "\ud83d"}'


SENT = {"body": digest("body", "Hi"), "subject": digest("subject", "s"), "media": digest("media", "m")}


@pytest.mark.parametrize(
    ("wanted", "shown", "unchanged"),
    [
        ({}, {}, True),
        ({"body": "Ho"}, {}, False),
        ({"subject": "t"}, {}, False),
        ({"subject": None}, {}, False),  # dropped
        ({"media": "n"}, {}, False),
        ({"content_variables": {"1": "x"}}, {}, False),  # newly declared
        ({"author": "alice"}, {}, False),
        ({"author": "alice"}, {"author": "alice"}, True),
        ({"attributes": {"a": 1}}, {"attributes": '{ "a": 1.0 }'}, True),
        ({"attributes": {"a": 1}}, {"attributes": '{"a": true}'}, False),
        ({"date_created": "2026-01-01T00:00:00Z"}, {}, False),
        ({"date_updated": "2026-01-05T09:00:00Z"}, {}, True),  # never updated
        ({"media_sid": "ME1"}, {"media": (RemoteMedia("ME1"),)}, True),
        ({"media_sid": "ME1"}, {"media": None}, False),
        ({"content_sid": "HX1"}, {}, False),
        ({"content_sid": "HX1"}, {"content_sid": "HX1"}, True),
        ({"date_created": "2026-01-05T09:00:00Z"}, {}, True),
    ],
)
def test_what_is_unchanged_is_seen_at_first_sight(
    wanted: dict[str, Any],
    shown: dict[str, Any],
    unchanged: bool,  # noqa: FBT001
) -> None:
    """The quick look says yes only where the full comparison would find nothing to do."""
    one = message("a", **{"body": "Hi", "subject": "s", "media": "m", **wanted})

    assert (
        is_unchanged(one, live("IM1", 0, body="Hi", **shown), Binding("IM1", sent=SENT), digest) is unchanged
    )


def test_only_digests_of_the_manifest_are_up_to_date() -> None:
    """What changed remotely to the very value of the manifest is still to be recorded."""
    one = message("a", body="Hi")
    right, wrong = {"body": digest("body", "Hi")}, {"body": digest("body", "Ho")}

    assert is_recorded(one, Binding("IM1", sent=right), digest)
    assert not is_recorded(one, Binding("IM1", sent=wrong), digest)
    assert not is_recorded(one, Binding("IM1", sent=right, observed=wrong), digest)
    assert not is_recorded(one, Binding("IM1", sent={**right, "author": "x"}), digest)


def test_digests_remember_what_the_reply_showed_only_where_it_differs() -> None:
    """Of ignored paths nothing is remembered, nor of what no reply shows."""
    managed = {"body": "Hi", "author": "alice", "subject": "s", "attributes": '{"seen":{"at":1},"x":1}'}
    shown = {"body": "Hi!", "author": "alice", "attributes": '{"seen":{"at":2},"x":1}'}

    sent, observed = digests(MESSAGE, managed, shown, digest, ignored=SEEN)

    assert sent == {
        "body": digest("body", "Hi"),
        "author": digest("author", "alice"),
        "subject": digest("subject", "s"),
        "attributes": digest("attributes", '{"x":1}'),
    }
    assert observed == {"body": digest("body", "Hi!")}


def test_changes_name_the_paths_inside_attributes() -> None:
    """JSON is compared by what is inside, booleans are no numbers, and no key is private."""
    before = {"body": "Hi", "attributes": '{"__type":"a","flag":1,"list":[1,2],"none":null,"old":1}'}
    after = {"body": "Ho", "attributes": '{"__type":"b","flag":true,"list":[1],"new":2,"none":0}'}

    assert field_changes(before, after) == (
        FieldChange(("attributes", "__type"), "a", "b"),
        FieldChange(("attributes", "flag"), 1, True),  # noqa: FBT003
        FieldChange(("attributes", "list", 1), 2, UNSET),
        FieldChange(("attributes", "new"), UNSET, 2),
        FieldChange(("attributes", "none"), None, 0),
        FieldChange(("attributes", "old"), 1, UNSET),
        FieldChange(("body",), "Hi", "Ho"),
    )


def test_a_boolean_in_a_list_is_no_number() -> None:
    """Lists are paired item by item, and `1 == True` to Python."""
    before, after = {"attributes": '{"flags":[1,"x",[0]]}'}, {"attributes": '{"flags":[true,"y",[false]]}'}

    assert field_changes(before, after) == (
        FieldChange(("attributes", "flags", 0), 1, True),  # noqa: FBT003
        FieldChange(("attributes", "flags", 1), "x", "y"),
        FieldChange(("attributes", "flags", 2, 0), 0, False),  # noqa: FBT003
    )


def test_null_is_a_value() -> None:
    """It is not the same as nothing."""
    before, after = {"attributes": '{"a":null,"b":1}'}, {"attributes": '{"b":null,"c":null}'}

    assert field_changes(before, after) == (
        FieldChange(("attributes", "a"), None, UNSET),
        FieldChange(("attributes", "b"), 1, None),
        FieldChange(("attributes", "c"), UNSET, None),
    )


def test_attributes_that_are_no_json_are_shown_as_text() -> None:
    """A live text that cannot be read is one change of the whole."""
    assert field_changes({"attributes": "no json"}, {"attributes": "{}"}) == (
        FieldChange(("attributes",), "no json", {}),
    )
