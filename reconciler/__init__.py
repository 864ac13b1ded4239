"""Keep the messages of Twilio Conversations as code.

`reconciler.api` plans and applies from Python (`plan` and `apply` in here are packages),
`reconciler.testing` and the pytest plugin give tests the same conversations each time, and
`reconciler.errors` are the errors of all of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import ModuleType

    from reconciler import api as api
    from reconciler import errors as errors
    from reconciler import testing as testing

__version__ = "0.1.0"

_PUBLIC: Final = frozenset({"api", "errors", "testing"})


def __getattr__(name: str) -> ModuleType:
    """Import a public module when it is asked for: `import reconciler` alone stays cheap."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
