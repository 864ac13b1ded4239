"""The shape of what lets a manifest say more with less: variables, fan-out, templates.

These are resolved by `expand`, before anything else looks at a manifest.
"""

from typing import Annotated, Any, Literal, Required

from pydantic import Field, WithJsonSchema, with_config
from typing_extensions import TypedDict

from reconciler.manifest.scalar_shapes import SHAPE, Name, Text

ForEach = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [
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
            ]
        }
    ),
    Field(
        description="Makes one of this for each item of a list, a mapping, or a file: `{file: customers.csv, "
        "key: id}`. `${each.key}` and `${each.value}` are the item; its key becomes part of the name: "
        "`order[4711]`."
    ),
]


@with_config(SHAPE)
class Variable(TypedDict, total=False):
    """A value that is given from outside, and that texts refer to as `${var.NAME}`."""

    type: Annotated[
        Literal["string", "number", "bool", "list", "map"],
        Field(description="What it must be; that of the default unless given, else `string`."),
    ]
    default: Annotated[Any, Field(description="Its value where none is given; without one, it must be.")]
    description: Annotated[Text, Field(description="What it is for.")]
    sensitive: Annotated[bool, Field(description="Never show the value (default: false).")]


@with_config(SHAPE)
class Timeline(TypedDict, total=False):
    """When a conversation begins, and how its messages follow; resolved once, when it is created."""

    start: Required[
        Annotated[
            Text,
            Field(
                description="`-3d 09:00`, `-2h`, `now`, `today 09:00`, or a fixed instant.",
                examples=["-3d 09:00"],
            ),
        ]
    ]
    zone: Annotated[
        Text, Field(description="Zone of times of day (default: UTC).", examples=["Europe/Berlin"])
    ]
    step: Annotated[
        Text,
        Field(description="How long after the one before a message comes (default: 1m).", examples=["40s"]),
    ]


# `from` is a keyword of Python, so this cannot be written as a class.
Transcript = TypedDict(
    "Transcript",
    {
        "from": Required[
            Annotated[
                Text,
                Field(
                    description="CSV, JSON or JSON Lines file with a message in each row: key, author, body, "
                    "attributes, date_created, at.",
                    examples=["chat.csv"],
                ),
            ]
        ],
        "key": Annotated[Text, Field(description="Column with the keys (default: `key`, or the position).")],
    },
    total=False,
)
Transcript.__doc__ = "The messages of a transcript, in their order."
with_config(SHAPE)(Transcript)


@with_config(SHAPE)
class Use(TypedDict):
    """The messages of a template, in their order."""

    use: Required[Annotated[Name, Field(description="Name of a template, from any manifest.")]]
