"""What files said when they were last parsed, so that those that have not changed since are not parsed again.

An entry counts only for the very same bytes under the same name, read by the same code; anything else is
as if it were not there, so the folder can be deleted at any time. It has one entry per manifest.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec

from reconciler import __version__
from reconciler.manifest.content import FileContent, share_texts

_DIGEST: Final = hashlib.sha256().digest_size
_IGNORED: Final = "# made by reconciler; can be deleted at any time\n*\n"


class ParsedFiles:
    """The entries in *folder*, which is made when the first one is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def key(self, data: bytes, path: str) -> bytes:
        """Return what stands for the manifest *data*, called *path*, read by this code."""
        return _digest(self._reader, data, os.fsencode(path))

    def get(self, key: bytes, path: str) -> FileContent | None:
        """Return what the manifest of this *key*, called *path*, says; None if that is not known."""
        try:
            entry = self._place(path).read_bytes()
            said = memoryview(entry)[_DIGEST:]
            if entry[:_DIGEST] != _digest(key, said):
                return None
            content = msgspec.msgpack.decode(said, type=FileContent)
        except (OSError, msgspec.DecodeError):
            return None
        share_texts(content)
        return content

    def keep(self, key: bytes, content: FileContent) -> None:
        """Note what the manifest of this *key* says; that it cannot be kept changes nothing."""
        place = self._place(content.path)
        draft = place.with_suffix(f".{os.getpid()}")
        with suppress(OSError, UnicodeEncodeError):  # the name of a folder may be no text at all
            said = msgspec.msgpack.encode(content)
            if not self._folder.is_dir():
                self._folder.mkdir(mode=0o700, parents=True)
                (self._folder / ".gitignore").write_text(_IGNORED)
            with draft.open("wb") as file:
                file.write(_digest(key, said))
                file.write(said)
            draft.replace(place)

    def _place(self, path: str) -> Path:
        return self._folder / hashlib.sha256(os.fsencode(path)).hexdigest()[:32]

    @cached_property
    def _reader(self) -> bytes:
        # The release names the code, except for those who are changing it.
        code = [file for folder in Path(__file__).parents[:2] for file in folder.glob("*.py")]
        return f"{__version__} {max(file.stat().st_mtime_ns for file in code)}".encode()


def _digest(*parts: bytes | memoryview) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.digest()
