"""Keep the messages of Twilio Conversations as code.

    import reconciler

    demo = reconciler.settings("emulator", state="demo.state.json")
    reconciler.apply(reconciler.load("manifests"), demo)

These functions are those of `reconciler.api`, which documents them. `reconciler.testing` and the pytest
plugin give each test the same conversations. `reconciler.errors` has the errors that all of them raise.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from reconciler._version import __version__ as __version__

if TYPE_CHECKING:
    from reconciler import api as api
    from reconciler import errors as errors
    from reconciler import testing as testing
    from reconciler.api import aapply as aapply
    from reconciler.api import adestroy as adestroy
    from reconciler.api import aplan as aplan
    from reconciler.api import apply as apply
    from reconciler.api import destroy as destroy
    from reconciler.api import load as load
    from reconciler.api import plan as plan
    from reconciler.api import settings as settings


_MODULES: Final = frozenset({"api", "errors", "testing"})
_FUNCTIONS: Final = frozenset({"aapply", "adestroy", "aplan", "apply", "destroy", "load", "plan", "settings"})


if not TYPE_CHECKING:  # hidden from type checkers, so that they report a misspelt name

    def __getattr__(name: str) -> Any:
        """Import what is public when it is asked for: `import reconciler` alone stays cheap."""
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name in _FUNCTIONS:
            return getattr(import_module(f"{__name__}.api"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
