"""Many manifests at once: processes read some of them each, and hand back as bytes what they say.

Nothing depends on a process: what it does not hand back, as the file has a mistake or the process
died, the caller reads itself.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any

import msgspec

from reconciler.manifest.content import FileContent, Parsed, Written, containers, share_texts
from reconciler.manifest.parse import understood
from reconciler.manifest.yaml import light_events as events
from reconciler.manifest.yaml.reader import Document


class _Said(msgspec.Struct, array_like=True):
    """A file without a mistake; of one that means more than it says, its *value* and *lines*."""

    content: FileContent
    value: Any = None
    lines: list[int] = []
    """Those of the containers in *value*, in the order of `containers`."""


def read_apart(files: Mapping[str, bytes], processes: int) -> dict[str, Parsed]:
    """Return what those of *files* (bytes by path) say that so many forked *processes* could tell."""
    started: dict[Connection, ForkProcess] = {}
    parsed: dict[str, Parsed] = {}
    try:
        with _interrupts_held_back(), suppress(OSError):  # no more processes: fewer will do
            for share in _shared_out(files, processes):
                _start(share, started)
        waiting = set(started)
        while waiting:
            for connection in waiting.intersection(wait(waiting)):
                try:
                    one = heard(connection.recv_bytes())
                except (EOFError, OSError):  # it is done, or died
                    waiting.remove(connection)
                else:
                    parsed[one.content.path] = one
    except BaseException:
        for process in started.values():
            process.terminate()
        raise
    finally:
        for connection, process in started.items():
            connection.close()
            process.join()
    return parsed


def _shared_out(files: Mapping[str, bytes], processes: int) -> list[dict[str, bytes]]:
    """Return *files* in at most so many shares of about the same size."""
    shares: list[dict[str, bytes]] = [{} for _ in range(min(processes, len(files)))]
    sizes = [0] * len(shares)
    for path in sorted(files, key=lambda path: -len(files[path])):
        least = sizes.index(min(sizes))
        shares[least][path] = files[path]
        sizes[least] += len(files[path])
    return shares


def _start(share: Mapping[str, bytes], started: dict[Connection, ForkProcess]) -> None:
    context = get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    with theirs:  # the process has its own; the end of that one is the end of what it says
        process = context.Process(target=_run, args=(share, theirs, [*started, ours]), daemon=True)
        process.start()
    started[ours] = process


def _run(share: Mapping[str, bytes], to: Connection, inherited: list[Connection]) -> None:
    for connection in inherited:
        connection.close()  # or nobody who writes would ever notice that the caller is gone
    events.take_over()
    with suppress(Exception):  # the caller reads what is left, and meets the same
        tell(share, to)


def tell(files: Mapping[str, bytes], to: Connection) -> None:
    """Say what those of *files* without a mistake say."""
    for path, data in files.items():
        parsed = understood(data, path)
        if parsed is not None and not parsed.loses_digits:  # that needs the places, and other events
            to.send_bytes(_spoken(parsed))


def _spoken(parsed: Parsed) -> bytes:
    written = parsed.written
    if written is None:
        said = _Said(parsed.content)
    else:
        lines = [written.line_of(container) for _, container in containers(written.value)]
        said = _Said(parsed.content, written.value, lines)
    return msgspec.msgpack.encode(said)


def heard(data: bytes) -> Parsed:
    """Return what `tell` said in *data*."""
    said = msgspec.msgpack.decode(data, type=_Said)
    if said.value is None:
        share_texts(said.content)
        return Parsed(said.content)
    found = zip(containers(said.value), said.lines, strict=True)
    document = Document(said.value, {id(container): line for (_, container), line in found})
    return Parsed(said.content, written=Written(said.content.path, said.value, document.line_of))


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let processes be started that no Ctrl-C reaches: it is the caller who ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
