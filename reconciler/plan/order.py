"""Which messages may stay where they are, given that the server only ever appends.

Twilio numbers messages as they arrive; nothing can change a number, and a new message always goes
last. So a conversation can be brought into the manifest's order only by posting again everything
behind the first message that stands wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Price(Struct, frozen=True):
    """What an order costs: messages posted again, and the requests that change anything."""

    after: int
    of: int
    reposts: int
    requests: int


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

    A new message (None) goes last, so it stands wrong if a later one of the manifest exists; an
    existing one stands wrong if an earlier one of the manifest has a higher index.
    """
    wrong: list[int] = []
    highest = -1
    last_existing = max((at for at, index in enumerate(indexes) if index is not None), default=-1)
    for at, index in enumerate(indexes):
        if index is None:
            if at < last_existing:
                wrong.append(at)
        elif index < highest:
            wrong.append(at)
        else:
            highest = index
    return wrong


def price(indexes: Sequence[int | None], existing: Sequence[bool]) -> Price | None:
    """Return what `strict` costs here, or None if nothing that stands must be posted again.

    *existing* says which messages have a live copy, one that is replaced for another reason included.
    """
    stays = kept(indexes)
    reposts = sum(existing[stays:])
    if not reposts:
        return None
    creates = len(indexes) - stays
    return Price(after=stays, of=sum(existing), reposts=reposts, requests=creates + reposts)
