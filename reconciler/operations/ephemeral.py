"""Services that are made for one test: their names say for whom, when, and by which process.

Whoever lists an account's services can tell them from all others, and sweep what a process that was
killed left behind.
"""

from __future__ import annotations

import re
from typing import Final, Self

from msgspec import Struct
from msgspec.structs import replace

from reconciler.errors import UsageError
from reconciler.model import Desired, Service

WORKSPACE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


DEFAULT_WORKSPACE: Final = "pytest"


_NAME_LENGTH: Final = 256
"""Characters of a service's friendly name."""


_MARK: Final = re.compile(
    rf" \[reconciler (?P<workspace>{WORKSPACE.pattern})"
    r" (?P<made_at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (?P<maker>[a-z0-9-]{1,64})\.(?P<number>\d+)\]",
    re.ASCII,
)


class Mark(Struct, frozen=True):
    """What the name of a throw-away service ends with.

    *workspace* names whose tests it is for, *maker* the process that made it, and *number* counts what
    that process made. *made_at* is in whole seconds of UTC.
    """

    workspace: str
    made_at: str
    maker: str
    number: int

    def __str__(self) -> str:
        return f" [reconciler {self.workspace} {self.made_at} {self.maker}.{self.number}]"

    @classmethod
    def of(cls, friendly_name: str | None) -> Self | None:
        """Return the mark that a friendly name ends with, or None."""
        name = friendly_name or ""
        found = _MARK.fullmatch(name, max(name.rfind(" [reconciler "), 0))
        if found is None:
            return None
        return cls(found["workspace"], found["made_at"], found["maker"], int(found["number"]))


def check_workspace(name: str) -> str:
    """Return *name*; raises UsageError unless it can stand in a mark."""
    if not WORKSPACE.fullmatch(name):
        raise UsageError(
            "the name of a workspace is up to 64 letters, digits, `.`, `_` and `-`, a letter or digit first",
            hint="for example `checkout-tests`",
        )
    return name


def throw_away(desired: Desired, mark: Mark, *, allow_existing: bool) -> Desired:
    """Return *desired* with every service replaced by a new one whose name ends with *mark*.

    A service that exists already cannot be thrown away: raises UsageError, unless *allow_existing*,
    which leaves it as it is.
    """
    services = []
    for service in desired.services:
        if not exists_already(service):
            services.append(_marked(service, mark))
        elif allow_existing:
            services.append(service)
        else:
            raise UsageError(
                f"service `{service.name}` ({service.path}:{service.line}) is not made for the test: "
                f"it is {service.sid or 'the default one of the account'}, and others would see the changes",
                hint="take out `sid:` or `default:`, so that each test gets a service of its own; "
                "or pass `allow_existing=True`",
            )
    return replace(desired, services=tuple(services))


def exists_already(service: Service) -> bool:
    """Return whether a manifest speaks of one certain service, that no apply ever creates."""
    return service.sid is not None or service.default


def _marked(service: Service, mark: Mark) -> Service:
    suffix = str(mark)
    name = service.friendly_name or service.name
    return replace(service, friendly_name=name[: _NAME_LENGTH - len(suffix)] + suffix)
