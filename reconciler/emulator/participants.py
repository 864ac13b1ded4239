"""The participants of conversations: in chat, or reached by SMS, WhatsApp and similar channels."""

from __future__ import annotations

import re
from typing import Any, Final

from reconciler.emulator import fields as read
from reconciler.emulator.conversations import STATE, Conversations
from reconciler.emulator.database import Database, Page, Start
from reconciler.emulator.decisions import (
    CONVERSATIONS_OF_IDENTITY,
    MESSAGE_ATTRIBUTES_BYTES,
    PARTICIPANTS,
    PARTICIPANTS_OF_GROUP_MMS,
    PARTICIPANTS_OUTSIDE_CHAT,
)
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.fields import Fields
from reconciler.emulator.records import Conversation, Participant
from reconciler.emulator.users import Users, identity_of

COLUMNS: Final = """p.id, p.sid, c.sid, identity, address, proxy_address, projected_address, role_sid,
  p.attributes, last_read_message_index, last_read_timestamp, p.date_created, p.date_updated"""
"""SQL for the fields of a `Participant`, of the tables of `JOINED`."""
JOINED: Final = "FROM participants p JOIN conversations c ON c.id = p.conversation"
_SELECT: Final = f"SELECT {COLUMNS} {JOINED}"
_IN_OPEN: Final = f"{JOINED} WHERE {STATE} != 'closed'"
_INDEX: Final = re.compile(r"\d{1,10}", re.ASCII)


