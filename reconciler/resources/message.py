"""Messages: their fields, and what a reply shows of them."""

from __future__ import annotations

from operator import attrgetter
from typing import Final

from reconciler.model import IMMUTABLE, MESSAGE_FIELDS, UNSEEN, Message, RemoteMessage
from reconciler.model.canonical import canonical_attributes, canonical_date
from reconciler.resources.schema import ResourceSchema

MESSAGE: Final = ResourceSchema(
    unseen=UNSEEN | {"media"},  # the digest of the file: a reply shows the sid of media, not its bytes
    immutable=IMMUTABLE,
    defaults={"author": "system", "attributes": "{}", "subject": ""},
    carried=("author", "attributes", "date_created"),
)
_REST: Final = MESSAGE_FIELDS[4:]
_NO_REST: Final = (None,) * len(_REST)
_rest: Final[attrgetter[tuple[str | None, ...]]] = attrgetter(*_REST)


def live_values(live: RemoteMessage) -> dict[str, str]:
    """Return the canonical texts of what a reply shows of a message."""
    values = {
        "author": live.author or "",
        "body": live.body or "",
        "attributes": canonical_attributes(live.attributes or "{}"),
        "date_created": canonical_date(live.date_created) or "",
        "date_updated": canonical_date(live.date_updated or live.date_created) or "",
    }
    if live.content_sid:
        values["content_sid"] = live.content_sid
    if live.media:
        values["media_sid"] = live.media[0].sid
    return values


def desired_values(message: Message) -> dict[str, str]:
    """Return the fields that *message* declares, with their canonical texts."""
    values: dict[str, str] = {}
    if message.author is not None:  # a plan asks this of each message, and most have these fields alone
        values["author"] = message.author
    if message.body is not None:
        values["body"] = message.body
    if message.attributes is not None:
        values["attributes"] = message.attributes
    if message.date_created is not None:
        values["date_created"] = message.date_created
    rest = _rest(message)
    if rest != _NO_REST:
        values |= {name: value for name, value in zip(_REST, rest, strict=True) if value is not None}
    return values
