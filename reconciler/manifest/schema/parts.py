"""The schemas of smaller mappings: blocks, `for_each`, variables, timelines, media, timers, bindings."""

from __future__ import annotations

from typing import Final

from pydantic_core.core_schema import list_schema, literal_schema, str_schema

from reconciler.manifest.schema.fields import (
    ANYTHING,
    DURATION,
    FLAG,
    LABEL,
    NAME_TEXT,
    TEXT,
    MappingSchema,
    field,
)
from reconciler.model import ADDRESS_PART

ADDRESS_PATTERN: Final = f"^{ADDRESS_PART}(/{ADDRESS_PART}(/(participants/)?{ADDRESS_PART})?)?$"


BOUND_SID_PATTERN: Final = "^(IS|CH|MB|IM)[0-9a-fA-F]{32}$"


_ADDRESS: Final = str_schema(pattern=ADDRESS_PATTERN, metadata={"examples": ["support/order-4711/welcome"]})


IMPORT: Final = MappingSchema(
    "Import",
    "An existing object, and the address that is to stand for it.",
    {
        "to": field(_ADDRESS, "Address of a message, participant, conversation or service.", required=True),
        "sid": field(
            str_schema(pattern=BOUND_SID_PATTERN), "Its SID: `IM…`, `MB…`, `CH…` or `IS…`.", required=True
        ),
    },
)


MOVED: Final = MappingSchema(
    "Moved",
    "An address that was renamed.",
    {
        "from": field(_ADDRESS, "Address before, which no manifest declares any more.", required=True),
        "to": field(_ADDRESS, "Address from now on; what is inside moves along.", required=True),
    },
)


REMOVED: Final = MappingSchema(
    "Removed",
    "An address that is forgotten.",
    {
        "from": field(
            _ADDRESS, "Address to forget with what is inside; on Twilio it all stays.", required=True
        ),
    },
)


BLOCKS: Final = {
    "import": field(
        list_schema(IMPORT.schema), "Existing objects to manage from now on, and their addresses."
    ),
    "moved": field(list_schema(MOVED.schema), "Addresses that were renamed here; on Twilio nothing changes."),
    "removed": field(list_schema(REMOVED.schema), "Addresses to forget; what they stood for is not deleted."),
}
"""The fields of a manifest that change which address an object has, or that forget one."""


FOR_EACH: Final = field(
    ANYTHING,  # `expansion.for_each` checks the value, which may be a reference
    "Makes one of this for each item of a list, a mapping, or a file: `{file: customers.csv, key: id}`. "
    "`${each.key}` and `${each.value}` are the item; its key becomes part of the name: `order[4711]`.",
    anyOf=[
        {"type": "array"},
        {
            "type": "object",
            "properties": {
                "file": {
                    "type": "string",
                    "description": "CSV, JSON or JSON Lines file, relative to this manifest.",
                },
                "key": {
                    "type": "string",
                    "description": "Column or field that tells the items apart (default: `key`).",
                },
            },
        },
        {"type": "string", "pattern": "^\\$\\{.*\\}$"},
    ],
)


VARIABLE: Final = MappingSchema(
    "Variable",
    "A value that is given from outside, and that texts refer to as `${var.NAME}`.",
    {
        "type": field(
            literal_schema(["string", "number", "bool", "list", "map"]),
            "What it must be; that of the default unless given, else `string`.",
        ),
        "default": field(ANYTHING, "Its value where none is given; without one, it must be."),
        "description": field(TEXT, "What it is for."),
        "sensitive": field(FLAG, "Never show the value (default: false)."),
    },
)


TIMELINE: Final = MappingSchema(
    "Timeline",
    "When a conversation begins, and how its messages follow; resolved once, when it is created.",
    {
        "start": field(
            TEXT,
            "`-3d 09:00`, `-2h`, `now`, `today 09:00`, or a fixed instant.",
            required=True,
            examples=["-3d 09:00"],
        ),
        "zone": field(TEXT, "Zone of times of day (default: UTC).", examples=["Europe/Berlin"]),
        "step": field(TEXT, "How long after the one before a message comes (default: 1m).", examples=["40s"]),
    },
)


COLUMNS: Final = MappingSchema(
    "Columns",
    "Which columns of a transcript hold which fields. `a.b` is the field `b` of an object in column `a`.",
    {
        "key": field(TEXT, "Column with the keys.", examples=["id"]),
        "author": field(TEXT, "Column with the authors.", examples=["from"]),
        "body": field(TEXT, "Column with the texts.", examples=["text"]),
        "attributes": field(TEXT, "Column with the attributes, as JSON."),
        "date_created": field(
            TEXT, "Column with the times: with an offset or `Z`, or in seconds or milliseconds since 1970."
        ),
        "at": field(TEXT, "Column with the times after the message before."),
    },
)


TRANSCRIPT: Final = MappingSchema(
    "Transcript",
    "The messages of a transcript, in their order.",
    {
        "from": field(
            TEXT,
            "CSV, JSON or JSON Lines file with a message in each row: key, author, body, attributes, "
            "date_created, at.",
            required=True,
            examples=["chat.csv"],
        ),
        "key": field(TEXT, "Column with the keys (default: `key`, or the position)."),
        "columns": field(
            COLUMNS.schema,
            "Columns of other names: `{author: from, body: text}`. What neither these nor fields are called "
            "is left out.",
        ),
    },
)


USE: Final = MappingSchema(
    "Use",
    "The messages of a template, in their order.",
    {"use": field(NAME_TEXT, "Name of a template, from any manifest.", required=True)},
)


LIFECYCLE: Final = MappingSchema(
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


MEDIA: Final = MappingSchema(
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


MESSAGING_BINDING: Final = MappingSchema(
    "MessagingBinding",
    "How a participant outside the chat is reached.",
    {
        "address": field(TEXT, "Address of the person, such as `+15550100` or `whatsapp:+15550100`."),
        "proxy_address": field(TEXT, "Your Twilio address that the person talks to; none in group texting."),
        "projected_address": field(
            TEXT, "Your Twilio number in group texting: a participant of its own, or that of an identity."
        ),
    },
)


TIMERS: Final = MappingSchema(
    "Timers",
    "After how long without a message a conversation changes its state.",
    {
        "inactive": field(DURATION, "ISO 8601 duration, at least `PT1M`, after which it turns inactive."),
        "closed": field(DURATION, "ISO 8601 duration, at least `PT10M`, after which it is closed."),
    },
)


EMAIL_BINDING: Final = MappingSchema(
    "EmailBinding",
    "The conversation's address in e-mail.",
    {
        "address": field(TEXT, "E-mail address of the conversation.", required=True),
        "name": field(LABEL, "Name shown beside the address."),
    },
)


BINDINGS: Final = MappingSchema(
    "Bindings",
    "Addresses of the conversation itself.",
    {"email": field(EMAIL_BINDING.schema, "The conversation's address in e-mail.")},
)
