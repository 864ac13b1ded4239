"""What all tests share. Only this file may name plugins: pytest asks for them before it collects."""

import signal

import httpcore  # noqa: F401  # httpx asks for it late: a test run inside a test would take it away again
from hypothesis import settings

pytest_plugins = ["pytester"]

# A busy machine is no failure: nothing here is timed, and a failure prints what makes it again.
settings.register_profile("reconciler", deadline=None, print_blob=True)
settings.load_profile("reconciler")

# Processes that a shell starts in the background ignore SIGINT, and so do theirs: tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
