"""Messages and their receipts: numbered as they arrive, the number never used again."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

import msgspec

from reconciler.emulator import fields as read
from reconciler.emulator.conversations import Conversations
from reconciler.emulator.database import Database, Page, Start
from reconciler.emulator.decisions import (
    BODY_BYTES,
    BODY_CHARACTERS_OUTSIDE_CHAT,
    MESSAGE_ATTRIBUTES_BYTES,
    SUBJECT_CHARACTERS,
)
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.fields import Fields
from reconciler.emulator.media import MediaFiles
from reconciler.emulator.participants import Participants
from reconciler.emulator.records import Attachment, Conversation, Delivery, Document, Message, Receipt
from reconciler.emulator.templates import PICTURES, Templates

_UPDATED_BY: Final = ("Author", "Body", "Attributes", "DateCreated", "DateUpdated", "Subject")
_MESSAGE: Final = "SELECT number, sid, document FROM messages WHERE conversation = ?"
_NOT_YOUNGER: Final = " AND stored_at <= ?"
_RECEIPT: Final = """SELECT id, sid, channel_message_sid, participant_sid, status, date_created
  FROM receipts WHERE message = ?"""
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Document).decode


class Messages:
    """The messages of conversations; a `ref` is a sid or a unique name."""

    def __init__(
        self,
        database: Database,
        conversations: Conversations,
        participants: Participants,
        media: MediaFiles,
        templates: Templates,
    ) -> None:
        self._database = database
        self._conversations = conversations
        self._participants = participants
        self._media = media
        self._templates = templates

    def create(self, service_sid: str, conversation_ref: str, fields: Fields) -> Message:
        """Append a message, and deliver it to the participants outside chat."""
        with self._database.transaction():
            conversation = self._conversations.get_open(service_sid, conversation_ref)
            recipients = self._participants.outside_chat(conversation.id)
            body, attachment = self._content(service_sid, fields)
            _check(fields, body, outside=bool(recipients))
            author = fields.get("Author") or "system"
            created = read.date(fields, "DateCreated") or self._database.today()
            document = Document(
                sid=self._database.new_sid("IM"),
                index=conversation.next_index,
                author=author,
                body=body,
                media=None if attachment is None else (attachment,),
                attributes=read.attributes(fields, MESSAGE_ATTRIBUTES_BYTES) or "{}",
                participant_sid=self._participants.author_sid(conversation.id, author),
                date_created=created,
                date_updated=read.date(fields, "DateUpdated") or created,
                delivery=Delivery(len(recipients)) if recipients else None,
                content_sid=fields.get("ContentSid"),
            )
            return self._append(conversation, document, recipients)

    def _content(self, service_sid: str, fields: Fields) -> tuple[str | None, Attachment | None]:
        rendered = self._templates.render(fields)
        if rendered is not None:
            return rendered, self._picture(service_sid, fields["ContentSid"])
        body, media_sid = fields.get("Body") or None, fields.get("MediaSid")
        if media_sid is not None:
            return body, self._media.attachable(service_sid, media_sid)
        if body is None:
            raise ApiError(50503, "Message body not provided")
        return body, None

    def _picture(self, service_sid: str, content_sid: str) -> Attachment | None:
        """Return the file of a media template; each message gets its own."""
        picture = PICTURES.get(content_sid)
        if picture is None:
            return None
        media = self._media.upload(
            service_sid, BytesIO(picture.content), picture.content_type, picture.filename
        )
        return self._media.attachable(service_sid, media.sid)

    def _append(self, conversation: Conversation, document: Document, recipients: list[str]) -> Message:
        database, encoded = self._database, _encode(document)
        now = database.now().timestamp()
        row = database.execute(
            "INSERT INTO messages (sid, conversation, number, stored_at, document) VALUES (?, ?, ?, ?, ?)",
            (document.sid, conversation.id, document.index, now, encoded),
        )
        for attachment in document.media or ():
            self._media.attach(attachment.sid, row)
        for recipient in recipients:
            database.execute(
                "INSERT INTO receipts (sid, message, channel_message_sid, participant_sid, status,"
                " date_created) VALUES (?, ?, ?, ?, 'delivered', ?)",
                (database.new_sid("DY"), row, database.new_sid("SM"), recipient, database.today()),
            )
        self._conversations.received(conversation)
        return Message(document.index, document.sid, encoded)

    def get(self, service_sid: str, conversation_ref: str, sid: str) -> Message:
        """Return one message."""
        conversation = self._conversations.get(service_sid, conversation_ref)
        return Message(*self._row(conversation.id, sid)[1:])

    def count(self, conversation: Conversation) -> int:
        """Return how many messages a conversation has."""
        row = self._database.one("SELECT count(*) FROM messages WHERE conversation = ?", (conversation.id,))
        return int(row[0]) if row is not None else 0

    def _row(self, conversation: int, sid: str) -> tuple[Any, ...]:
        sql = "SELECT id, number, sid, document FROM messages WHERE sid = ? AND conversation = ?"
        values: tuple[object, ...] = (sid, conversation)
        if self._database.lag:
            sql += _NOT_YOUNGER
            values = (*values, self._database.now().timestamp() - self._database.lag)
        row = self._database.one(sql, values)
        if row is None:
            raise NotFound
        return row

    def page(
        self,
        service_sid: str,
        conversation_ref: str,
        start: Start,
        size: int,
        *,
        descending: bool = False,
        hidden_seconds: float = 0,
    ) -> Page:
        """Return a page of `Message` rows; those younger than *hidden_seconds* are not listed yet."""
        conversation = self._conversations.get(service_sid, conversation_ref)
        sql = _MESSAGE
        values: list[float] = [conversation.id]
        if hidden := max(hidden_seconds, self._database.lag):
            sql += _NOT_YOUNGER
            values.append(self._database.now().timestamp() - hidden)
        return self._database.page(sql, values, key="number", descending=descending, start=start, size=size)

    def update(self, service_sid: str, conversation_ref: str, sid: str, fields: Fields) -> Message:
        """Change what *fields* mentions; parameters that only a create accepts are ignored."""
        with self._database.transaction():
            conversation = self._conversations.get_open(service_sid, conversation_ref)
            row, number, sid, encoded = self._row(conversation.id, sid)
            if any(name in fields for name in _UPDATED_BY):
                values = self._changes(conversation.id, _decode(encoded), fields)
                encoded = _encode(msgspec.structs.replace(_decode(encoded), **values))
                self._database.change("messages", row, {"document": encoded})
            return Message(number, sid, encoded)

    def _changes(self, conversation: int, document: Document, fields: Fields) -> dict[str, Any]:
        body = fields.get("Body")
        if body is not None and document.media is not None:
            raise ApiError(50509, "Media message body cannot be updated")
        if body == "":
            raise ApiError(50503, "Message body not provided")
        _check(fields, body, outside=bool(self._participants.outside_chat(conversation)))
        values = {
            "body": body,
            "attributes": read.attributes(fields, MESSAGE_ATTRIBUTES_BYTES),
            "date_created": read.date(fields, "DateCreated"),
            "date_updated": read.date(fields, "DateUpdated") or self._database.today(),
        }
        changed: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
        if "Author" in fields:
            author = fields["Author"] or "system"
            changed |= {
                "author": author,
                "participant_sid": self._participants.author_sid(conversation, author),
            }
        return changed

    def delete(self, service_sid: str, conversation_ref: str, sid: str) -> None:
        """Delete a message, its media and its receipts."""
        with self._database.transaction():
            conversation = self._conversations.get_open(service_sid, conversation_ref)
            row = self._row(conversation.id, sid)[0]
            self._database.execute("DELETE FROM messages WHERE id = ?", (row,))

    def receipts(self, service_sid: str, conversation_ref: str, sid: str, start: Start, size: int) -> Page:
        """Return a page of `Receipt` rows."""
        conversation = self._conversations.get(service_sid, conversation_ref)
        row = self._row(conversation.id, sid)[0]
        return self._database.page(_RECEIPT, (row,), key="id", descending=False, start=start, size=size)

    def receipt(self, service_sid: str, conversation_ref: str, sid: str, receipt_sid: str) -> Receipt:
        """Return one receipt."""
        conversation = self._conversations.get(service_sid, conversation_ref)
        row = self._row(conversation.id, sid)[0]
        found = self._database.one(f"{_RECEIPT} AND sid = ?", (row, receipt_sid))
        if found is None:
            raise NotFound
        return Receipt(*found)


def _check(fields: Fields, body: str | None, *, outside: bool) -> None:
    if body is not None and (
        len(body.encode()) > BODY_BYTES or (outside and len(body) > BODY_CHARACTERS_OUTSIDE_CHAT)
    ):
        raise ApiError(50504, "Message body parameter is too long")
    read.name(fields, "Author", 50310, "Author parameter is too long")
    if len(fields.get("Subject", "")) > SUBJECT_CHARACTERS:
        raise ApiError(20001, "Invalid parameter: Subject")
