"""Services that are created for one test. Their names hold its workspace, a date and the process.

So these services can be recognised in a listing, and those of a killed process can be swept.
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
"""The most characters in the friendly name of a service."""


_LABEL: Final = re.compile(
    rf" \[reconciler (?P<workspace>{WORKSPACE.pattern})"
    r" (?P<made_at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) (?P<maker>[a-z0-9-]{1,64})\.(?P<number>\d+)\]",
    re.ASCII,
)


class Label(Struct, frozen=True):
    """The label at the end of the name of a throw-away service."""

    workspace: str
    made_at: str
    maker: str
    number: int

    def __str__(self) -> str:
        return f" [reconciler {self.workspace} {self.made_at} {self.maker}.{self.number}]"

    @classmethod
    def of(cls, friendly_name: str | None) -> Self | None:
        """Return the label at the end of a friendly name, or None."""
        name = friendly_name or ""
        found = _LABEL.fullmatch(name, max(name.rfind(" [reconciler "), 0))
        if found is None:
            return None
        return cls(found["workspace"], found["made_at"], found["maker"], int(found["number"]))


def check_workspace(name: str) -> str:
    """Return *name*; raises UsageError unless it can be part of a label."""
    if not WORKSPACE.fullmatch(name):
        raise UsageError(
            "the name of a workspace is up to 64 letters, digits, `.`, `_` and `-`, a letter or digit first",
            hint="for example `checkout-tests`",
        )
    return name


def throw_away(desired: Desired, label: Label, *, allow_existing: bool) -> Desired:
    """Return *desired* with every service replaced by a new one whose name ends with *label*.

    Raises UsageError for a service that exists already, as it must not be deleted after the test. With
    *allow_existing* such a service is left as it is.
    """
    services = []
    for service in desired.services:
        if not exists_already(service):
            services.append(_labelled(service, label))
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
    """Return whether a manifest names a service that exists, so that no apply creates it."""
    return service.sid is not None or service.default


def _labelled(service: Service, label: Label) -> Service:
    suffix = str(label)
    name = service.friendly_name or service.name
    return replace(service, friendly_name=name[: _NAME_LENGTH - len(suffix)] + suffix)
