"""Services, and the default service of the account."""

from __future__ import annotations

from typing import Final

from reconciler.emulator import fields as read
from reconciler.emulator.database import Database, Page, Start
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.fields import Fields
from reconciler.emulator.records import Service

_SERVICE: Final = "SELECT id, sid, friendly_name, date_created, date_updated FROM services"


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

    def page(self, start: Start, size: int, *, descending: bool = False) -> Page:
        """Return a page of `Service` rows."""
        return self._database.page(
            f"{_SERVICE} WHERE true{self._database.visible('sid')}",
            (),
            key="id",
            descending=descending,
            start=start,
            size=size,
        )

    def delete(self, sid: str) -> None:
        """Delete a service with its content."""
        self._database.execute("DELETE FROM services WHERE id = ?", (self.get(sid).id,))
