"""Where a settings file may point: into its own folder, or to a state elsewhere by an address.

An address in the file may have been written by anyone who opens a pull request. What it may be and which
credentials go to it is decided where it is opened (`state.stores.opening`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.manifest.diagnostics.findings import Finding, Loc
from reconciler.state.stores.opening import is_address
from reconciler.text.words import cut

_PATHS: Final = ("manifests", "var_files", "state")
_PASSWORD: Final = re.compile(r"(?i)(^|&)[^=&]*(password|secret|token)[^=&]*=")


def several(value: Any) -> list[str]:
    """Return the texts of a setting that is one text or a list of some; others are left out."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def misplaced(root: Any, folder: Path) -> list[Finding]:
    """Return the paths in the settings *root* that leave *folder*, and addresses that hold a password.

    *root* may be of any shape: what has the wrong one is left out.
    """
    environments = root.get("environments") if isinstance(root, dict) else None
    homes: list[tuple[Loc, Any]] = [((), root)]
    if isinstance(environments, dict):
        homes += [(("environments", name), home) for name, home in environments.items()]
    return [one for at, home in homes if isinstance(home, dict) for one in _misplaced(home, at, folder)]


def _misplaced(home: dict[str, Any], at: Loc, folder: Path) -> Iterator[Finding]:
    for name in _PATHS:
        for text in several(home.get(name)):
            if name == "state" and is_address(text):
                yield from _password(text, (*at, name))
            else:
                yield from _outside(text, (*at, name), folder)


def _password(address: str, loc: Loc) -> Iterator[Finding]:
    if _holds_password(address):
        yield Finding(
            loc,
            "the address in `state` holds a password, and this file is for all to read",
            "take it out, and make a new one: the environment gives it to the commands",
            without_line=True,
        )


def _outside(text: str, loc: Loc, folder: Path) -> Iterator[Finding]:
    if not Path(os.path.realpath(folder / text)).is_relative_to(os.path.realpath(folder)):
        yield Finding(
            loc,
            f"`{cut(text)}` in `{loc[-1]}` is outside the folder of the settings file",
            "keep it below that folder, or name it on the command line",
        )


def _holds_password(address: str) -> bool:
    try:
        inner = urlsplit(address.removeprefix("git:"))  # what follows can be an address of its own
    except ValueError:
        return False  # it is no address, which is said where it is opened
    return inner.password is not None or _PASSWORD.search(inner.query) is not None
