"""Delete objects that nobody reads any more, while the run goes on."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from reconciler.errors import StateError
from reconciler.state.stores.leaseholder import Leaseholder
from reconciler.state.stores.object_writer import Writer
from reconciler.state.stores.primitives import CALL_SECONDS, Blobs, Unheard
from reconciler.state.stores.segments import Head


class Sweeping:
    """Deletes from *blobs* what a swap of `head` has replaced; *writer* finds what killed runs left.

    It may begin once the swap was heard, and nothing waits for it but the end of the run: no later head names
    such an object, and none of the same name is made.
    """

    def __init__(self, blobs: Blobs, writer: Writer) -> None:
        self._blobs = blobs
        self._writer = writer
        self._begun: list[asyncio.Task[None]] = []

    def begin(self, held: Leaseholder, head: Head, gone: list[str], *, outlived: bool) -> None:
        """Delete *gone*, and with *outlived* what *head*, which *held* has just swapped in, has outlived."""
        self._begun.append(asyncio.create_task(self._sweep(held, head, gone, outlived=outlived)))

    async def _sweep(self, held: Leaseholder, head: Head, gone: list[str], *, outlived: bool) -> None:
        if outlived:
            gone = [*gone, *await self._writer.outlived(head, known=gone)]
        if not held.is_fenced:
            with suppress(Unheard):  # a later run deletes them
                await self._blobs.delete(gone)

    async def finish(self) -> StateError | None:
        """Wait for what was begun, and return why something could not be deleted, such as no permission.

        What takes longer than a call may is left to a later run.
        """
        begun, self._begun = self._begun, []
        if not begun:
            return None
        ended, late = await asyncio.wait(begun, timeout=CALL_SECONDS)
        for one in late:
            one.cancel()
        errors = [one.exception() for one in ended]
        return next((error for error in errors if isinstance(error, StateError)), None)
