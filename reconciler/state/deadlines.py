"""Time limits that the client of the API and the leases of the state agree on, in seconds."""

from typing import Final

REQUEST_SECONDS: Final = 60.0
"""The hard limit of one whole request that changes something at Twilio, waiting for a connection included.

The design calls it D: a lease must outlive every request that is sent under it.
"""
SETTLE_SECONDS: Final = 10.0
"""The settle window of commands that have no `--settle`."""
