"""Which messages may stay where they are, given that the server only ever appends.

Twilio numbers messages as they arrive; nothing can change a number, and a new message always goes
last. So a conversation can be brought into the manifest's order only by posting again everything
behind the first message that stands wrong.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct


class Price(Struct, frozen=True):
    """What `order: strict` costs in one conversation."""

    after: int
    """How many messages stay."""
    of: int
    """How many messages exist."""
    reposts: int
    """How many of them are posted again."""
    requests: int
    """How many requests create or delete messages."""

    def __str__(self) -> str:
        return f"insert after {self.after} of {self.of}: {self.reposts} re-posts, {self.requests} requests"


def kept(indexes: Sequence[int | None]) -> int:
    """Return how many messages from the front may stay.

    *indexes* has, in manifest order, the live index of each message, or None where it does not
    exist or must be replaced anyway. Kept is the longest prefix with rising index: a message may
    stay only if everything before it stays, as all that is posted again goes behind it.
    """
    last = -1
    for count, index in enumerate(indexes):
        if index is None or index <= last:
            return count
        last = index
    return len(indexes)


def out_of_order(indexes: Sequence[int | None]) -> list[int]:
    """Return the positions that will not stand where the manifest has them under `append`.

    They are as few as possible: the longest series that will rise counts as standing right. New
    messages (None) will come last, in manifest order, and of a new and an old message that stand in
    each other's way the new one is named.
    """
    if kept(indexes) == len(indexes):
        return []
    top = max((index for index in indexes if index is not None), default=-1)
    ends: list[int] = []  # the lowest index at which a rising series of each length ends
    end_at: list[int] = []
    before: list[int] = []
    for at, given in enumerate(indexes):
        index = top + 1 + at if given is None else given
        length = bisect_left(ends, index)
        before.append(end_at[length - 1] if length else -1)
        ends[length : length + 1] = [index]
        end_at[length : length + 1] = [at]
    right = set()
    at = end_at[-1]
    while at >= 0:
        right.add(at)
        at = before[at]
    return [at for at in range(len(indexes)) if at not in right]


def price(indexes: Sequence[int | None], existing: Sequence[bool], deletes: int = 0) -> Price | None:
    """Return what `strict` costs here, or None if no existing message must be posted again.

    *existing* has, in manifest order, whether a message exists, even if it is replaced for another reason.
    *deletes* is the number of further messages that are deleted.
    """
    stays = kept(indexes)
    reposts = sum(existing[stays:])
    if not reposts:
        return None
    creates = len(indexes) - stays
    return Price(after=stays, of=sum(existing), reposts=reposts, requests=creates + reposts + deletes)
