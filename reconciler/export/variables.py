"""Name the variables that hold the sensitive fields of exported objects. Nothing here does I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Final

from reconciler.model import Address, Service

_LONGEST: Final = 56
"""Characters of a name: fewer than the 64 that are allowed, so that a number can distinguish two names."""


def variables_of(services: Iterable[Service]) -> dict[tuple[Address, str], str]:
    """Return a name for each sensitive field of *services*, by the address of the object and the field.

    A name has the letters, digits and underscores that environment variables may have: `order_1_code_body`.
    """
    taken: set[str] = set()
    names: dict[tuple[Address, str], str] = {}
    for address, field in _sensitive(services):
        wanted = re.sub(r"\W", "_", f"{address.partition('/')[2]}/{field}", flags=re.ASCII)[-_LONGEST:]
        wanted = f"_{wanted}" if wanted[0].isdecimal() else wanted
        free = (f"{wanted}_{number}" for number in count(2))
        name = (
            wanted
            if wanted.casefold() not in taken
            else next(one for one in free if one.casefold() not in taken)
        )
        taken.add(name.casefold())
        names[address, field] = name
    return names


def _sensitive(services: Iterable[Service]) -> Iterator[tuple[Address, str]]:
    for service in services:
        for conversation in service.conversations:
            address = f"{service.name}/{conversation.name}"
            yield from ((address, field) for field in conversation.sensitive)
            for message in conversation.messages:
                yield from ((f"{address}/{message.key}", field) for field in message.sensitive)
