"""One file: from its bytes to its content and its problems. No other file is looked at.

A file without a mistake is read the fast way. One with a mistake is read again by `diagnose`, which
start-up is spared.
"""

from __future__ import annotations

from msgspec.structs import replace
from pydantic_core import ValidationError

from reconciler.manifest.build.services import Builder
from reconciler.manifest.content import OPENING, FileContent, Parsed, Written, says_more
from reconciler.manifest.schema.manifest import VALIDATOR
from reconciler.manifest.yaml.reader import Irregular, read
from reconciler.runtime.text_file import NotText, as_utf8


def parse(data: bytes, path: str) -> Parsed:
    """Return the content and the problems of the manifest *data*, which the user calls *path*."""
    parsed = understood(data, path)
    if parsed is None:
        from reconciler.manifest.diagnose import diagnose  # noqa: PLC0415 - only mistakes need it

        parsed = diagnose(data, path)
    elif parsed.loses_digits:
        from reconciler.manifest.doubts import doubts_of  # noqa: PLC0415 - few manifests need it

        parsed = replace(parsed, content=replace(parsed.content, doubts=doubts_of(data, path)))
    return parsed


def understood(data: bytes, path: str) -> Parsed | None:
    """Return the content of the manifest *data*, or None if it has a mistake."""
    try:
        data = as_utf8(data)
        document = read(data)
        VALIDATOR.validate_python(document.value)
    except (NotText, Irregular, ValidationError):
        return None
    if says_more(document.value, refers=OPENING.encode() in data):
        written = Written(path, document.value, document.line_of)
        return Parsed(FileContent(path), written=written, loses_digits=document.loses_digits)
    builder = Builder(path, document.line_of)
    content = builder.content(document.value)
    return None if builder.found else Parsed(content, loses_digits=document.loses_digits)
