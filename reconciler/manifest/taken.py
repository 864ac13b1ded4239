"""Parse files, by several processes where there are many, and tell where their relative paths begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.manifest.content import Parsed
from reconciler.manifest.diagnostics.findings import Loc

if TYPE_CHECKING:
    from reconciler.manifest.expansion.source_map import SourceMap

_WORTH_A_PROCESS: Final = 500_000
"""Bytes of manifests for each further process; with fewer, a process costs more time than it saves."""


def parsed_files(files: dict[str, bytes], processes: int) -> Iterator[tuple[str, Parsed]]:
    """Yield path and result of each of *files* (bytes by path), in their order.

    At most so many *processes* are forked.
    """
    if not files:
        return
    from reconciler.manifest.parse import parse  # noqa: PLC0415 - pydantic-core and ruamel.yaml

    replies: dict[str, Parsed] = {}
    processes = min(processes, sum(map(len, files.values())) // _WORTH_A_PROCESS)
    if processes > 1:
        from reconciler.manifest.workers import read_in_processes  # noqa: PLC0415 - seldom needed

        replies = read_in_processes(files, processes)
    for path, data in files.items():
        yield path, replies.get(path) or parse(data, path)


def folders_of(path: str, source_map: SourceMap | None) -> Callable[[Loc], Path]:
    """Return a function from a location in *path* to the folder that paths written there are relative to."""
    if source_map is None:
        return lambda _: Path(path).parent
    return lambda loc: Path(source_map.located(loc)[0]).parent
