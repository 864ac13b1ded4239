"""Uploaded files: each belongs to one message, or is deleted five minutes after its upload."""

from __future__ import annotations

import re
from io import SEEK_END
from typing import IO, Final

from reconciler.emulator.database import Database
from reconciler.emulator.decisions import MEDIA_BYTES, MEDIA_SECONDS
from reconciler.emulator.errors import ApiError, NotFound
from reconciler.emulator.fields import is_sid
from reconciler.emulator.records import Attachment, Media
from reconciler.emulator.services import Services

_CONTENT_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;.*)?", re.ASCII)
_SELECT: Final = """SELECT d.sid, s.sid, content_type, filename, length(content), uploaded_at, m.sid, c.sid
  FROM media d JOIN services s ON s.id = d.service
  LEFT JOIN messages m ON m.id = d.message LEFT JOIN conversations c ON c.id = m.conversation
  WHERE (d.message IS NOT NULL OR uploaded_at > ?)"""


class MediaFiles:
    """Media of a service, immutable."""

    def __init__(self, database: Database, services: Services) -> None:
        self._database = database
        self._services = services

    def _oldest(self) -> float:
        return self._database.now().timestamp() - MEDIA_SECONDS

    def upload(self, service_sid: str, file: IO[bytes], content_type: str, filename: str | None) -> Media:
        """Keep a file, and delete those that no message took in time."""
        size = file.seek(0, SEEK_END)
        file.seek(0)
        if size > MEDIA_BYTES:
            raise ApiError(50512, "Message media size is too large")
        if not _CONTENT_TYPE.fullmatch(content_type):
            raise ApiError(50511, "Invalid message media content type")
        sid = self._database.new_sid("ME")
        with self._database.transaction():
            service = self._services.get(service_sid)
            self._database.execute(
                "DELETE FROM media WHERE message IS NULL AND uploaded_at <= ?", (self._oldest(),)
            )
            self._database.insert_file(
                "INSERT INTO media VALUES (?, ?, NULL, ?, ?, ?, zeroblob(?))",
                (sid, service.id, content_type, filename, self._database.now().timestamp(), size),
                ("media", "content"),
                file,
            )
            return self.get(service_sid, sid)

    def get(self, service_sid: str, sid: str) -> Media:
        """Return the record of a file."""
        row = self._database.one(f"{_SELECT} AND d.sid = ? AND s.sid = ?", (self._oldest(), sid, service_sid))
        if row is None:
            raise NotFound
        return Media(*row)

    def content(self, service_sid: str, sid: str) -> bytes:
        """Return the bytes of a file."""
        media = self.get(service_sid, sid)
        (content,) = self._database.one("SELECT content FROM media WHERE sid = ?", (media.sid,)) or (b"",)
        return bytes(content)

    def attachable(self, service_sid: str, sid: str) -> Attachment:
        """Return the record of a file that a new message may take."""
        if not is_sid("ME", sid):
            raise ApiError(50510, "Invalid message media SID")
        try:
            media = self.get(service_sid, sid)
        except NotFound:
            raise ApiError(50507, "Media not found") from None
        if media.message_sid is not None:
            raise ApiError(50508, "Media already sent with another message")
        return Attachment(media.sid, media.size, media.content_type, media.filename)

    def attach(self, sid: str, message: int) -> None:
        """Attach a file to a message; it is deleted with that message."""
        self._database.execute("UPDATE media SET message = ? WHERE sid = ?", (message, sid))
