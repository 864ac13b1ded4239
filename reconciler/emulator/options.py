"""How an emulator behaves beyond what it stores."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.emulator.decisions import MAX_PAGE_MESSAGES
from reconciler.emulator.faults import Fault


@dataclass(frozen=True, slots=True)
class EmulatorOptions:
    """Settings of one emulator.

    *max_page_size* is what a list grants at most; a larger `PageSize` is granted as that, or refused
    with 400 if *refuse_large_pages*. With *auth_token* only this password is accepted. Over HTTP it answers
    to names of this machine, and to *allowed_hosts*.
    """

    max_page_size: int = MAX_PAGE_MESSAGES
    refuse_large_pages: bool = False
    auth_token: str | None = None
    faults: tuple[Fault, ...] = ()
    fault_seed: int = 0
    allowed_hosts: tuple[str, ...] = ()
