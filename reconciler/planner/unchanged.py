"""Find at little cost that a message needs nothing, which is the common case."""

from __future__ import annotations

from reconciler.model import Message, RemoteMessage
from reconciler.model.canonical import canonical_attributes
from reconciler.resources.message import desired_values
from reconciler.resources.schema import Digest
from reconciler.state.remembered import Binding


def is_unchanged(message: Message, live: RemoteMessage, binding: Binding, digest: Digest) -> bool:
    """Return True if the message certainly needs nothing; otherwise `compare` must decide."""
    sent = binding.sent
    for name in sent:
        if getattr(message, name, None) is None:
            return False
    return (
        (message.body is None or message.body == live.body)
        and (message.author is None or message.author == live.author)
        and (
            message.attributes is None
            or message.attributes == live.attributes
            or message.attributes == canonical_attributes(live.attributes or "{}")
        )
        and (message.date_created is None or message.date_created == live.date_created)
        and (message.date_updated is None or message.date_updated == (live.date_updated or live.date_created))
        and (message.content_sid is None or message.content_sid == live.content_sid)
        and (message.media_sid is None or (bool(live.media) and message.media_sid == live.media[0].sid))  # type: ignore[index]
        and (message.media is None or digest.fits(sent.get("media"), "media", message.media))
        and (message.subject is None or digest.fits(sent.get("subject"), "subject", message.subject))
        and (
            message.content_variables is None
            or digest.fits(sent.get("content_variables"), "content_variables", message.content_variables)
        )
    )


def is_recorded(message: Message, binding: Binding, digest: Digest) -> bool:
    """Return True if the digests of an unchanged message certainly equal those of the manifest."""
    if message.ignore_changes or binding.ignored or binding.observed:
        return False
    wanted, sent, hidden = desired_values(message), binding.sent, message.sensitive
    if wanted.keys() != sent.keys() or hidden != binding.sensitive:
        return False
    for name, value in wanted.items():
        plain = digest(name, value)
        if sent[name] != (digest.hard(plain) if name in hidden else plain):
            return False
    return True
