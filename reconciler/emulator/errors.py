"""What the emulated API answers when it refuses.

The store raises `ApiError`; the HTTP side turns it into Twilio's shape. Codes are Twilio's own,
statuses that Twilio does not publish are decided in `decisions`.
"""

from __future__ import annotations

from http import HTTPStatus


class ApiError(Exception):
    """A refusal: nothing was stored. *code* is None where Twilio's own replies carry none."""

    def __init__(self, code: int | None, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = int(status)


class NotFound(ApiError):
    """A resource, or a parent of it, does not exist; the HTTP side words it by the path asked for."""

    def __init__(self) -> None:
        super().__init__(20404, "The requested resource was not found", HTTPStatus.NOT_FOUND)
