"""The events, and the operations that cause them."""

from __future__ import annotations

from typing import Final, NamedTuple

BEFORE: Final = (
    "onMessageAdd",
    "onMessageUpdate",
    "onMessageRemove",
    "onConversationAdd",
    "onConversationUpdate",
    "onConversationRemove",
    "onParticipantAdd",
    "onParticipantUpdate",
    "onParticipantRemove",
    "onUserUpdate",
)
"""The events of pre-action webhooks."""
OF_A_CONVERSATION: Final = (
    "onMessageAdded",
    "onMessageUpdated",
    "onMessageRemoved",
    "onConversationAdded",
    "onConversationUpdated",
    "onConversationRemoved",
    "onConversationStateUpdated",
    "onParticipantAdded",
    "onParticipantUpdated",
    "onParticipantRemoved",
    "onDeliveryUpdated",
)
"""The events of post-action webhooks that a conversation's own may ask for."""
AFTER: Final = (*OF_A_CONVERSATION, "onUserAdded", "onUserUpdated")
"""The events of post-action webhooks."""


class Change(NamedTuple):
    """What an operation does to a resource: `Add`, `Update` or `Remove`."""

    resource: str
    verb: str

    @property
    def before(self) -> str | None:
        """The event before it."""
        event = f"on{self.resource}{self.verb}"
        return event if event in BEFORE else None

    @property
    def after(self) -> str | None:
        """The event after it."""
        event = f"on{self.resource}{self.verb.removesuffix('e')}ed"
        return event if event in AFTER else None


CHANGES: Final = {
    f"{operation}_{resource.lower()}": Change(resource, verb)
    for resource in ("Message", "Conversation", "Participant", "User")
    for operation, verb in (("create", "Add"), ("update", "Update"), ("delete", "Remove"))
} | {"create_conversation_with_participants": Change("Conversation", "Add")}
"""The change of each operation that may cause events; nothing is sent when a user is deleted."""
