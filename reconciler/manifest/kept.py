"""Manifests that were parsed before: what loading asks, and the ones that a process keeps in memory."""

from __future__ import annotations

from hashlib import sha256
from typing import Protocol

from reconciler.manifest.content import FileContent


class Known(Protocol):
    """The contents of manifests that were parsed before."""

    def key(self, data: bytes, path: str) -> bytes:
        """Return the key of the manifest *data* at *path*."""

    def get(self, key: bytes, path: str) -> FileContent | None:
        """Return the content of the manifest at *path* with this *key*; None if it is not known."""

    def keep(self, key: bytes, content: FileContent) -> None:
        """Keep the *content* of the manifest with this *key*."""


class Kept:
    """The contents of the manifests of one process: for each path those of its last bytes."""

    def __init__(self) -> None:
        self._contents: dict[str, tuple[bytes, FileContent]] = {}

    def key(self, data: bytes, path: str) -> bytes:  # noqa: ARG002 - contents are found by their paths
        """Return the digest of *data*."""
        return sha256(data).digest()

    def get(self, key: bytes, path: str) -> FileContent | None:
        """Return the content of the manifest at *path* with this *key*; None if it is not known."""
        known, content = self._contents.get(path, (b"", None))
        return content if known == key else None

    def keep(self, key: bytes, content: FileContent) -> None:
        """Keep the *content* of the manifest with this *key*."""
        self._contents[content.path] = key, content