class Participants:
    """Participants in order of arrival; a `ref` is a sid or an identity."""

    def __init__(self, database: Database, conversations: Conversations, users: Users) -> None:
        self._database = database
        self._conversations = conversations
        self._users = users

    def create(self, service_sid: str, conversation_ref: str, fields: Fields) -> Participant:
        """Add a participant; one in chat becomes a user of the service, too."""
        with self._database.transaction():
            conversation = self._conversations.get_open(service_sid, conversation_ref)
            values = self._checked(fields)
            values["identity"] = identity = values.get("identity")
            values["address"] = fields.get("MessagingBinding.Address") or None
            self._check_kind(conversation, values)
            self._check_free(conversation, values)
            self._check_room(conversation, values)
            today = self._database.today()
            sid = self._database.new_sid("MB")
            values = {
                "sid": sid,
                "conversation": conversation.id,
                "attributes": "{}",
                "date_created": today,
            } | values
            values.setdefault("date_updated", values["date_created"])
            if identity is not None:
                self._users.ensure(service_sid, identity)
            self._database.execute(
                f"INSERT INTO participants ({', '.join(values)})"  # noqa: S608 (own names)
                f" VALUES ({', '.join('?' * len(values))})",
                (*values.values(),),
            )
            return self.get(service_sid, conversation.sid, sid)

    def _checked(self, fields: Fields) -> dict[str, Any]:
        index = fields.get("LastReadMessageIndex")
        if index is not None and _INDEX.fullmatch(index) is None:
            raise ApiError(50421, "Invalid last read message index format")
        values = {
            "identity": identity_of(fields) or None,
            "proxy_address": fields.get("MessagingBinding.ProxyAddress") or None,
            "projected_address": fields.get("MessagingBinding.ProjectedAddress") or None,
            "role_sid": read.sid(fields, "RoleSid", "RL"),
            "attributes": read.attributes(fields, MESSAGE_ATTRIBUTES_BYTES),
            "last_read_message_index": None if index is None else int(index),
            "last_read_timestamp": fields.get("LastReadTimestamp"),
            "date_created": read.date(fields, "DateCreated"),
            "date_updated": read.date(fields, "DateUpdated"),
        }
        return {column: value for column, value in values.items() if value is not None}

    def _check_kind(self, conversation: Conversation, values: dict[str, Any]) -> None:
        identity, address = values["identity"], values["address"]
        projected = values.get("projected_address")
        if address is not None and projected is not None:
            raise ApiError(50407, "Participant has an address and a projected address")
        if address is not None and identity is not None:
            raise ApiError(50211, "Identity parameter not acceptable for this Participant")
        if address is None and identity is None and projected is None:
            raise ApiError(50204, "Identity not provided")
        if address is not None and "proxy_address" not in values and not self._is_group(conversation.id):
            raise ApiError(50412, "Participant proxy address is empty")
        if address is not None and address == values.get("proxy_address"):
            raise ApiError(50409, "Participant address equals proxy address")

    def _check_free(self, conversation: Conversation, values: dict[str, Any]) -> None:
        if self._database.one(
            "SELECT 1 FROM participants WHERE conversation = ? AND identity = ?",
            (conversation.id, values["identity"]),
        ):
            raise ApiError(50433, "Participant already exists", 409)
        if self._database.one(
            f"SELECT 1 {_IN_OPEN} AND p.address = ? AND p.proxy_address = ?",
            (values["address"], values.get("proxy_address")),
        ):
            raise ApiError(50416, "Participant and proxy address pair is already in use", 409)

    def _check_room(self, conversation: Conversation, values: dict[str, Any], *, besides: int = 0) -> None:
        """Raise if one more participant is too many; *besides* is the row of one that is updated."""
        identity = values["identity"]
        total, outside, grouped = self._database.one(
            "SELECT count(*), count(address), count(projected_address)"
            " FROM participants WHERE conversation = ? AND id != ?",
            (conversation.id, besides),
        ) or (0, 0, 0)
        if values.get("address") is not None and outside >= PARTICIPANTS_OUTSIDE_CHAT:
            raise ApiError(50418, "Non-Chat participants limit exceeded")
        if (grouped or values.get("projected_address")) and total >= PARTICIPANTS_OF_GROUP_MMS:
            raise ApiError(50436, "Participant limit exceeded for group conversation")
        if total >= PARTICIPANTS:
            raise ApiError(50417, "Participants limit exceeded")
        (joined,) = self._database.one(
            f"SELECT count(*) {_IN_OPEN} AND identity = ? AND c.service ="  # noqa: S608 (own text)
            " (SELECT service FROM conversations WHERE id = ?) AND p.id != ?",
            (identity, conversation.id, besides),
        ) or (0,)
        if joined >= CONVERSATIONS_OF_IDENTITY:
            raise ApiError(50214, "User conversation limit exceeded")

    def outside_chat(self, conversation: int) -> list[str]:
        """Return the sids of participants outside chat, to whom messages are delivered."""
        rows = self._database.all(
            "SELECT sid FROM participants WHERE conversation = ? AND address IS NOT NULL ORDER BY id",
            (conversation,),
        )
        return [sid for (sid,) in rows]

    def author_sid(self, conversation: int, author: str) -> str | None:
        """Return the participant of that identity or address; 50513 if group MMS knows no such author."""
        row = self._database.one(
            "SELECT sid FROM participants"
            " WHERE conversation = ? AND ? IN (identity, address, projected_address)",
            (conversation, author),
        )
        if row is not None:
            return str(row[0])
        if self._is_group(conversation):
            raise ApiError(50513, "Message author should be among Group MMS participants.")
        return None

    def _is_group(self, conversation: int) -> bool:
        """Return whether a conversation is group MMS."""
        row = self._database.one(
            "SELECT 1 FROM participants WHERE conversation = ? AND projected_address IS NOT NULL",
            (conversation,),
        )
        return row is not None

    def get(self, service_sid: str, conversation_ref: str, ref: str) -> Participant:
        """Return one participant."""
        conversation = self._conversations.get(service_sid, conversation_ref)
        row = self._database.one(
            f"{_SELECT} WHERE conversation = ? AND (p.sid = ? OR identity = ?)", (conversation.id, ref, ref)
        )
        if row is None or self._database.hides(row[1]):
            raise NotFound
        return Participant(*row)

    def page(self, service_sid: str, conversation_ref: str, start: Start, size: int) -> Page:
        """Return a page of `Participant` rows."""
        conversation = self._conversations.get(service_sid, conversation_ref)
        return self._database.page(
            f"{_SELECT} WHERE conversation = ?{self._database.visible('p.sid')}",
            (conversation.id,),
            key="p.id",
            descending=False,
            start=start,
            size=size,
        )

    def update(self, service_sid: str, conversation_ref: str, ref: str, fields: Fields) -> Participant:
        """Change what *fields* mentions."""
        with self._database.transaction():
            conversation = self._conversations.get_open(service_sid, conversation_ref)
            participant = self.get(service_sid, conversation.sid, ref)
            values = self._checked(fields)
            if values.get("identity", participant.identity) != participant.identity:
                self._check_free(conversation, {"address": None} | values)
            if values.keys() & {"identity", "projected_address"}:
                self._check_room(
                    conversation, {"identity": participant.identity} | values, besides=participant.id
                )
            if values:
                values.setdefault("date_updated", self._database.today())
                self._database.change("participants", participant.id, values)
            return self.get(service_sid, conversation.sid, participant.sid)

    def delete(self, service_sid: str, conversation_ref: str, ref: str) -> None:
        """Remove a participant; its messages stay."""
        with self._database.transaction():
            conversation = self._conversations.get_open(service_sid, conversation_ref)
            participant = self.get(service_sid, conversation.sid, ref)
            self._database.execute("DELETE FROM participants WHERE id = ?", (participant.id,))
