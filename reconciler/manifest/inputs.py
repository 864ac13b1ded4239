"""What a run gives its manifests from outside: values of variables, and variables of the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from reconciler.errors import UsageError

VARIABLE_PREFIX: Final = "RECONCILER_VAR_"
_NEVER: Final = ("TWILIO_", "RECONCILER_")
TAKEN: Final = "FILE"
"""The variable that none can be called: RECONCILER_VAR_FILE stands for `--var-file`."""
NEVER_ALLOWED: Final = "names that start with `TWILIO_` or `RECONCILER_` are never given to manifests"


class Inputs(Struct, frozen=True):
    """Values from outside; what stands further down wins.

    *environ* is looked at for `RECONCILER_VAR_name` and for the names in *allowed_env*, whose values are
    sensitive. *files* are YAML or JSON mappings, *assignments* texts `NAME=VALUE`; of several the last wins.
    *values* are what they are, such as a number for a variable of that type.
    """

    environ: Mapping[str, str] = {}
    files: tuple[Path, ...] = ()
    assignments: tuple[str, ...] = ()
    allowed_env: tuple[str, ...] = ()
    values: Mapping[str, Any] = {}

    def __post_init__(self) -> None:
        for name in self.allowed_env:
            if is_reserved(name):
                raise UsageError(f"`--allow-env {name}` is refused: {NEVER_ALLOWED}")

    def allowed_environ(self) -> dict[str, str]:
        """Return the environment variables that manifests may refer to, as far as they are set."""
        return {name: self.environ[name] for name in self.allowed_env if name in self.environ}


def is_reserved(name: str) -> bool:
    """Return whether no manifest may ever refer to the environment variable *name*."""
    return name.upper().startswith(_NEVER)
