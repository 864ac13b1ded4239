"""Every conversation is in exactly one part, and in the same one on every machine and in every release."""

import pytest

from reconciler.model import GROUPS, Shard, group_of, parse_shard

CONVERSATIONS = [f"support/order-{number}" for number in range(1000)]


def test_a_conversation_keeps_its_group_for_ever() -> None:
    """Stored states rely on these numbers."""
    known = {"support/order-4711": 41, "support/order[4711]": 30, "a/b": 32}

    assert {conversation: group_of(conversation) for conversation in known} == known


@pytest.mark.parametrize("count", [1, 2, 7, GROUPS])
def test_each_conversation_and_group_is_in_exactly_one_part(count: int) -> None:
    """Nothing is left out, and nothing is done twice."""
    parts = [Shard(index, count) for index in range(1, count + 1)]

    assert all(sum(part.has(conversation) for part in parts) == 1 for conversation in CONVERSATIONS)
    assert sorted(group for part in parts for group in part.groups()) == list(range(GROUPS))
    assert all(part.has_group(group) for part in parts for group in part.groups())


def test_no_group_is_left_out_by_the_hash() -> None:
    """The hash spreads over all groups."""
    assert len({group_of(conversation) for conversation in CONVERSATIONS}) == GROUPS


@pytest.mark.parametrize("text", ["1/1", "2/7", "64/64"])
def test_a_part_is_written_as_it_is_read(text: str) -> None:
    """The text of a part names it again."""
    assert str(parse_shard(text)) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "write it as I/N"),
        ("3", "write it as I/N"),
        ("1/4/2", "write it as I/N"),
        ("-1/4", "write it as I/N"),
        ("\u0661/\u0664", "write it as I/N"),
        ("0/4", "parts are numbered from 1 to 4"),
        ("5/4", "parts are numbered from 1 to 4"),
        ("1/0", "there can be 1 to 64"),
        ("1/65", "there can be 1 to 64"),
    ],
)
def test_what_names_no_part_is_refused_with_the_reason(text: str, why: str) -> None:
    """Each wrong text says what is wrong with it."""
    with pytest.raises(ValueError, match=why):
        parse_shard(text)
