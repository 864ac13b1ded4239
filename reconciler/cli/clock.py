"""The time, as commands show it."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.model.canonical import canonical_instant


def now() -> str:
    """Return the present by our own clock, in whole seconds of UTC."""
    return canonical_instant(datetime.now(UTC))


def precisely_now() -> str:
    """Return the present with microseconds, as Terraform writes it into its events."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
