"""What a scripted fault may do to the connection that a request came on.

Whoever runs the app, `server` or `transport`, puts a `Connection` into the request's scope.
"""

from __future__ import annotations

from typing import Final, Protocol

EXTENSION: Final = "reconciler.connection"
"""Its name among the extensions of an ASGI scope."""


class Connection(Protocol):
    """One TCP connection, or what stands for it in process."""

    def reset(self) -> None:
        """Drop it at once, without a reply."""

    def refuse(self) -> None:
        """Let it never have been established, or else reset it."""

    def close(self) -> None:
        """Close it once what was sent is delivered, even if the reply is not complete."""
