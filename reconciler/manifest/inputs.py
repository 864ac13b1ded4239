"""Values that a run gives its manifests: of variables, and of the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.manifest.limits import Limits

VARIABLE_PREFIX: Final = "RECONCILER_VAR_"
_NEVER: Final = ("TWILIO_", "RECONCILER_")
TAKEN: Final = "FILE"
"""A name that no variable can have: RECONCILER_VAR_FILE is the environment variable of `--var-file`."""
NEVER_ALLOWED: Final = "names that start with `TWILIO_` or `RECONCILER_` are never given to manifests"


class Given(Struct, frozen=True):
    """Values of variables in a settings file."""

    path: str
    """The file, as the user named it."""
    values: Mapping[str, Any]
    """By name."""
    positions: Mapping[str, tuple[int, int]]
    """Line and column, both from 1, by name."""


Layer: TypeAlias = Path | Given
"""Values that others may replace: a YAML or JSON file, or those of a settings file."""


class Inputs(Struct, frozen=True):
    """Values from outside.

    Where several give one variable a value, *defaults* yield to the others, and of those the later field here
    wins. Mappings are merged.
    """

    environ: Mapping[str, str] = {}
    """The environment. Only `RECONCILER_VAR_name` and the names in *allowed_env* are read."""
    files: tuple[Path, ...] = ()
    """YAML or JSON mappings of values (`--var-file`); the last one wins."""
    assignments: tuple[str, ...] = ()
    """Texts `NAME=VALUE` (`--var`); the last one wins."""
    allowed_env: tuple[str, ...] = ()
    """Environment variables that manifests may refer to (`--allow-env`); their values are sensitive."""
    values: Mapping[str, Any] = {}
    """Python values of variables by name, each of the variable's type."""
    limits: Limits = Limits()
    defaults: tuple[Layer, ...] = ()
    """Values of a settings file; the last one wins."""
    settings_file: Path | None = None
    """The settings file, which is not read as a manifest, whatever its name is."""

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
        """Return the environment variables that manifests may refer to, and that are set."""
        return {name: self.environ[name] for name in self.allowed_env if name in self.environ}


def _require_text(value: Any, what: str) -> None:
    """Raise UsageError if *value* holds a text that UTF-8 cannot encode, as stray bytes of a shell give."""
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise UsageError(f"{what} is not UTF-8", hint="write it in UTF-8") from None
    except TypeError:
        pass  # the type is checked where the value is used


def is_reserved(name: str) -> bool:
    """Return whether no manifest may ever refer to the environment variable *name*."""
    return name.upper().startswith(_NEVER)
