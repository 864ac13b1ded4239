"""Which host may get credentials: an address of a settings file may be a stranger's."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

from reconciler.errors import UsageError
from reconciler.text.words import cut

HOST: Final = "RECONCILER_STATE_HOST"
"""The variable that names the host which addresses of a settings file may lead to."""


def check_host(host: str, environ: Mapping[str, str], *, trusted: bool) -> None:
    """Raise UsageError for the *host* of an address if a settings file alone names it.

    One that is *trusted* was given by whoever runs the command.
    """
    if trusted or (host and host.lower() == environ.get(HOST, "").strip().lower()):
        return
    raise UsageError(
        f"the settings file names a state at `{cut(host)}`, and anyone may have written that",
        hint=f"if it is meant, set {HOST} to that host; or name the state with `--state` or RECONCILER_STATE",
    )


def is_loopback(host: str) -> bool:
    """Return whether *host* is this machine, so that nobody else can listen."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
