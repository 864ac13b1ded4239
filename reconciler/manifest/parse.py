"""Parse one file: from its bytes to its content and its problems. No other file is read.

A file without mistakes is parsed fast. A file with mistakes is parsed again by `diagnose`, which is slower
and is imported only then.
"""

from __future__ import annotations

from msgspec.structs import replace
from pydantic_core import ValidationError

from reconciler.manifest.build.services import Builder
from reconciler.manifest.content import FileContent, Parsed
from reconciler.manifest.schema.validators import validate_manifest
from reconciler.manifest.unexpanded import OPENING, Unexpanded, needs_expansion
from reconciler.manifest.yaml.reader import Irregular, read
from reconciler.runtime.text_file import NotText, as_utf8


def parse(data: bytes, path: str) -> Parsed:
    """Return the content and the problems of the manifest *data*, whose file the user named *path*."""
    parsed = parse_sound(data, path)
    if parsed is None:
        from reconciler.manifest.diagnose import diagnose  # noqa: PLC0415 - only mistakes need it

        parsed = diagnose(data, path)
    elif parsed.loses_digits:
        from reconciler.manifest.doubts import doubts_of  # noqa: PLC0415 - few manifests need it

        parsed = replace(parsed, content=replace(parsed.content, doubts=doubts_of(data, path)))
    return parsed


def parse_sound(data: bytes, path: str) -> Parsed | None:
    """Return the content of the manifest *data*, or None if it has a mistake."""
    try:
        data = as_utf8(data)
        document = read(data)
        validate_manifest(document.value)
    except (NotText, Irregular, ValidationError):
        return None
    refers = b"$" in data and OPENING.encode() in data  # one byte is found much faster than two
    if needs_expansion(document.value, refers=refers):
        unexpanded = Unexpanded(path, document.value, document.line_of)
        return Parsed(FileContent(path), unexpanded=unexpanded, loses_digits=document.loses_digits)
    builder = Builder(path, document.line_of)
    content = builder.content(document.value)
    return None if builder.found else Parsed(content, loses_digits=document.loses_digits)
