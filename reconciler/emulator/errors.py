"""The refusals of the emulated API.

The store raises `ApiError`; `wire` gives it the form of Twilio's errors. Codes are Twilio's own. Statuses
that Twilio does not publish are listed in `decisions`.
"""

from __future__ import annotations

from http import HTTPStatus


class ApiError(Exception):
    """A refusal: nothing was stored. *code* is None where Twilio's own replies have none."""

    def __init__(self, code: int | None, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = int(status)


class NotFound(ApiError):
    """The resource, or a parent of it, does not exist; the text of the reply names the requested path."""

    def __init__(self) -> None:
        super().__init__(20404, "The requested resource was not found", HTTPStatus.NOT_FOUND)
