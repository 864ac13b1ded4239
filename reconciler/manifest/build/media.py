"""Media files: the folders and types that are allowed, and the digests of their bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from reconciler.manifest.build.fields import MB
from reconciler.manifest.content import FileContent
from reconciler.manifest.diagnostics.findings import Finding, Loc, Refusal
from reconciler.model import Conversation, MediaFile, Message

if TYPE_CHECKING:
    from mimetypes import MimeTypes

_CONTENT_TYPE: Final = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*"


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
"""Types of files that are usual in chats, and that not every version of Python knows."""


_PACKED: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


CHAT_BYTES: Final = 150 * MB
WHATSAPP_BYTES: Final = 16 * MB
SMS_BYTES: Final = 5 * MB
"""The largest file for each channel, by Twilio's reference."""


def size_limit(conversation: Conversation) -> int:
    """Return the most bytes that a file in *conversation* may have: the lowest limit of its channels."""
    addresses = [one.address or one.projected_address for one in conversation.participants]
    limits = [
        WHATSAPP_BYTES if address.startswith("whatsapp:") else SMS_BYTES for address in addresses if address
    ]
    return min(limits, default=CHAT_BYTES)


def with_media_files(
    content: FileContent, folder_of: Callable[[Loc], Path]
) -> tuple[FileContent, list[Finding]]:
    """Return *content* with the size, digest and type of each media file, and what is wrong with them.

    *folder_of* returns the folder that the path written at a location is relative to.
    """
    found: list[Finding] = []
    services = []
    for service in content.services:
        conversations = []
        for conversation in service.conversations:
            if any(message.file for message in conversation.messages):
                loc: Loc = ("services", service.name, "conversations", conversation.name, "messages")
                conversations.append(_with_files(conversation, folder_of, loc, found))
            else:
                conversations.append(conversation)
        services.append(replace(service, conversations=tuple(conversations)))
    return replace(content, services=tuple(services)), found


def _with_files(
    conversation: Conversation, folder_of: Callable[[Loc], Path], loc: Loc, found: list[Finding]
) -> Conversation:
    limit = size_limit(conversation)
    messages: list[Message] = []
    for position, message in enumerate(conversation.messages):
        complete = message
        if message.file is not None and message.file.path:
            where: Loc = (*loc, position, "media", "file")
            try:
                file = inspect_file(message.file, folder_of(where), limit)
                complete = replace(message, file=file, media=file.sha256)
            except Refusal as refusal:
                text = f"`media` of message `{message.key}` {refusal.text}"
                found.append(Finding(where, text, refusal.hint))
        messages.append(complete)
    return replace(conversation, messages=tuple(messages))


def inspect_file(file: MediaFile, folder: Path, limit: int) -> MediaFile:
    """Return *file* with its absolute path, its size in bytes, its SHA-256 and its MIME type.

    Raises Refusal if the file is outside *folder* (links are followed), is not a readable file, is empty,
    has more than *limit* bytes, or has a type that its name does not tell.
    """
    path = path_inside(folder, file.path)
    size, sha256 = _digest(path, file.path, limit)
    content_type = file.content_type or _guess(path.name)
    if content_type is None:
        raise Refusal(
            f"names a file whose type its name does not tell: `{file.path}`",
            "add `content_type: …` to `media`",
        )
    if not re.fullmatch(_CONTENT_TYPE, content_type):
        raise Refusal(f"has a content type that is none: `{content_type}`", "write it like `image/png`")
    return replace(
        file,
        path=str(path),
        sha256=sha256,
        size=size,
        content_type=content_type,
        filename=file.filename or path.name,
    )


def path_inside(folder: Path, written: str) -> Path:
    """Return the path of the file *written* below *folder*; raises Refusal if it leads out of *folder*."""
    home = folder.resolve()
    try:
        path = (home / written).resolve()
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):  # the reader reports these
            path.stat()  # from Python 3.13 on, resolve() accepts a loop of links, and only stat() fails
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
def _types() -> MimeTypes:
    """Return Python's own table of types: the table of the machine must not change a plan."""
    import mimetypes  # noqa: PLC0415 - few manifests have files

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
