"""Parts of the conversations: which of N machines takes a conversation. Alike on every platform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Final

from msgspec import Struct

from reconciler.model.addresses import Address, conversation_of

GROUPS: Final = 64
"""The groups into which conversations are cut, for ever: a state that is kept by group relies on it."""
SERVICES: Final = -1
"""Stands beside the groups for what belongs to services, and to no conversation."""
_PARTS: Final = r"([0-9]{1,9})/([0-9]{1,9})"


def group_of(conversation: Address) -> int:
    """Return the group, from 0 to `GROUPS` - 1, of *conversation*, an address `service/conversation`."""
    return int.from_bytes(blake2b(conversation.encode(), digest_size=8).digest(), "big") % GROUPS


def group_at(address: Address) -> int:
    """Return the group of the conversation that *address* names or is in; `SERVICES` for a service."""
    conversation = conversation_of(address)
    return group_of(conversation) if "/" in conversation else SERVICES


class Shard(Struct, frozen=True):
    """One of *count* parts of the conversations; each is in exactly one part."""

    index: int
    """The number of the part, from 1."""
    count: int
    """The number of parts, at most `GROUPS`."""

    def __post_init__(self) -> None:
        if not 1 <= self.count <= GROUPS:
            raise ValueError(f"`{self}` has {self.count} parts: there can be 1 to {GROUPS}")
        if not 1 <= self.index <= self.count:
            raise ValueError(f"`{self}` names part {self.index}: parts are numbered from 1 to {self.count}")

    def has(self, conversation: Address) -> bool:
        """Return whether *conversation*, an address `service/conversation`, is in this part."""
        return self.has_group(group_of(conversation))

    def has_group(self, group: int) -> bool:
        """Return whether the conversations of *group* are in this part."""
        return group % self.count == self.index - 1

    def groups(self) -> Iterator[int]:
        """Return the groups of this part, in ascending order; there is at least one."""
        return iter(range(self.index - 1, GROUPS, self.count))

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def parse_shard(text: str) -> Shard:
    """Return the part that *text* names as `I/N`; raises ValueError, which says what is wrong."""
    found = re.fullmatch(_PARTS, text)
    if found is None:
        raise ValueError(f"`{text}` is not a part: write it as I/N, such as `1/4` for the first of four")
    return Shard(int(found[1]), int(found[2]))
