"""One Twilio account in a SQLite file: its resources, and the rules for changing them. No HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from reconciler.emulator.account import Account
from reconciler.emulator.conversations import Conversations
from reconciler.emulator.database import Clock, Database
from reconciler.emulator.media import MediaFiles
from reconciler.emulator.memberships import Memberships
from reconciler.emulator.messages import Messages
from reconciler.emulator.participants import Participants
from reconciler.emulator.resources import Shelf
from reconciler.emulator.roles import Roles
from reconciler.emulator.services import Services
from reconciler.emulator.templates import Templates
from reconciler.emulator.users import Users


def utc_now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)


def _new_hex() -> str:
    return secrets.token_hex(16)


class Store:
    """The resources of one account; every method raises `ApiError` where Twilio would refuse.

    *path* None keeps everything in memory. *new_hex* makes the 32 hex digits of a new SID.
    Two processes may open one file at once.
    """

    def __init__(
        self, path: Path | None = None, *, clock: Clock = utc_now, new_hex: Callable[[], str] = _new_hex
    ) -> None:
        self._database = Database(path, clock, new_hex)
        self.clock = clock
        ((self.store_id, self.account_sid),) = self._database.all("SELECT store_id, sid FROM account")
        """These are created with the file, and never change."""
        self.services = Services(self._database)
        self.account = Account(self._database, self.services)
        self.roles = Roles(self._database, self.services)
        self.users = Users(self._database, self.services, self.roles)
        self.conversations = Conversations(self._database, self.services, self.account)
        self.participants = Participants(self._database, self.conversations, self.users)
        self.memberships = Memberships(
            self._database, self.services, self.users, self.conversations, self.participants
        )
        self.media = MediaFiles(self._database, self.services)
        self.templates = Templates()
        self.messages = Messages(
            self._database, self.conversations, self.participants, self.media, self.templates
        )

    def shelf(
        self, kind: str, prefix: str, *, service_sid: str | None = None, conversation_sid: str | None = None
    ) -> Shelf:
        """Return the resources of one kind: the account's, a service's or a conversation's."""
        if service_sid is None:
            return Shelf(self._database, kind, prefix)
        if conversation_sid is None:
            return Shelf(self._database, kind, prefix, self.services.get(service_sid).id)
        conversation = self.conversations.get(service_sid, conversation_sid)
        return Shelf(self._database, kind, prefix, conversation=conversation.id)

    def transaction(self) -> AbstractContextManager[None]:
        """Store all changes of the block at once, or none; this fills a large store fast."""
        return self._database.transaction()

    @contextmanager
    def at(self, moment: datetime) -> Iterator[None]:
        """Set the clock to *moment* inside the block."""
        clock, self._database.now = self._database.now, lambda: moment
        try:
            yield
        finally:
            self._database.now = clock

    @contextmanager
    def behind(self, seconds: float) -> Iterator[None]:
        """Hide objects that are younger than *seconds* from reads inside the block."""
        self._database.lag = seconds
        try:
            yield
        finally:
            self._database.lag = 0

    def version(self) -> object:
        """Return a value that changes with every change of the data, also by another process."""
        return self._database.version()

    def close(self) -> None:
        """Close the file."""
        self._database.close()
