"""Messages: their fields, and what a reply shows of them."""

from __future__ import annotations

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
    return {name: value for name in MESSAGE_FIELDS if (value := getattr(message, name)) is not None}
