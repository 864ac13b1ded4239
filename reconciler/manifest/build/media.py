"""Media files: where they may be, what they may be, and what they hold."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from reconciler.manifest.build.fields import MB
from reconciler.manifest.diagnostics.findings import Refusal
from reconciler.model import Conversation, MediaFile

_CONTENT_TYPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*")


_OFFICE: Final = "application/vnd.openxmlformats-officedocument"


_MORE: Final = {
    ".3gp": "video/3gpp",
    ".amr": "audio/amr",
    ".docx": f"{_OFFICE}.wordprocessingml.document",
    ".ics": "text/calendar",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
    ".webp": "image/webp",
    ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
}
"""What people send in chats and Python does not know, or not in each of its versions."""


_PACKED: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


CHAT_BYTES: Final = 150 * MB


WHATSAPP_BYTES: Final = 16 * MB


SMS_BYTES: Final = 5 * MB


def size_limit(conversation: Conversation) -> int:
    """Return how many bytes a file in *conversation* may have: the least of its channels' limits."""
    addresses = [one.address or one.projected_address for one in conversation.participants]
    limits = [
        WHATSAPP_BYTES if address.startswith("whatsapp:") else SMS_BYTES for address in addresses if address
    ]
    return min(limits, default=CHAT_BYTES)


def look_at(file: MediaFile, folder: Path, limit: int) -> MediaFile:
    """Return *file* with its absolute path, size, digest and type.

    Raises Refusal if it is outside *folder* (links are followed), is no readable file, is empty or
    has more than *limit* bytes, or if its type cannot be told.
    """
    path = inside(folder, file.path)
    size, sha256 = _digest(path, file.path, limit)
    content_type = file.content_type or _guess(path.name)
    if content_type is None:
        raise Refusal(
            f"names a file whose type its name does not tell: `{file.path}`",
            "add `content_type: …` to `media`",
        )
    if not _CONTENT_TYPE.fullmatch(content_type):
        raise Refusal(f"has a content type that is none: `{content_type}`", "write it like `image/png`")
    return replace(
        file,
        path=str(path),
        sha256=sha256,
        size=size,
        content_type=content_type,
        filename=file.filename or path.name,
    )


def inside(folder: Path, written: str) -> Path:
    """Return the file that *written* names below *folder*; raises Refusal if it leads out of it."""
    home = folder.resolve()
    try:
        path = (home / written).resolve()
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):  # for who reads it to say
            path.stat()  # from Python 3.13 on it is only here that a loop of links is an error
    except (OSError, RuntimeError, ValueError) as error:
        raise Refusal(f"names a file that cannot be reached: `{written}`", "check the links") from error
    if not path.is_relative_to(home):
        raise Refusal(
            f"names a file outside the folder of its manifest: `{written}`",
            "move the file below that folder",
        )
    return path


def _guess(name: str) -> str | None:
    content_type, encoding = _types().guess_type(name)
    return content_type if encoding is None else _PACKED.get(encoding)


@cache
def _types() -> mimetypes.MimeTypes:
    """Return Python's own table: what the machine's says must not change a plan."""
    types = mimetypes.MimeTypes()
    for suffix, content_type in _MORE.items():
        types.add_type(content_type, suffix)
    return types


def _digest(path: Path, written: str, limit: int) -> tuple[int, str]:
    try:
        if not path.is_file():
            raise Refusal(
                f"names a folder, not a file: `{written}`"
                if path.is_dir()
                else f"names a file that does not exist: `{written}`",
                "the path is relative to the folder of the manifest",
            )
        size = path.stat().st_size
        if size == 0:
            raise Refusal(f"names an empty file: `{written}`")
        if size > limit:
            raise Refusal(
                f"names a file of {size:,} bytes: `{written}`; the limit here is {limit // MB} MB",
                "use a smaller file",
            )
        with path.open("rb") as content:
            return size, hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise Refusal(
            f"names a file that cannot be read: `{written}`: {(error.strerror or str(error)).lower()}"
        ) from error
