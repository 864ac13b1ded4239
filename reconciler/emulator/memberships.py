"""Who is in which conversation, asked from the side of a user, an identity or an address."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from reconciler.emulator import fields as read
from reconciler.emulator.conversations import Conversations
from reconciler.emulator.database import Database, Page, Start
from reconciler.emulator.errors import NotFound
from reconciler.emulator.fields import Fields
from reconciler.emulator.participants import COLUMNS, JOINED, Participants
from reconciler.emulator.records import Conversation, Participant, User
from reconciler.emulator.services import Services
from reconciler.emulator.users import Users

_LEVELS: Final = ("default", "muted")
_MOST_UNREAD: Final = 1000
_SELECT: Final = f"""SELECT {COLUMNS}, notification_level,
  (SELECT sid FROM users u WHERE u.service = c.service AND u.identity = p.identity),
  CASE WHEN last_read_message_index IS NULL THEN NULL ELSE min({_MOST_UNREAD}, (
    SELECT count(*) FROM messages m WHERE m.conversation = c.id AND number > last_read_message_index)) END
  {JOINED} WHERE c.service = ?"""  # noqa: S608 (own text)


class Membership(NamedTuple):
    """One participant, with its conversation."""

    participant: Participant
    notification_level: str
    user_sid: str | None
    unread: int | None
    """Messages above the one that was read last, at most 1,000; None if none was ever read."""
    conversation: Conversation


class Memberships:
    """The participants of all conversations of a service."""

    def __init__(
        self,
        database: Database,
        services: Services,
        users: Users,
        conversations: Conversations,
        participants: Participants,
    ) -> None:
        self._database = database
        self._services = services
        self._users = users
        self._conversations = conversations
        self._participants = participants

    def read(self, service_sid: str, row: tuple[Any, ...]) -> Membership:
        """Return the membership of one row of a page."""
        *columns, level, user_sid, unread = row
        participant = Participant(*columns)
        conversation = self._conversations.get(service_sid, participant.conversation_sid)
        return Membership(participant, level, user_sid, unread, conversation)

    def page(self, service_sid: str, filters: Fields, start: Start, size: int) -> Page:
        """Return a page of rows for `Identity` or `Address` in *filters*, in order of joining; else none."""
        service = self._services.get(service_sid)
        sql = _SELECT
        values: list[object] = [service.id]
        wanted = [(name, filters[name]) for name in ("Identity", "Address") if name in filters]
        if not wanted:
            return Page([], more=False)
        for name, value in wanted:
            sql += f" AND {name.lower()} = ?"
            values.append(value)
        return self._database.page(sql, values, key="p.id", descending=False, start=start, size=size)

    def of_user(self, service_sid: str, user_ref: str, start: Start, size: int) -> tuple[User, Page]:
        """Return a user, and a page of rows of the conversations that it is in."""
        user = self._users.get(service_sid, user_ref)
        return user, self.page(service_sid, {"Identity": user.identity}, start, size)

    def get(self, service_sid: str, user_ref: str, conversation_ref: str) -> Membership:
        """Return the membership of one user in one conversation."""
        user = self._users.get(service_sid, user_ref)
        conversation = self._conversations.get(service_sid, conversation_ref)
        row = self._database.one(
            f"{_SELECT} AND c.id = ? AND identity = ?",
            (self._services.get(service_sid).id, conversation.id, user.identity),
        )
        if row is None:
            raise NotFound
        return self.read(service_sid, row)

    def update(self, service_sid: str, user_ref: str, conversation_ref: str, fields: Fields) -> Membership:
        """Change what *fields* mentions: how far the user has read, and whether it wants to be notified."""
        with self._database.transaction():
            found = self.get(service_sid, user_ref, conversation_ref)
            level = read.choice(fields, "NotificationLevel", _LEVELS)
            progress = {name: value for name, value in fields.items() if name.startswith("LastRead")}
            where = found.participant.conversation_sid, found.participant.sid
            self._participants.update(service_sid, *where, progress)
            if level is not None:
                self._database.change("participants", found.participant.id, {"notification_level": level})
            return self.get(service_sid, user_ref, conversation_ref)

    def delete(self, service_sid: str, user_ref: str, conversation_ref: str) -> None:
        """Remove a user from a conversation."""
        found = self.get(service_sid, user_ref, conversation_ref).participant
        self._participants.delete(service_sid, found.conversation_sid, found.sid)
