"""What reading one file gives."""

from __future__ import annotations

from msgspec import Struct

from reconciler.errors import Problem
from reconciler.model import Service


class FileContent(Struct, frozen=True):
    """What one file says: its account guard, and its services with no more than it says of them.

    *path* is the file as the user wrote it.
    """

    path: str
    account: str | None = None
    services: tuple[Service, ...] = ()


class Parsed(Struct, frozen=True):
    """The content of a file as far as it can be made out, and its problems from top to bottom."""

    content: FileContent
    problems: tuple[Problem, ...] = ()
