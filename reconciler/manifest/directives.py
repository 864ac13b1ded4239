"""The shape of what lets a manifest say more with less: variables, fan-out, templates.

These are resolved by `expand`, before anything else looks at a manifest.
"""

from __future__ import annotations

from typing import Final

from pydantic_core.core_schema import literal_schema

from reconciler.manifest.declare import Shape, field
from reconciler.manifest.scalar_shapes import ANYTHING, FLAG, NAME_TEXT, TEXT

FOR_EACH: Final = field(
    ANYTHING,  # `items` says what is wrong with it
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
VARIABLE: Final = Shape(
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
TIMELINE: Final = Shape(
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
COLUMNS: Final = Shape(
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
TRANSCRIPT: Final = Shape(
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
USE: Final = Shape(
    "Use",
    "The messages of a template, in their order.",
    {"use": field(NAME_TEXT, "Name of a template, from any manifest.", required=True)},
)
