"""The rules for how participants are reached, and for group texting (group MMS).

In group texting the business number is a participant of its own, with a projected address, and the people
have an address alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from reconciler.manifest.diagnostics.findings import Loc
from reconciler.model import Message, Participant

MOST_OF_GROUP: Final = 10
"""Participants of a group, the business number included, by Twilio's reference."""


class Fault(NamedTuple):
    """What is wrong at one location, and what to do about it."""

    loc: Loc
    text: str
    hint: str


def faults_of_binding(noun: str, fields: dict[str, Any], loc: Loc) -> Iterator[Fault]:
    """Yield what is wrong with how one participant, *noun*, is reached."""
    binding, in_chat = fields.get("messaging_binding", {}), fields.get("identity") is not None
    address, proxy, projected = (
        binding.get(name) for name in ("address", "proxy_address", "projected_address")
    )
    loc = (*loc, "messaging_binding")
    if in_chat and address is not None:
        yield Fault(
            (*loc, "address"),
            f"`address` beside `identity` in {noun}",
            "keep one: a person is in the chat or outside it",
        )
    elif proxy is not None and address is None:
        yield Fault(
            (*loc, "proxy_address"),
            f"`proxy_address` without `address` in {noun}",
            "add the address of the person",
        )
    elif proxy is not None and proxy == address:
        yield Fault(
            (*loc, "proxy_address"),
            f"`proxy_address` of {noun} is its `address`",
            "`address` is the person's, `proxy_address` your Twilio number",
        )
    if projected is not None and address is not None:
        yield Fault(
            (*loc, "projected_address"),
            f"`projected_address` beside `address` in {noun}",
            "make your Twilio number a participant of its own, with `projected_address` alone",
        )


def faults_of_group(
    noun: str,
    participants: Sequence[Participant],
    messages: Sequence[Message],
    loc: Loc,
) -> Iterator[Fault]:
    """Yield what is wrong with a conversation, *noun*, if it is group texting; *loc* is its location."""
    if all(one.projected_address is None for one in participants):
        return
    if len(participants) > MOST_OF_GROUP:
        yield Fault(
            (*loc, "participants"),
            f"{noun} has {len(participants)} participants; the limit is {MOST_OF_GROUP} in group texting",
            "the number with the `projected_address` counts too",
        )
    known = {
        name for one in participants for name in (one.identity, one.address, one.projected_address) if name
    }
    for position, message in enumerate(messages):
        if message.author not in known:
            place = (*loc, "messages", position)
            yield Fault(
                place if message.author is None else (*place, "author"),
                f"message `{message.key}` of {noun} is not by a participant, as group texting demands",
                "name the identity, the address or the projected address of a participant as its `author`",
            )
