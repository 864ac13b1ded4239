"""The client of the Twilio Conversations API."""

import sys

# httpx imports its command line if the packages for it are installed, which takes half of its import time. An
# entry of None makes that import fail, for which httpx is prepared.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
