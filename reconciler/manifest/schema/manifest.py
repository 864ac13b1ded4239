"""The schema of a manifest: its services, conversations, participants and messages."""

from __future__ import annotations

from typing import Any, Final

from pydantic_core.core_schema import (
    dict_schema,
    int_schema,
    list_schema,
    literal_schema,
    tagged_union_schema,
)

from reconciler.manifest.schema.fields import (
    ACCOUNT_SID,
    ANYTHING,
    CONTENT_SID,
    CONVERSATION_SID,
    FLAG,
    INSTANT,
    LABEL,
    MEDIA_SID,
    MESSAGING_SERVICE_SID,
    NAME_TEXT,
    ORDER,
    ROLE_SID,
    SERVICE_SID,
    SUBJECT,
    TEMPLATE_VARIABLE_NAME,
    TEMPLATE_VARIABLE_VALUE,
    TEXT,
    UNMANAGED,
    VARIABLE_NAME,
    MappingSchema,
    field,
)
from reconciler.manifest.schema.parts import (
    BINDINGS,
    BLOCKS,
    FOR_EACH,
    LIFECYCLE,
    MEDIA,
    MESSAGING_BINDING,
    TIMELINE,
    TIMERS,
    TRANSCRIPT,
    USE,
    VARIABLE,
)
from reconciler.model import PARTICIPANTS

_ONE_FILE: Final = "<file>"


_MANY_FILES: Final = "<files>"


_TEMPLATE: Final = "<template>"


_TRANSCRIPT: Final = "<transcript>"


_MANY_MESSAGES: Final = "<messages>"


_ONE_MESSAGE: Final = "<message>"


BRANCHES: Final = frozenset((_ONE_FILE, _MANY_FILES, _TEMPLATE, _TRANSCRIPT, _MANY_MESSAGES, _ONE_MESSAGE))
"""Branches of `media` and `messages`. Pydantic puts them into the location of an error, so no field may have
such a name."""


def _media_branch(value: Any) -> str:
    return _MANY_FILES if isinstance(value, list) else _ONE_FILE


def _item_branch(value: Any) -> str:
    if isinstance(value, dict):
        if "use" in value:
            return _TEMPLATE
        if "from" in value:
            return _TRANSCRIPT
    return _ONE_MESSAGE


def _messages_branch(value: Any) -> str:
    branch = _item_branch(value)
    return _MANY_MESSAGES if branch is _ONE_MESSAGE else branch


MESSAGE: Final = MappingSchema(
    "Message",
    "One message of a conversation. A field that is not mentioned is not managed.",
    {
        "key": field(
            NAME_TEXT,
            "Identity of the message inside the conversation; never sent to Twilio.",
            required=True,
            **{"not": {"const": PARTICIPANTS}},
        ),
        "author": field(
            TEXT, "Who wrote it: a participant's identity, or any text. Twilio's default: system."
        ),
        "body": field(
            TEXT,
            "The text: at most 32,768 bytes, or 1,600 characters in a conversation with participants outside "
            "the chat.",
        ),
        "attributes": field(ANYTHING, "Any JSON value, at most 4 KB; sent as a JSON string."),
        "date_created": field(INSTANT, "When it was written; with an offset or `Z`, whole seconds."),
        "date_updated": field(INSTANT, "When it was last edited; with an offset or `Z`, whole seconds."),
        "subject": field(SUBJECT, "Subject, for e-mail. Twilio never shows it again."),
        "media": field(
            tagged_union_schema(
                {_ONE_FILE: MEDIA.schema, _MANY_FILES: list_schema(MEDIA.schema)}, _media_branch
            ),
            "A file to attach. A list may hold one file: the API takes one a message.",
        ),
        "media_sid": field(MEDIA_SID, "An uploaded file (`ME…`) to attach; it can be used once."),
        "content_sid": field(
            CONTENT_SID, "A content template (`HX…`); it takes the place of body and media."
        ),
        "content_variables": field(
            dict_schema(TEMPLATE_VARIABLE_NAME, TEMPLATE_VARIABLE_VALUE, max_length=100),
            "Values for the variables of the content template.",
        ),
        "webhooks": field(FLAG, "Let Twilio call the service's webhooks for this message (default: false)."),
        "lifecycle": field(LIFECYCLE.schema, "What may happen to the message after it was created."),
        "at": field(
            TEXT,
            "How long after the one before it comes, under a `timeline`: `+35s`, `+1d 09:15`.",
            examples=["+35s"],
        ),
        "for_each": FOR_EACH,
    },
)


_MESSAGES: Final = tagged_union_schema(
    {
        _TEMPLATE: USE.schema,
        _TRANSCRIPT: TRANSCRIPT.schema,
        _MANY_MESSAGES: list_schema(
            tagged_union_schema(
                {_ONE_MESSAGE: MESSAGE.schema, _TEMPLATE: USE.schema, _TRANSCRIPT: TRANSCRIPT.schema},
                _item_branch,
            )
        ),
    },
    _messages_branch,
)


