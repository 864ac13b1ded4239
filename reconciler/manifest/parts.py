"""The shapes of mappings inside messages, participants and conversations."""

from typing import Annotated, Required

from pydantic import Field, with_config
from typing_extensions import TypedDict

from reconciler.manifest.scalar_shapes import SHAPE, Duration, Label, Text


@with_config(SHAPE)
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


@with_config(SHAPE)
class Media(TypedDict, total=False):
    """A file that is uploaded and attached to the message."""

    file: Required[
        Annotated[Text, Field(description="Path of the file, relative to the folder of this manifest.")]
    ]
    content_type: Annotated[
        Text, Field(description="MIME type; guessed from the file name unless given.", examples=["image/png"])
    ]
    filename: Annotated[Label, Field(description="Name that is shown; the file's own unless given.")]


@with_config(SHAPE)
class MessagingBinding(TypedDict, total=False):
    """How a participant outside the chat is reached."""

    address: Annotated[
        Text, Field(description="Address of the person, such as `+15550100` or `whatsapp:+15550100`.")
    ]
    proxy_address: Annotated[Text, Field(description="Your Twilio address that the person talks to.")]
    projected_address: Annotated[
        Text, Field(description="Your Twilio number that stands for a chat identity in group texting.")
    ]


@with_config(SHAPE)
class Timers(TypedDict, total=False):
    """After how long without a message a conversation changes its state."""

    inactive: Annotated[
        Duration, Field(description="ISO 8601 duration, at least `PT1M`, after which it turns inactive.")
    ]
    closed: Annotated[
        Duration, Field(description="ISO 8601 duration, at least `PT10M`, after which it is closed.")
    ]


@with_config(SHAPE)
class EmailBinding(TypedDict, total=False):
    """The conversation's address in e-mail."""

    address: Required[Annotated[Text, Field(description="E-mail address of the conversation.")]]
    name: Annotated[Label, Field(description="Name shown beside the address.")]


@with_config(SHAPE)
class Bindings(TypedDict, total=False):
    """Addresses of the conversation itself."""

    email: Annotated[EmailBinding, Field(description="The conversation's address in e-mail.")]
