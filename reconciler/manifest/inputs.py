"""What a run gives its manifests from outside: values of variables, and variables of the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.manifest.limits import Limits

VARIABLE_PREFIX: Final = "RECONCILER_VAR_"
_NEVER: Final = ("TWILIO_", "RECONCILER_")
TAKEN: Final = "FILE"
"""The variable that none can be called: RECONCILER_VAR_FILE stands for `--var-file`."""
NEVER_ALLOWED: Final = "names that start with `TWILIO_` or `RECONCILER_` are never given to manifests"


class Inputs(Struct, frozen=True):
    """Values from outside; what stands further down wins.

    *environ* is looked at for `RECONCILER_VAR_name` and for the names in *allowed_env*, whose values are
    sensitive. *files* are YAML or JSON mappings, *assignments* texts `NAME=VALUE`; of several the last wins.
    *values* are what they are, such as a number for a variable of that type. *limits* bound what is read
    and made.
    """

    environ: Mapping[str, str] = {}
    files: tuple[Path, ...] = ()
    assignments: tuple[str, ...] = ()
    allowed_env: tuple[str, ...] = ()
    values: Mapping[str, Any] = {}
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        for name in self.allowed_env:
            if is_reserved(name):
                raise UsageError(f"`--allow-env {name}` is refused: {NEVER_ALLOWED}")
        texts = {f"`--var {assignment.partition('=')[0]}`": assignment for assignment in self.assignments}
        for name, text in self.environ.items():
            is_value = name.startswith(VARIABLE_PREFIX) and name != VARIABLE_PREFIX + TAKEN
            if is_value or name in self.allowed_env:
                texts[f"the environment variable {name}"] = text
        for what, text in texts.items():
            _require_text(text, what)
        for name, value in self.values.items():
            _require_text(value, f"the value of variable `{name}`")

    def allowed_environ(self) -> dict[str, str]:
        """Return the environment variables that manifests may refer to, as far as they are set."""
        return {name: self.environ[name] for name in self.allowed_env if name in self.environ}


def _require_text(value: Any, what: str) -> None:
    """Raise UsageError if there is a text in *value* that UTF-8 cannot carry, as bytes of a shell may be."""
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise UsageError(f"{what} is not UTF-8", hint="write it in UTF-8") from None
    except TypeError:
        pass  # its type is complained about by whoever uses it


def is_reserved(name: str) -> bool:
    """Return whether no manifest may ever refer to the environment variable *name*."""
    return name.upper().startswith(_NEVER)