MESSAGE_DEFAULTS: Final = MappingSchema(
    "MessageDefaults",
    "Fields of messages that do not have them.",
    {
        "author": field(TEXT, "Author of messages without one."),
        "attributes": field(ANYTHING, "Attributes of messages without any."),
        "subject": field(SUBJECT, "Subject of messages without one."),
        "webhooks": field(FLAG, "Let Twilio call webhooks where a message does not say."),
        "lifecycle": field(LIFECYCLE.schema, "Lifecycle of messages without one."),
    },
)


PARTICIPANT: Final = MappingSchema(
    "Participant",
    "One member of a conversation: in the chat, or reached by SMS, WhatsApp and the like.",
    {
        "key": field(NAME_TEXT, "Name inside the conversation; the identity where that is a possible name."),
        "identity": field(LABEL, "Identity of a chat user."),
        "messaging_binding": field(
            MESSAGING_BINDING.schema, "How a participant outside the chat is reached."
        ),
        "role_sid": field(ROLE_SID, "Role (`RL…`) in the conversation."),
        "attributes": field(ANYTHING, "Any JSON value, at most 4 KB."),
    },
)


CONVERSATION: Final = MappingSchema(
    "Conversation",
    "A conversation: an existing one by `sid`, or by its unique name, created if absent.",
    {
        "sid": field(CONVERSATION_SID, "An existing conversation (`CH…`)."),
        "unique_name": field(LABEL, "Unique name on Twilio; the conversation's name here unless given."),
        "friendly_name": field(LABEL, "Name that people see."),
        "attributes": field(ANYTHING, "Any JSON value, at most 16 KB."),
        "state": field(
            literal_schema(["active", "inactive", "closed"]),
            "Wanted state. A closed conversation cannot be opened again.",
        ),
        "messaging_service_sid": field(
            MESSAGING_SERVICE_SID, "Messaging service (`MG…`) used for SMS and WhatsApp."
        ),
        "timers": field(TIMERS.schema, "When the conversation falls inactive or is closed."),
        "bindings": field(BINDINGS.schema, "Addresses of the conversation itself."),
        "order": field(
            ORDER,
            "`append` (default): new messages are sent in this order, after what is there. `strict`: the "
            "live order must be this one. `any`: order does not matter.",
        ),
        "unmanaged": field(
            UNMANAGED, "What to do with messages that no key names: `keep` (default) or `delete`."
        ),
        "messages": field(
            _MESSAGES,
            "The messages, in the order they are sent; `use: NAME` means those of a template, `from: FILE` "
            "those of a transcript.",
        ),
        "participants": field(list_schema(PARTICIPANT.schema), "The members of the conversation."),
        "defaults": field(MESSAGE_DEFAULTS.schema, "Fields of messages that do not have them."),
        "timeline": field(TIMELINE.schema, "When it begins, and how its messages follow."),
        "for_each": FOR_EACH,
    },
)


DEFAULTS: Final = MappingSchema(
    "Defaults",
    "Fields of messages and conversations that do not have them.",
    {
        **MESSAGE_DEFAULTS.fields,
        "order": field(ORDER, "Order of conversations that do not say."),
        "unmanaged": field(
            UNMANAGED, "What conversations that do not say do with messages that no key names."
        ),
        "messaging_service_sid": field(
            MESSAGING_SERVICE_SID, "Messaging service (`MG…`) of conversations without one."
        ),
        "timers": field(TIMERS.schema, "Timers of conversations without any."),
        "timeline": field(TIMELINE.schema, "Timeline of conversations without one."),
    },
)


SERVICE: Final = MappingSchema(
    "Service",
    "A Conversations service: an existing one by `sid`, or by its friendly name, created if absent.",
    {
        "sid": field(SERVICE_SID, "An existing service (`IS…`)."),
        "friendly_name": field(LABEL, "Friendly name on Twilio; the service's name here unless given."),
        "default": field(FLAG, "Use the account's default service."),
        "conversations": field(dict_schema(NAME_TEXT, CONVERSATION.schema), "The conversations, by name."),
        "defaults": field(
            DEFAULTS.schema, "Fields of messages and conversations of this service, in this file."
        ),
    },
)


MANIFEST: Final = MappingSchema(
    "Manifest",
    "The messages that Twilio Conversations must hold.",
    {
        **BLOCKS,
        # an integer in a range, as `true` would pass for a literal 1
        "version": field(int_schema(ge=1, le=1), "Version of this format: 1.", required=True, const=1),
        "account": field(ACCOUNT_SID, "The account (`AC…`) these manifests are for; any other is refused."),
        "services": field(dict_schema(NAME_TEXT, SERVICE.schema), "The services, by name."),
        "variables": field(
            dict_schema(VARIABLE_NAME, VARIABLE.schema),
            "Values given from outside, for every manifest of the run.",
        ),
        "defaults": field(DEFAULTS.schema, "Fields of messages and conversations of this file."),
        "templates": field(
            dict_schema(NAME_TEXT, list_schema(MESSAGE.schema)),
            "Lists of messages that conversations of any manifest can `use`.",
        ),
    },
    title="reconciler manifest",
)
