"""The shape of a manifest file: the only source of `schemas/manifest.schema.json`.

Shape means names, types, patterns and lengths. What needs more than one field, a file or another
manifest to be judged is in `messages`, `build`, `media` and `merge`. After a change, write the
committed schema again: `reconciler schema manifest > schemas/manifest.schema.json`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Required

from pydantic import ConfigDict, Discriminator, Field, Tag, TypeAdapter, with_config
from typing_extensions import TypedDict

from reconciler.model import ADDRESS_PART

_SHAPE: Final = ConfigDict(strict=True, extra="forbid")
_PART: Final = f"^{ADDRESS_PART}$"
_HEX: Final = "[0-9a-fA-F]{32}$"

ONE_FILE: Final = "<file>"
MANY_FILES: Final = "<files>"
"""Branches of `media`; pydantic puts them into the location of an error, so no field may be named so."""

Name = Annotated[str, Field(pattern=_PART)]
Label = Annotated[str, Field(min_length=1, max_length=256)]
Text = Annotated[str, Field(min_length=1)]
AccountSid = Annotated[str, Field(pattern=f"^AC{_HEX}")]
ServiceSid = Annotated[str, Field(pattern=f"^IS{_HEX}")]
ConversationSid = Annotated[str, Field(pattern=f"^CH{_HEX}")]
MediaSid = Annotated[str, Field(pattern=f"^ME{_HEX}")]
ContentSid = Annotated[str, Field(pattern=f"^HX{_HEX}")]
MessagingServiceSid = Annotated[str, Field(pattern=f"^MG{_HEX}")]
RoleSid = Annotated[str, Field(pattern=f"^RL{_HEX}")]
VariableName = Annotated[str, Field(min_length=1, max_length=16)]
VariableValue = Annotated[str, Field(max_length=256)]
Instant = Annotated[
    str,
    Field(
        json_schema_extra={"format": "date-time"},
        examples=["2026-01-05T09:00:00Z"],
    ),
]
Duration = Annotated[str, Field(examples=["PT30M"])]


@with_config(_SHAPE)
class Lifecycle(TypedDict, total=False):
    """What may happen to a message after it was created."""

    prevent_destroy: Annotated[
        bool, Field(description="Refuse every plan that would delete or replace this message.")
    ]
    ignore_changes: Annotated[
        list[Text],
        Field(
            description="Fields, or paths inside attributes such as `attributes.seen.at`, whose "
            "live value is left as it is."
        ),
    ]


@with_config(_SHAPE)
class Media(TypedDict, total=False):
    """A file that is uploaded and attached to the message."""

    file: Required[
        Annotated[Text, Field(description="Path of the file, relative to the folder of this manifest.")]
    ]
    content_type: Annotated[
        Text, Field(description="MIME type; guessed from the file name unless given.", examples=["image/png"])
    ]
    filename: Annotated[Label, Field(description="Name that is shown; the file's own unless given.")]


def _media_branch(value: Any) -> str:
    return MANY_FILES if isinstance(value, list) else ONE_FILE


@with_config(_SHAPE)
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
        dict[VariableName, VariableValue],
        Field(max_length=100, description="Values for the variables of the content template."),
    ]
    webhooks: Annotated[
        bool, Field(description="Let Twilio call the service's webhooks for this message (default: false).")
    ]
    lifecycle: Annotated[Lifecycle, Field(description="What may happen to the message after it was created.")]


@with_config(_SHAPE)
class MessagingBinding(TypedDict, total=False):
    """How a participant outside the chat is reached."""

    address: Annotated[
        Text, Field(description="Address of the person, such as `+15550100` or `whatsapp:+15550100`.")
    ]
    proxy_address: Annotated[Text, Field(description="Your Twilio address that the person talks to.")]
    projected_address: Annotated[
        Text, Field(description="Your Twilio number that stands for a chat identity in group texting.")
    ]


@with_config(_SHAPE)
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


@with_config(_SHAPE)
class Timers(TypedDict, total=False):
    """After how long without a message a conversation changes its state."""

    inactive: Annotated[
        Duration, Field(description="ISO 8601 duration, at least `PT1M`, after which it turns inactive.")
    ]
    closed: Annotated[
        Duration, Field(description="ISO 8601 duration, at least `PT10M`, after which it is closed.")
    ]


@with_config(_SHAPE)
class EmailBinding(TypedDict, total=False):
    """The conversation's address in e-mail."""

    address: Required[Annotated[Text, Field(description="E-mail address of the conversation.")]]
    name: Annotated[Label, Field(description="Name shown beside the address.")]


@with_config(_SHAPE)
class Bindings(TypedDict, total=False):
    """Addresses of the conversation itself."""

    email: Annotated[EmailBinding, Field(description="The conversation's address in e-mail.")]


@with_config(_SHAPE)
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
    messages: Annotated[list[Message], Field(description="The messages, in the order they are sent.")]
    participants: Annotated[list[Participant], Field(description="The members of the conversation.")]


@with_config(_SHAPE)
class Service(TypedDict, total=False):
    """A Conversations service: an existing one by `sid`, or by its friendly name, created if absent."""

    sid: Annotated[ServiceSid, Field(description="An existing service (`IS…`).")]
    friendly_name: Annotated[
        Label, Field(description="Friendly name on Twilio; the service's name here unless given.")
    ]
    default: Annotated[bool, Field(description="Use the account's default service.")]
    conversations: Annotated[dict[Name, Conversation], Field(description="The conversations, by name.")]


@with_config(ConfigDict(strict=True, extra="forbid", title="reconciler manifest"))
class Manifest(TypedDict, total=False):
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


ADAPTER: Final[TypeAdapter[Manifest]] = TypeAdapter(Manifest)


def manifest_schema() -> dict[str, Any]:
    """Return the JSON Schema of a manifest file, as editors want it."""
    from reconciler.manifest.schema import EditorSchema  # noqa: PLC0415 - nothing else needs a schema

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ADAPTER.json_schema(schema_generator=EditorSchema),
    }
