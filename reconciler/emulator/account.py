"""The settings of the account, which new conversations take over."""

from __future__ import annotations

from typing import Final

from reconciler.emulator import fields as read
from reconciler.emulator.database import Database
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.fields import Fields
from reconciler.emulator.resources import Shelf
from reconciler.emulator.services import Services

_TIMERS: Final = {"DefaultInactiveTimer": "Timers.Inactive", "DefaultClosedTimer": "Timers.Closed"}


class Account:
    """The account: what conversations get that say nothing else."""

    def __init__(self, database: Database, services: Services) -> None:
        self._database = database
        self._services = services
        self._settings = Shelf(database, "account settings", "")

    @property
    def messaging_service_sid(self) -> str:
        """The messaging service of new conversations."""
        ((sid,),) = self._database.all("SELECT messaging_service_sid FROM account")
        return str(sid)

    def default_timers(self) -> dict[str, str]:
        """Return the timers of new conversations, as parameters of a create."""
        return self._settings.setting()

    def update(self, fields: Fields) -> None:
        """Change what *fields* mentions; an empty timer is none."""
        with self._database.transaction():
            for name, timer in _TIMERS.items():
                if name in fields:
                    read.timers({timer: fields[name]} if fields[name] else {})
            timers = self.default_timers() | {
                timer: fields[name] for name, timer in _TIMERS.items() if name in fields
            }
            self._settings.set({timer: value for timer, value in timers.items() if value})
            messaging = read.sid(fields, "DefaultMessagingServiceSid", "MG", code=50341)
            if messaging is not None:
                self._database.execute("UPDATE account SET messaging_service_sid = ?", (messaging,))
            chat = read.sid(fields, "DefaultChatServiceSid", "IS")
            if chat is not None:
                self._become_default(chat)

    def _become_default(self, service_sid: str) -> None:
        try:
            self._services.get(service_sid)
        except NotFound:
            raise ApiError(50050, "Service instance not found") from None
        self._database.execute("UPDATE account SET default_service_sid = ?", (service_sid,))
