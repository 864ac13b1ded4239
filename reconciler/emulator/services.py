"""Services, the default service of the account, and the users of services."""

from __future__ import annotations

from typing import Final

from reconciler.emulator import fields as read
from reconciler.emulator.database import Database, Page, Start
from reconciler.emulator.decisions import MESSAGE_ATTRIBUTES_BYTES
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.fields import Fields
from reconciler.emulator.records import Service, User

_SERVICE: Final = "SELECT id, sid, friendly_name, date_created, date_updated FROM services"
_USER: Final = (
    "SELECT id, sid, identity, friendly_name, role_sid, attributes, date_created, date_updated FROM users"
)


class Services:
    """The services of the account, in order of creation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, fields: Fields) -> Service:
        """Create a service; several may share a friendly name."""
        friendly_name = read.name(fields, "FriendlyName", 50003, "Friendly name too long")
        if not friendly_name:
            raise ApiError(50000, "FriendlyName not provided")
        sid, today = self._database.new_sid("IS"), self._database.today()
        row = self._database.execute(
            "INSERT INTO services (sid, friendly_name, date_created, date_updated) VALUES (?, ?, ?, ?)",
            (sid, friendly_name, today, today),
        )
        return Service(row, sid, friendly_name, today, today)

    def get(self, sid: str) -> Service:
        """Return one service."""
        row = self._database.one(f"{_SERVICE} WHERE sid = ?", (sid,))
        if row is None or self._database.hides(sid):
            raise NotFound
        return Service(*row)

    def default(self) -> Service:
        """Return the default service, which is created if there is none."""
        with self._database.transaction():
            (sid,) = self._database.one("SELECT default_service_sid FROM account") or (None,)
            if sid is not None and self._database.one("SELECT 1 FROM services WHERE sid = ?", (sid,)):
                return self.get(sid)
            service = self.create({"FriendlyName": "Default Conversations Service"})
            self._database.execute("UPDATE account SET default_service_sid = ?", (service.sid,))
            return service

    def page(self, start: Start, size: int) -> Page:
        """Return a page of `Service` rows."""
        return self._database.page(
            f"{_SERVICE} WHERE true{self._database.visible('sid')}",
            (),
            key="id",
            descending=False,
            start=start,
            size=size,
        )

    def delete(self, sid: str) -> None:
        """Delete a service with its content."""
        self._database.execute("DELETE FROM services WHERE id = ?", (self.get(sid).id,))


class Users:
    """Users of a service; a `ref` is a sid or an identity."""

    def __init__(self, database: Database, services: Services) -> None:
        self._database = database
        self._services = services

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
                read.sid(fields, "RoleSid", "RL"),
                read.attributes(fields, MESSAGE_ATTRIBUTES_BYTES) or "{}",
                today,
                today,
            ),
        )

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
