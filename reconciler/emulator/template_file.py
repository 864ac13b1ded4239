"""Read content templates from a file: a mapping of sids to texts, in YAML or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from reconciler.emulator.fields import is_sid
from reconciler.errors import UsageError
from reconciler.text.foreign import quoted

ANY: Final = "any"
"""In place of a file: every sid has a stand-in."""

_HINT: Final = 'write `HX0123456789abcdef0123456789abcdef: "Hello {{1}}"`, one line for each template'


def templates_of(setting: str | None) -> dict[str, str] | None:
    """Return the templates of a file or of no file, or None for `any`; raises UsageError."""
    if setting == ANY:
        return None
    return {} if setting is None else read_templates(Path(setting))


def read_templates(path: Path) -> dict[str, str]:
    """Return the texts by sid; raises UsageError for a file of another kind."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - slow to import
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    try:
        read: Any = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise UsageError(f"cannot read the templates in `{path}` ({quoted(error)})", hint=_HINT) from error
    return checked(read, f"`{path}`")


def checked(read: object, where: str) -> dict[str, str]:
    """Return *read*, texts by sid, which stand in *where*; raises UsageError for anything else."""
    if not isinstance(read, Mapping):
        raise UsageError(f"{where} is no mapping of templates", hint=_HINT)
    for sid, text in read.items():
        if not (isinstance(sid, str) and is_sid("HX", sid)):
            raise UsageError(f"`{str(sid)[:40]}` in {where} is no sid of a content template", hint=_HINT)
        if not isinstance(text, str):
            raise UsageError(f"the template `{sid}` in {where} is no text", hint=_HINT)
    return dict(read)
