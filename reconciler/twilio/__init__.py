"""The client of the Twilio Conversations API."""

import sys

# httpx imports its own command line wherever what that needs is installed: half of its import time. An
# entry of None says that there is no such module, which httpx is prepared for.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
