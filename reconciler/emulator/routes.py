"""The operation of each path and method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from reconciler.emulator import gatherings, handlers, membership_handlers, unserved
from reconciler.emulator import media_handlers as media
from reconciler.emulator.call import Call
from reconciler.emulator.settings import addresses, bindings, configuration, credentials, notifications, roles
from reconciler.emulator.webhooks import resources as webhooks
from reconciler.emulator.wire import Reply

Handler: TypeAlias = Callable[[Call], Reply]


class Operation(NamedTuple):
    """One operation of the API; *kind* is its name in faults and in the log of requests."""

    kind: str
    handle: Handler


def _operations(**by_method: Handler) -> dict[str, Operation]:
    """Return the operations by HTTP method; each is called like its handler."""
    return {method: Operation(handler.__name__, handler) for method, handler in by_method.items()}


_LONG: Final = "/v1/Services/{service}"
_ACCOUNT: Final = "/v1/Configuration"


def _nested(prefix: str) -> dict[str, dict[str, Operation]]:
    one = f"{prefix}/Conversations/{{conversation}}"
    user = f"{prefix}/Users/{{user}}"
    return {
        f"{prefix}/Conversations": _operations(
            GET=handlers.list_conversations, POST=handlers.create_conversation
        ),
        one: _operations(
            GET=handlers.fetch_conversation,
            POST=handlers.update_conversation,
            DELETE=handlers.delete_conversation,
        ),
        f"{one}/Messages": _operations(GET=handlers.list_messages, POST=handlers.create_message),
        f"{one}/Messages/{{message}}": _operations(
            GET=handlers.fetch_message, POST=handlers.update_message, DELETE=handlers.delete_message
        ),
        f"{one}/Messages/{{message}}/Receipts": _operations(GET=handlers.list_receipts),
        f"{one}/Messages/{{message}}/Receipts/{{receipt}}": _operations(GET=handlers.fetch_receipt),
        f"{one}/Messages/{{message}}/ChannelMetadata": _operations(GET=unserved.fetch_channel_metadata),
        f"{one}/Participants": _operations(GET=handlers.list_participants, POST=handlers.create_participant),
        f"{one}/Participants/{{participant}}": _operations(
            GET=handlers.fetch_participant,
            POST=handlers.update_participant,
            DELETE=handlers.delete_participant,
        ),
        f"{one}/Webhooks": _operations(GET=webhooks.list_webhooks, POST=webhooks.create_webhook),
        f"{one}/Webhooks/{{webhook}}": _operations(
            GET=webhooks.fetch_webhook, POST=webhooks.update_webhook, DELETE=webhooks.delete_webhook
        ),
        f"{one}/Export": _operations(GET=unserved.fetch_export, POST=unserved.create_export),
        f"{prefix}/ConversationWithParticipants": _operations(
            POST=gatherings.create_conversation_with_participants
        ),
        f"{prefix}/ParticipantConversations": _operations(
            GET=membership_handlers.list_participant_conversations
        ),
        f"{prefix}/Roles": _operations(GET=roles.list_roles, POST=roles.create_role),
        f"{prefix}/Roles/{{role}}": _operations(
            GET=roles.fetch_role, POST=roles.update_role, DELETE=roles.delete_role
        ),
        f"{prefix}/Users": _operations(GET=handlers.list_users, POST=handlers.create_user),
        user: _operations(GET=handlers.fetch_user, POST=handlers.update_user, DELETE=handlers.delete_user),
        f"{user}/Conversations": _operations(GET=membership_handlers.list_user_conversations),
        f"{user}/Conversations/{{conversation}}": _operations(
            GET=membership_handlers.fetch_user_conversation,
            POST=membership_handlers.update_user_conversation,
            DELETE=membership_handlers.delete_user_conversation,
        ),
    }


PATHS: Final = {
    **_nested(_LONG),
    "/v1/Services": _operations(GET=handlers.list_services, POST=handlers.create_service),
    _LONG: _operations(GET=handlers.fetch_service, DELETE=handlers.delete_service),
    f"{_LONG}/Configuration": _operations(
        GET=configuration.fetch_service_configuration, POST=configuration.update_service_configuration
    ),
    f"{_LONG}/Configuration/Notifications": _operations(
        GET=notifications.fetch_notifications, POST=notifications.update_notifications
    ),
    f"{_LONG}/Configuration/Webhooks": _operations(
        GET=webhooks.fetch_service_webhook_configuration, POST=webhooks.update_service_webhook_configuration
    ),
    f"{_LONG}/Bindings": _operations(GET=bindings.list_bindings),
    f"{_LONG}/Bindings/{{binding}}": _operations(GET=bindings.fetch_binding, DELETE=bindings.delete_binding),
    f"{_LONG}/Media": _operations(POST=media.upload_media),
    f"{_LONG}/Media/{{media}}": _operations(GET=media.fetch_media),
    f"{_LONG}/Media/{{media}}/Content": _operations(GET=media.fetch_media_content),
    f"{_LONG}/MediaSet": _operations(POST=media.fetch_media_set),
    _ACCOUNT: _operations(GET=configuration.fetch_configuration, POST=configuration.update_configuration),
    f"{_ACCOUNT}/Webhooks": _operations(
        GET=webhooks.fetch_webhook_configuration, POST=webhooks.update_webhook_configuration
    ),
    f"{_ACCOUNT}/Addresses": _operations(GET=addresses.list_addresses, POST=addresses.create_address),
    f"{_ACCOUNT}/Addresses/{{address}}": _operations(
        GET=addresses.fetch_address, POST=addresses.update_address, DELETE=addresses.delete_address
    ),
    "/v1/Credentials": _operations(GET=credentials.list_credentials, POST=credentials.create_credential),
    "/v1/Credentials/{credential}": _operations(
        GET=credentials.fetch_credential,
        POST=credentials.update_credential,
        DELETE=credentials.delete_credential,
    ),
    **_nested("/v1"),
}
"""Every path with the operations of its methods; `{…}` matches one segment."""

KINDS: Final = sorted({operation.kind for operations in PATHS.values() for operation in operations.values()})
"""The names of operations in faults and in the log of requests."""
