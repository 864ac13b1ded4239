"""The shapes of mappings inside messages, participants and conversations."""

from __future__ import annotations

from typing import Final

from pydantic_core.core_schema import list_schema

from reconciler.manifest.declare import Shape, field
from reconciler.manifest.scalar_shapes import DURATION, FLAG, LABEL, TEXT

LIFECYCLE: Final = Shape(
    "Lifecycle",
    "What may happen to a message after it was created.",
    {
        "prevent_destroy": field(FLAG, "Refuse every plan that would delete or replace this message."),
        "ignore_changes": field(
            list_schema(TEXT),
            "Fields, or paths inside attributes such as `attributes.seen.at`, whose live value is left as it "
            "is.",
        ),
    },
)
MEDIA: Final = Shape(
    "Media",
    "A file that is uploaded and attached to the message.",
    {
        "file": field(TEXT, "Path of the file, relative to the folder of this manifest.", required=True),
        "content_type": field(
            TEXT, "MIME type; guessed from the file name unless given.", examples=["image/png"]
        ),
        "filename": field(LABEL, "Name that is shown; the file's own unless given."),
    },
)
MESSAGING_BINDING: Final = Shape(
    "MessagingBinding",
    "How a participant outside the chat is reached.",
    {
        "address": field(TEXT, "Address of the person, such as `+15550100` or `whatsapp:+15550100`."),
        "proxy_address": field(TEXT, "Your Twilio address that the person talks to."),
        "projected_address": field(
            TEXT, "Your Twilio number that stands for a chat identity in group texting."
        ),
    },
)
TIMERS: Final = Shape(
    "Timers",
    "After how long without a message a conversation changes its state.",
    {
        "inactive": field(DURATION, "ISO 8601 duration, at least `PT1M`, after which it turns inactive."),
        "closed": field(DURATION, "ISO 8601 duration, at least `PT10M`, after which it is closed."),
    },
)
EMAIL_BINDING: Final = Shape(
    "EmailBinding",
    "The conversation's address in e-mail.",
    {
        "address": field(TEXT, "E-mail address of the conversation.", required=True),
        "name": field(LABEL, "Name shown beside the address."),
    },
)
BINDINGS: Final = Shape(
    "Bindings",
    "Addresses of the conversation itself.",
    {"email": field(EMAIL_BINDING.schema, "The conversation's address in e-mail.")},
)
