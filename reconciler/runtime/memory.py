"""What the process keeps of the memory that it does not need any more."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final

_MMAP_THRESHOLD: Final = -3
"""The number of glibc's parameter `M_MMAP_THRESHOLD` (malloc.h)."""
_LARGE: Final = 128 * 1024
"""Its first value, in bytes (mallopt(3))."""


def return_large_blocks() -> None:
    """Let every large block go back to the system once it is freed, where glibc is the C library.

    By itself it does so until the first one was freed. From then on it keeps blocks of up to that size, at
    most 32 MB, for the next ones: so a process that has read large files stays larger by some of them.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - only who reads much in little memory needs it

        with suppress(AttributeError, OSError):  # another C library, or none that can be reached
            ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)
