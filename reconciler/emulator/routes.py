"""The operation of each path and method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from reconciler.emulator import handlers
from reconciler.emulator.call import Call
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


def _nested(prefix: str) -> dict[str, dict[str, Operation]]:
    one = f"{prefix}/Conversations/{{conversation}}"
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
        f"{one}/Participants": _operations(GET=handlers.list_participants, POST=handlers.create_participant),
        f"{one}/Participants/{{participant}}": _operations(
            GET=handlers.fetch_participant,
            POST=handlers.update_participant,
            DELETE=handlers.delete_participant,
        ),
        f"{prefix}/Users": _operations(GET=handlers.list_users, POST=handlers.create_user),
        f"{prefix}/Users/{{user}}": _operations(
            GET=handlers.fetch_user, POST=handlers.update_user, DELETE=handlers.delete_user
        ),
    }


PATHS: Final = {
    **_nested(_LONG),
    "/v1/Services": _operations(GET=handlers.list_services, POST=handlers.create_service),
    _LONG: _operations(GET=handlers.fetch_service, DELETE=handlers.delete_service),
    f"{_LONG}/Media": _operations(POST=handlers.upload_media),
    f"{_LONG}/Media/{{media}}": _operations(GET=handlers.fetch_media),
    f"{_LONG}/Media/{{media}}/Content": _operations(GET=handlers.fetch_media_content),
    "/v1/Configuration": _operations(GET=handlers.fetch_configuration),
    **_nested("/v1"),
}
"""Every path with the operations of its methods; `{…}` matches one segment."""

KINDS: Final = sorted({operation.kind for operations in PATHS.values() for operation in operations.values()})
"""The names of operations in faults and in the log of requests."""
