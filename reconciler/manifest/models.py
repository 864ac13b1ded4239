"""The shape of a manifest file: the only source of `schemas/manifest.schema.json`.

Shape means names, types, patterns and lengths. What needs more than one field, a file or another
manifest to be judged is in `messages`, `build`, `media` and `merge`. After a change, write the
committed schema again: `reconciler schema manifest > schemas/manifest.schema.json`.
"""

from typing import Annotated, Any, Final, Literal, Required

from pydantic import ConfigDict, Discriminator, Field, Tag, TypeAdapter, with_config
from typing_extensions import TypedDict

from reconciler.manifest.block_shapes import Blocks
from reconciler.manifest.directives import ForEach, Timeline, Transcript, Use, Variable
from reconciler.manifest.parts import Bindings, Lifecycle, Media, MessagingBinding, Timers
from reconciler.manifest.scalar_shapes import (
    SHAPE,
    AccountSid,
    ContentSid,
    ConversationSid,
    Instant,
    Label,
    MediaSid,
    MessagingServiceSid,
    Name,
    RoleSid,
    ServiceSid,
    TemplateVariableName,
    TemplateVariableValue,
    Text,
    VariableName,
)

ONE_FILE: Final = "<file>"
MANY_FILES: Final = "<files>"
TEMPLATE: Final = "<template>"
TRANSCRIPT: Final = "<transcript>"
MANY_MESSAGES: Final = "<messages>"
ONE_MESSAGE: Final = "<message>"
BRANCHES: Final = frozenset((ONE_FILE, MANY_FILES, TEMPLATE, TRANSCRIPT, MANY_MESSAGES, ONE_MESSAGE))
"""Branches of `media` and `messages`; pydantic puts them into the location of an error, so no field may
be named so."""


def _media_branch(value: Any) -> str:
    return MANY_FILES if isinstance(value, list) else ONE_FILE


@with_config(SHAPE)
class Message(TypedDict, total=False):
    """One message of a conversation. A field that is not mentioned is not managed."""

    key: Required[
        Annotated[
            Name,
            Field(description="Identity of the message inside the conversation; never sent to Twilio."),
        ]
    ]
    author: Annotated[
        Text,
        Field(description="Who wrote it: a participant's identity, or any text. Twilio's default: system."),
    ]
    body: Annotated[
        Text,
        Field(
            description="The text: at most 32,768 bytes, or 1,600 characters in a conversation with "
            "participants outside the chat."
        ),
    ]
    attributes: Annotated[Any, Field(description="Any JSON value, at most 4 KB; sent as a JSON string.")]
    date_created: Annotated[
        Instant, Field(description="When it was written; with an offset or `Z`, whole seconds.")
    ]
    date_updated: Annotated[
        Instant, Field(description="When it was last edited; with an offset or `Z`, whole seconds.")
    ]
    subject: Annotated[
        str, Field(max_length=256, description="Subject, for e-mail. Twilio never shows it again.")
    ]
    media: Annotated[
        Annotated[Media, Tag(ONE_FILE)] | Annotated[list[Media], Tag(MANY_FILES)],
        Discriminator(_media_branch),
        Field(description="A file to attach. A list may hold one file: the API takes one a message."),
    ]
    media_sid: Annotated[
        MediaSid, Field(description="An uploaded file (`ME…`) to attach; it can be used once.")
    ]
    content_sid: Annotated[
        ContentSid, Field(description="A content template (`HX…`); it takes the place of body and media.")
    ]
    content_variables: Annotated[
        dict[TemplateVariableName, TemplateVariableValue],
        Field(max_length=100, description="Values for the variables of the content template."),
    ]
    webhooks: Annotated[
        bool, Field(description="Let Twilio call the service's webhooks for this message (default: false).")
    ]
    lifecycle: Annotated[Lifecycle, Field(description="What may happen to the message after it was created.")]
    at: Annotated[
        Text,
        Field(
            description="How long after the one before it comes, under a `timeline`: `+35s`, `+1d 09:15`.",
            examples=["+35s"],
        ),
    ]
    for_each: ForEach


def _item_branch(value: Any) -> str:
    if isinstance(value, dict):
        if "use" in value:
            return TEMPLATE
        if "from" in value:
            return TRANSCRIPT
    return ONE_MESSAGE


def _messages_branch(value: Any) -> str:
    branch = _item_branch(value)
    return MANY_MESSAGES if branch is ONE_MESSAGE else branch


Messages = Annotated[
    Annotated[Use, Tag(TEMPLATE)]
    | Annotated[Transcript, Tag(TRANSCRIPT)]
    | Annotated[
        list[
            Annotated[
                Annotated[Message, Tag(ONE_MESSAGE)]
                | Annotated[Use, Tag(TEMPLATE)]
                | Annotated[Transcript, Tag(TRANSCRIPT)],
                Discriminator(_item_branch),
            ]
        ],
        Tag(MANY_MESSAGES),
    ],
    Discriminator(_messages_branch),
]


@with_config(SHAPE)
class MessageDefaults(TypedDict, total=False):
    """Fields of messages that do not have them."""

    author: Annotated[Text, Field(description="Author of messages without one.")]
    attributes: Annotated[Any, Field(description="Attributes of messages without any.")]
    subject: Annotated[str, Field(max_length=256, description="Subject of messages without one.")]
    webhooks: Annotated[bool, Field(description="Let Twilio call webhooks where a message does not say.")]
    lifecycle: Annotated[Lifecycle, Field(description="Lifecycle of messages without one.")]


