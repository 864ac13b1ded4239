"""A saved plan comes back as it was, or says why it does not."""

from __future__ import annotations

import json

import msgspec
import pytest

from reconciler.errors import PlanError
from reconciler.plans.actions import Action, FieldChange, Reason, Verb
from reconciler.plans.plan import Parent, Plan, PlanWarning
from reconciler.plans.planfile import FORMAT_VERSION, SavedPlan, decode_plan, encode_plan, is_plan
from reconciler.state.model import Unbound
from tests.support.plans import PLAN

SAVED = SavedPlan(
    format_version=FORMAT_VERSION,
    id="0123456789abcdef",
    reconciler_version="0.1.0",
    created_at="2026-01-05T09:00:00Z",
    account_sid="AC" + "0" * 32,
    origin="https://conversations.twilio.com",
    plan=PLAN,
)
DATA = encode_plan(SAVED)


def refused(data: bytes) -> PlanError:
    """Return the error that reading *data* raises."""
    with pytest.raises(PlanError) as caught:
        decode_plan(data)
    return caught.value


def test_saved_plan_comes_back_whole() -> None:
    """Actions, settlements and digests survive; nothing else is needed to apply."""
    assert decode_plan(DATA) == SAVED


def test_saved_plan_is_one_line_of_json() -> None:
    """Any tool can look into it."""
    assert DATA.count(b"\n") == 1
    assert json.loads(DATA)["plan"]["serial"] == 7


def test_saved_plan_is_recognised_by_its_beginning() -> None:
    """A few dozen bytes tell a plan from manifests and from a state."""
    assert is_plan(DATA[:64])
    assert not is_plan(b"version: 1\nservices: {}\n")
    assert not is_plan(b'{"format_version":1}')


@pytest.mark.parametrize(
    ("data", "what"), [(b"", "is empty"), (b" \n", "is empty"), (b"a: b", "is no saved")]
)
def test_other_file_is_no_plan(data: bytes, what: str) -> None:
    """Empty is told from something else."""
    assert what in refused(data).text


@pytest.mark.parametrize("at", range(64, len(DATA), 97))
def test_plan_that_was_cut_off_is_damaged(at: int) -> None:
    """However much is missing."""
    assert "damaged" in refused(DATA[:at]).text


def test_plan_that_was_edited_is_refused() -> None:
    """One letter of one body is enough to see that a file is not what was written."""
    edited = DATA.replace(b"Welcome to support!", b"Welcome to Support!")

    assert "its checksum is not that of its content" in refused(edited).text


def test_plan_of_a_newer_release_is_not_called_damaged() -> None:
    """The error names both formats and the release that made it, whatever else is in it."""
    newer = DATA.replace(b'"format_version":2', b'"format_version":3', 1).replace(b"0.1.0", b"9.0.0", 1)

    assert "format 3 and was made by a newer release (9.0.0)" in refused(newer).text


def test_plan_of_an_older_release_is_to_be_made_again() -> None:
    """It lacks what keeps its creates from doubling what stands there."""
    older = DATA.replace(b'"format_version":2', b'"format_version":1', 1)

    assert "was made by an older release (0.1.0)" in refused(older).text


def test_sealed_plan_of_another_shape_is_damaged() -> None:
    """A seal is no proof of sense."""
    import hashlib  # noqa: PLC0415

    body = b'{"kind":"reconciler_plan","format_version":2,"id":7'
    seal = hashlib.sha256(body).hexdigest().encode()

    assert "damaged" in refused(body + b',"seal":"sha256:' + seal + b'"}\n').text


def test_a_change_from_nothing_to_nothing_is_damage() -> None:
    """No plan has one, and it could not be shown."""
    with pytest.raises(msgspec.ValidationError, match="without a value"):
        msgspec.json.decode(b'{"path": ["body"]}', type=FieldChange)


@pytest.mark.parametrize(
    "changed",
    [
        {"actions": (Action("s/c/m/n/o", Verb.DELETE, Reason.UNMANAGED),)},
        {"actions": (Action("s/c/m", Verb.MOVE, Reason.UNMANAGED, previous_address="s/c/a/b/c/m"),)},
        {"parents": (Parent("s/c/a/b/c", None, found=False),)},
        {"records": (Unbound("s/c/a/b/c"),)},
        {"seen": {"s/c/a/b/c": 1}},
    ],
)
def test_an_address_of_too_many_parts_is_damage(changed: dict[str, object]) -> None:
    """It would have no type."""
    plan = msgspec.structs.replace(PLAN, **changed)

    error = refused(encode_plan(msgspec.structs.replace(SAVED, plan=plan)))

    assert "is no address" in error.text


def test_a_change_of_no_field_is_damage() -> None:
    """It could not be shown."""
    with pytest.raises(msgspec.ValidationError, match="without a field"):
        msgspec.json.decode(b'{"path": [], "before": 1, "after": 2}', type=FieldChange)


def test_text_that_is_no_unicode_comes_back_whole() -> None:
    """A stranger's message with half of a surrogate pair does not stand in the way of a review."""
    plan = Plan(actions=PLAN.actions, warnings=(PlanWarning("x", "a/b/c", "cut \ud83d"),))
    saved = SavedPlan(FORMAT_VERSION, "id", "0", "t", "AC", "origin", plan, destroy=True)

    assert is_plan(encode_plan(saved)[:64])
    assert decode_plan(encode_plan(saved)) == saved
