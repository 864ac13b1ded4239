"""The settings of an emulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.emulator.decisions import MAX_PAGE_MESSAGES
from reconciler.emulator.faults import Fault


@dataclass(frozen=True, slots=True)
class EmulatorOptions:
    """Settings of one emulator."""

    max_page_size: int = MAX_PAGE_MESSAGES
    """Records of one page at most; a larger `PageSize` gets this many."""
    refuse_large_pages: bool = False
    """Refuse a larger `PageSize` with 400 instead."""
    auth_token: str | None = None
    """The only password that is accepted; None accepts any that is not empty."""
    faults: tuple[Fault, ...] = ()
    """The faults in force from the start."""
    fault_seed: int = 0
    """The seed of faults with a probability."""
    allowed_hosts: tuple[str, ...] = ()
    """Values of the Host header that it answers to over HTTP, besides the names of this machine."""
    templates: Mapping[str, str] | None = field(default_factory=dict)
    """Texts of content templates by sid, besides those built in; with None, every sid has a stand-in."""
    inspector: bool = True
    """Serve the inspector at `/`, for browsers on this machine."""
    webhook_hosts: tuple[str, ...] = ()
    """Names of other machines to which webhooks may be sent."""
    webhook_seconds: float = 5
    """How long the answer to a webhook may take."""
