"""The interface by which scripted faults end the connection of a request.

`server` and `transport`, which run the app, put a `Connection` into the scope of each request.
"""

from __future__ import annotations

from typing import Final, Protocol

EXTENSION: Final = "reconciler.connection"
"""The key of the Connection among the extensions of an ASGI scope."""


class Connection(Protocol):
    """One TCP connection, or its counterpart inside this process."""

    def reset(self) -> None:
        """Drop the connection at once, without a reply."""

    def refuse(self) -> None:
        """Make the connection appear refused; over HTTP, where it exists already, reset it."""

    def close(self) -> None:
        """Close the connection once the sent bytes are delivered, even if the reply is not complete."""
