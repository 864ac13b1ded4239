"""The roles of services: four that each service begins with, and those that are created."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconciler.emulator.database import Database, Page, Start
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.fields import Fields
from reconciler.emulator.resources import Resource, Shelf
from reconciler.emulator.services import Services

ROLE_NAME_CHARACTERS: Final = 64
_OWN: Final = (
    "sendMessage",
    "sendMediaMessage",
    "leaveConversation",
    "editOwnMessage",
    "editOwnMessageAttributes",
    "deleteOwnMessage",
    "editOwnParticipantAttributes",
    "editNotificationLevel",
)
_ANY: Final = (
    "addParticipant",
    "removeParticipant",
    "deleteConversation",
    "editConversationName",
    "editConversationAttributes",
    "editAnyMessage",
    "editAnyMessageAttributes",
    "editAnyParticipantAttributes",
    "deleteAnyMessage",
)
_OF_USERS: Final = ("createConversation", "joinConversation", "editOwnUserInfo")
_OF_SERVICES: Final = (*_OF_USERS, *_ANY, "editAnyUserInfo", "editOwnMessage", "editOwnMessageAttributes")
_PERMISSIONS: Final = frozenset({*_OWN, *_OF_SERVICES, "addNonChatParticipant"})
_DEFAULTS: Final = (
    ("service admin", "service", _OF_SERVICES),
    ("service user", "service", _OF_USERS),
    ("channel admin", "conversation", (*_ANY, *_OWN)),
    ("channel user", "conversation", _OWN),
)
_ROLE_OF: Final = {
    "default_conversation_creator_role_sid": "channel admin",
    "default_conversation_role_sid": "channel user",
    "default_chat_service_role_sid": "service user",
}


class Roles:
    """The roles of services. The four of a service are made when they are first asked for."""

    def __init__(self, database: Database, services: Services) -> None:
        self._database = database
        self._services = services

    def _shelf(self, service_sid: str) -> Shelf:
        return self._filled(self._services.get(service_sid).id)

    def _filled(self, service: int) -> Shelf:
        shelf = Shelf(self._database, "role", "RL", service)
        settings = self._settings(service)
        with self._database.transaction():
            if settings.setting():
                return shelf
            sids = {
                name: shelf.create({"friendly_name": name, "type": kind, "permissions": permissions}).sid
                for name, kind, permissions in _DEFAULTS
            }
            settings.set({field: sids[name] for field, name in _ROLE_OF.items()})
        return shelf

    def _settings(self, service: int) -> Shelf:
        return Shelf(self._database, "default roles", "", service)

    def defaults(self, service_sid: str) -> dict[str, str]:
        """Return the sids of the roles that new users and participants get, by their names in replies."""
        service = self._services.get(service_sid).id
        self._filled(service)
        return self._settings(service).setting()

    def set_defaults(self, service_sid: str, sids: dict[str, str]) -> None:
        """Change the roles that new users and participants get."""
        shelf = self._shelf(service_sid)
        for sid in sids.values():
            try:
                shelf.get(sid)
            except NotFound:
                raise ApiError(50100, "Role not found") from None
        self._settings(self._services.get(service_sid).id).set(self.defaults(service_sid) | sids)

    def create(self, service_sid: str, fields: Fields, permissions: Sequence[str] | None) -> Resource:
        """Create a role."""
        name, kind = fields.get("FriendlyName"), fields.get("Type")
        if not name:
            raise ApiError(50000, "FriendlyName not provided")
        if len(name) > ROLE_NAME_CHARACTERS:
            raise ApiError(50003, "Friendly name too long")
        if kind not in {"conversation", "service"}:
            raise ApiError(50105, "Role type is invalid")
        values = {"friendly_name": name, "type": kind, "permissions": _checked(permissions)}
        return self._shelf(service_sid).create(values)

    def get(self, service_sid: str, sid: str) -> Resource:
        """Return one role."""
        return self._shelf(service_sid).get(sid)

    def page(self, service_sid: str, start: Start, size: int) -> Page:
        """Return a page of rows of roles, in order of creation."""
        return self._shelf(service_sid).page(start, size)

    def update(self, service_sid: str, sid: str, permissions: Sequence[str] | None) -> Resource:
        """Replace the permissions of a role."""
        return self._shelf(service_sid).update(sid, {"permissions": _checked(permissions)})

    def delete(self, service_sid: str, sid: str) -> None:
        """Delete a role."""
        self._shelf(service_sid).delete(sid)


def _checked(permissions: Sequence[str] | None) -> list[str]:
    if not permissions:
        raise ApiError(50104, "Role permission not provided")
    unknown = [one for one in permissions if one not in _PERMISSIONS]
    if unknown:
        raise ApiError(50104, "Role permission is invalid")
    return list(dict.fromkeys(permissions))
