"""Doubts about attributes that are a text which is itself JSON: perhaps its quotes are not meant."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from reconciler.model import Address, Conversation, Desired, Doubt, declared_conversations

CODE = "json_in_quotes"
"""The code of the warning."""


def quoted_json(desired: Desired) -> Iterator[Doubt]:
    """Yield a doubt for attributes that are the text of a JSON object or array, wherever it comes from."""
    for address, conversation in declared_conversations(desired):
        for prefix, items in (
            ("", (conversation,)),
            ("/", conversation.messages),
            ("/participants/", conversation.participants),
        ):
            for one in items:
                if one.attributes is not None and one.attributes[0] == '"':
                    name = "" if isinstance(one, Conversation) else one.key
                    yield from _doubt(
                        f"{address}{prefix}{name}", f"{conversation.path}:{one.line}", one.attributes
                    )


def _doubt(address: Address, where: str, attributes: str) -> Iterator[Doubt]:
    try:
        inside = msgspec.json.decode(msgspec.json.decode(attributes))
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return
    if isinstance(inside, dict | list):
        noun = "object" if isinstance(inside, dict) else "array"
        text = (
            f"`attributes` of `{address}` is a text that holds a JSON {noun}, and readers get the text: "
            f"leave the quotes off if the {noun} is meant ({where})"
        )
        yield Doubt(address, text, CODE, of_conversation=True)
