"""Addresses: the names that manifests give to services, conversations, participants and messages."""

import re
from collections.abc import Container
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

Address: TypeAlias = str
"""A name within the manifests, which is never sent.

It is `service`, `service/conversation`, `service/conversation/key`, or
`service/conversation/participants/key`.
"""


NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
"""A name or key as it is written in a manifest."""


INSTANCE_KEY: Final = r"[A-Za-z0-9._@+:-]{1,64}"
"""The key of one instance of a `for_each`."""


ADDRESS_PART: Final = rf"{NAME}(?:\[{INSTANCE_KEY}\])?"
"""A name, with the key of an instance for what a `for_each` makes: `order[4711]`."""


PARTICIPANTS: Final = "participants"
"""The part of an address before the key of a participant; it is reserved as the key of a message."""


_ADDRESS: Final = rf"{ADDRESS_PART}(/{ADDRESS_PART}(/({PARTICIPANTS}/)?{ADDRESS_PART})?)?"


class ResourceType(StrEnum):
    """The type of the object that an address names."""

    SERVICE = "service"
    CONVERSATION = "conversation"
    PARTICIPANT = "participant"
    MESSAGE = "message"


TYPES: Final = (
    ResourceType.SERVICE,
    ResourceType.CONVERSATION,
    ResourceType.MESSAGE,
    ResourceType.PARTICIPANT,
)
"""The type of what an address names, by its number of slashes."""


def type_of(address: Address) -> ResourceType:
    """Return the type of what *address* names, by the number of its parts."""
    return TYPES[address.count("/")]


def parent_of(address: Address) -> Address:
    """Return the conversation of a message or participant, or the service of a conversation."""
    first, _, rest = address.partition("/")
    return first if "/" not in rest else f"{first}/{rest.partition('/')[0]}"


def conversation_of(address: Address) -> Address:
    """Return the conversation that *address* names or is in; the address of a service stays as it is."""
    service, slash, rest = address.partition("/")
    return f"{service}{slash}{rest.partition('/')[0]}"


def matches(address: Address, glob: str) -> bool:
    """Return whether *glob* matches *address*: `*` and `?` match any text, `/` included, and `[` itself."""
    return fnmatchcase(address, glob.replace("[", "[[]"))


def is_within(address: Address, places: Container[Address]) -> bool:
    """Return whether *address* is one of *places*, or is inside one of them."""
    while address and address not in places:
        address = address.rpartition("/")[0]
    return bool(address)


def is_well_formed(address: Address) -> bool:
    """Return whether *address* has as many parts as an address; their characters are not checked."""
    slashes = address.count("/")
    return slashes < len(TYPES) - 1 or (slashes == len(TYPES) - 1 and f"/{PARTICIPANTS}/" in address)


def is_reserved(key: str) -> bool:
    """Return whether *key*, with or without the key of an instance, is not permitted for a message."""
    return key.startswith(PARTICIPANTS) and key.partition("[")[0] == PARTICIPANTS


def is_address(text: str) -> bool:
    """Return whether *text* has the form of an address, and its key is not reserved."""
    if re.fullmatch(_ADDRESS, text) is None:
        return False
    return type_of(text) is not ResourceType.MESSAGE or not is_reserved(text.rpartition("/")[2])
