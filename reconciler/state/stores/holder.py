"""Who holds a lock: a name for messages to whoever waits. Nothing relies on it."""

from __future__ import annotations

import getpass
import os
import platform
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from reconciler.model.canonical import canonical_instant

_SHOWN = 200


class Holder(Struct, frozen=True):
    """Who holds a lock. Its texts, as `this_process` makes them, can be stored: they are valid Unicode."""

    who: str
    """`user@host`."""
    pid: int
    """The id of its process."""
    command: str
    """The name of the command, without arguments, which could hold secrets."""
    since: str
    """In whole seconds of UTC."""
    run: str = ""
    """The address of the CI run; empty outside CI."""

    def __str__(self) -> str:
        run = f", CI run {_inert(self.run)}" if self.run else ""
        return (
            f"{_inert(self.who)} (`{_inert(self.command)}`, pid {self.pid}) since {_inert(self.since)}{run}"
        )


def this_process(command: str, environ: Mapping[str, str], now: datetime) -> Holder:
    """Return this process as a holder; *environ* names the CI run.

    What is not printable is escaped: names of users, hosts and CI runs may be bytes that are not UTF-8.
    """
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # in a container, a user id need have no name
        user = str(os.getuid())
    return Holder(
        who=_printable(f"{user}@{platform.node()}"),
        pid=os.getpid(),
        command=command,
        since=canonical_instant(now),
        run=_printable(_ci_run(environ)),
    )


def _ci_run(environ: Mapping[str, str]) -> str:
    """Return the address of the CI run, by the variables of GitHub, GitLab, Jenkins and others."""
    if run := environ.get("GITHUB_RUN_ID"):
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        return f"{server}/{environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{run}"
    names = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL")
    return next((environ[name] for name in names if environ.get(name)), "")


def _inert(text: str) -> str:
    """Return *text*, which anyone may have written, cut and without control characters."""
    return _printable(text[:_SHOWN])


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
