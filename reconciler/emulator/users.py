"""The users of services: whoever chats is one."""

from __future__ import annotations

from typing import Final

from reconciler.emulator import fields as read
from reconciler.emulator.database import Database, Page, Start
from reconciler.emulator.decisions import MESSAGE_ATTRIBUTES_BYTES
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.fields import Fields
from reconciler.emulator.records import Service, User
from reconciler.emulator.roles import Roles
from reconciler.emulator.services import Services

_USER: Final = (
    "SELECT id, sid, identity, friendly_name, role_sid, attributes, date_created, date_updated FROM users"
)


class Users:
    """Users of a service; a `ref` is a sid or an identity."""

    def __init__(self, database: Database, services: Services, roles: Roles) -> None:
        self._database = database
        self._services = services
        self._roles = roles

    def create(self, service_sid: str, fields: Fields) -> User:
        """Create a user; 409 if the identity has one already."""
        with self._database.transaction():
            service = self._services.get(service_sid)
            identity = identity_of(fields)
            if not identity:
                raise ApiError(50204, "Identity not provided")
            if self._exists(service, identity):
                raise ApiError(50201, "User already exists", 409)
            self._insert(service, identity, fields)
            return self.get(service_sid, identity)

    def ensure(self, service_sid: str, identity: str) -> None:
        """Create the user of a chat participant unless there is one."""
        service = self._services.get(service_sid)
        if not self._exists(service, identity):
            self._insert(service, identity, {})

    def _exists(self, service: Service, identity: str) -> bool:
        row = self._database.one(
            "SELECT 1 FROM users WHERE service = ? AND identity = ?", (service.id, identity)
        )
        return row is not None

    def _insert(self, service: Service, identity: str, fields: Fields) -> None:
        today = self._database.today()
        self._database.execute(
            "INSERT INTO users (sid, service, identity, friendly_name, role_sid, attributes, date_created,"
            " date_updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._database.new_sid("US"),
                service.id,
                identity,
                read.name(fields, "FriendlyName", 50003, "Friendly name too long"),
                read.sid(fields, "RoleSid", "RL") or self._default_role(service),
                read.attributes(fields, MESSAGE_ATTRIBUTES_BYTES) or "{}",
                today,
                today,
            ),
        )

    def _default_role(self, service: Service) -> str:
        return self._roles.defaults(service.sid)["default_chat_service_role_sid"]

    def get(self, service_sid: str, ref: str) -> User:
        """Return one user."""
        row = self._database.one(
            f"{_USER} WHERE service = ? AND (sid = ? OR identity = ?)",
            (self._services.get(service_sid).id, ref, ref),
        )
        if row is None:
            raise NotFound
        return User(*row)

    def page(self, service_sid: str, start: Start, size: int) -> Page:
        """Return a page of `User` rows, in order of creation."""
        service = self._services.get(service_sid)
        return self._database.page(
            f"{_USER} WHERE service = ?", (service.id,), key="id", descending=False, start=start, size=size
        )

    def update(self, service_sid: str, ref: str, fields: Fields) -> User:
        """Change what *fields* mentions."""
        with self._database.transaction():
            user = self.get(service_sid, ref)
            values: dict[str, object] = {
                "friendly_name": read.name(fields, "FriendlyName", 50003, "Friendly name too long"),
                "role_sid": read.sid(fields, "RoleSid", "RL"),
                "attributes": read.attributes(fields, MESSAGE_ATTRIBUTES_BYTES),
            }
            values = {column: value for column, value in values.items() if value is not None}
            if values:
                self._database.change("users", user.id, values | {"date_updated": self._database.today()})
            return self.get(service_sid, user.sid)

    def delete(self, service_sid: str, ref: str) -> None:
        """Delete a user."""
        self._database.execute("DELETE FROM users WHERE id = ?", (self.get(service_sid, ref).id,))


def identity_of(fields: Fields) -> str | None:
    """Return `Identity`, of a user or a participant."""
    return read.name(fields, "Identity", 50207, "Identity too long")