@with_config(SHAPE)
class Participant(TypedDict, total=False):
    """One member of a conversation: in the chat, or reached by SMS, WhatsApp and the like."""

    key: Annotated[
        Name,
        Field(description="Name inside the conversation; the identity where that is a possible name."),
    ]
    identity: Annotated[Label, Field(description="Identity of a chat user.")]
    messaging_binding: Annotated[
        MessagingBinding, Field(description="How a participant outside the chat is reached.")
    ]
    role_sid: Annotated[RoleSid, Field(description="Role (`RL…`) in the conversation.")]
    attributes: Annotated[Any, Field(description="Any JSON value, at most 4 KB.")]


@with_config(SHAPE)
class Conversation(TypedDict, total=False):
    """A conversation: an existing one by `sid`, or by its unique name, created if absent."""

    sid: Annotated[ConversationSid, Field(description="An existing conversation (`CH…`).")]
    unique_name: Annotated[
        Label, Field(description="Unique name on Twilio; the conversation's name here unless given.")
    ]
    friendly_name: Annotated[Label, Field(description="Name that people see.")]
    attributes: Annotated[Any, Field(description="Any JSON value, at most 16 KB.")]
    state: Annotated[
        Literal["active", "inactive", "closed"],
        Field(description="Wanted state. A closed conversation cannot be opened again."),
    ]
    messaging_service_sid: Annotated[
        MessagingServiceSid, Field(description="Messaging service (`MG…`) used for SMS and WhatsApp.")
    ]
    timers: Annotated[Timers, Field(description="When the conversation falls inactive or is closed.")]
    bindings: Annotated[Bindings, Field(description="Addresses of the conversation itself.")]
    order: Annotated[
        Literal["append", "strict", "any"],
        Field(
            description="`append` (default): new messages are sent in this order, after what is there. "
            "`strict`: the live order must be this one. `any`: order does not matter."
        ),
    ]
    unmanaged: Annotated[
        Literal["keep", "delete"],
        Field(description="What to do with messages that no key names: `keep` (default) or `delete`."),
    ]
    messages: Annotated[
        Messages,
        Field(
            description="The messages, in the order they are sent; `use: NAME` means those of a template, "
            "`from: FILE` those of a transcript."
        ),
    ]
    participants: Annotated[list[Participant], Field(description="The members of the conversation.")]
    defaults: Annotated[MessageDefaults, Field(description="Fields of messages that do not have them.")]
    timeline: Annotated[Timeline, Field(description="When it begins, and how its messages follow.")]
    for_each: ForEach


@with_config(SHAPE)
class Defaults(MessageDefaults, total=False):
    """Fields of messages and conversations that do not have them."""

    order: Annotated[
        Literal["append", "strict", "any"], Field(description="Order of conversations that do not say.")
    ]
    unmanaged: Annotated[
        Literal["keep", "delete"],
        Field(description="What conversations that do not say do with messages that no key names."),
    ]
    messaging_service_sid: Annotated[
        MessagingServiceSid, Field(description="Messaging service (`MG…`) of conversations without one.")
    ]
    timers: Annotated[Timers, Field(description="Timers of conversations without any.")]
    timeline: Annotated[Timeline, Field(description="Timeline of conversations without one.")]


@with_config(SHAPE)
class Service(TypedDict, total=False):
    """A Conversations service: an existing one by `sid`, or by its friendly name, created if absent."""

    sid: Annotated[ServiceSid, Field(description="An existing service (`IS…`).")]
    friendly_name: Annotated[
        Label, Field(description="Friendly name on Twilio; the service's name here unless given.")
    ]
    default: Annotated[bool, Field(description="Use the account's default service.")]
    conversations: Annotated[dict[Name, Conversation], Field(description="The conversations, by name.")]
    defaults: Annotated[
        Defaults, Field(description="Fields of messages and conversations of this service, in this file.")
    ]


@with_config(ConfigDict(strict=True, extra="forbid", title="reconciler manifest"))
class Manifest(Blocks, total=False):
    """The messages that Twilio Conversations must hold."""

    version: Required[
        Annotated[
            int,  # a Literal[1] would let `true` pass
            Field(ge=1, le=1, json_schema_extra={"const": 1}, description="Version of this format: 1."),
        ]
    ]
    account: Annotated[
        AccountSid, Field(description="The account (`AC…`) these manifests are for; any other is refused.")
    ]
    services: Annotated[dict[Name, Service], Field(description="The services, by name.")]
    variables: Annotated[
        dict[VariableName, Variable],
        Field(description="Values given from outside, for every manifest of the run."),
    ]
    defaults: Annotated[Defaults, Field(description="Fields of messages and conversations of this file.")]
    templates: Annotated[
        dict[Name, list[Message]],
        Field(description="Lists of messages that conversations of any manifest can `use`."),
    ]


ADAPTER: Final[TypeAdapter[Manifest]] = TypeAdapter(Manifest)


def manifest_schema() -> dict[str, Any]:
    """Return the JSON Schema of a manifest file, as editors want it."""
    from reconciler.manifest.schema import EditorSchema  # noqa: PLC0415 - nothing else needs a schema

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ADAPTER.json_schema(schema_generator=EditorSchema),
    }
