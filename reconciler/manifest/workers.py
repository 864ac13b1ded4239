"""Parse many manifests in parallel: forked processes parse some each, and send the results back as bytes.

No result depends on a process. The caller parses every file that has no reply, as the file has a mistake or
its process died.
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

from reconciler.manifest.content import FileContent, Parsed, share_texts
from reconciler.manifest.parse import parse_sound
from reconciler.manifest.unexpanded import Unexpanded, containers
from reconciler.manifest.yaml import light_events as events
from reconciler.manifest.yaml.reader import Document


class _Reply(msgspec.Struct, array_like=True):
    """The result for one file without mistakes."""

    content: FileContent
    value: Any = None
    """The value of a manifest that needs expansion."""
    lines: list[int] = []
    """Lines of the containers in *value*, in the order of `containers`."""


def read_in_processes(files: Mapping[str, bytes], processes: int) -> dict[str, Parsed]:
    """Parse *files* (bytes by path) in *processes* forked processes; return the replies by path."""
    started: dict[Connection, ForkProcess] = {}
    parsed: dict[str, Parsed] = {}
    try:
        with _interrupts_blocked(), suppress(OSError):  # no more can be forked: fewer are enough
            for share in _shares(files, processes):
                _start(share, started)
        waiting = set(started)
        while waiting:
            for connection in waiting.intersection(wait(waiting)):
                try:
                    one = decode(connection.recv_bytes())
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


def _shares(files: Mapping[str, bytes], processes: int) -> list[dict[str, bytes]]:
    """Divide *files* among at most so many *processes*, by size."""
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
    with theirs:  # closed here, so that the process alone holds it: its exit ends the stream
        process = context.Process(target=_run, args=(share, theirs, [*started, ours]), daemon=True)
        process.start()
    started[ours] = process


def _run(share: Mapping[str, bytes], to: Connection, inherited: list[Connection]) -> None:
    for connection in inherited:
        connection.close()  # else a write would not fail when the caller is gone
    events.take_over()
    with suppress(Exception):  # the caller parses the rest, and meets the same error
        send_replies(share, to)


def send_replies(files: Mapping[str, bytes], to: Connection) -> None:
    """Parse *files* (bytes by path), and send a reply for each that has no mistake."""
    for path, data in files.items():
        parsed = parse_sound(data, path)
        if parsed is not None and not parsed.loses_digits:  # the caller needs positions for these doubts
            to.send_bytes(_encoded(parsed))


def _encoded(parsed: Parsed) -> bytes:
    reply = _Reply(parsed.content)
    if (unexpanded := parsed.unexpanded) is not None:
        lines = [unexpanded.line_of(container) for _, container in containers(unexpanded.value)]
        reply = _Reply(parsed.content, unexpanded.value, lines)
    return msgspec.msgpack.encode(reply)


def decode(data: bytes) -> Parsed:
    """Return the result in the reply *data*, which `send_replies` sent."""
    reply = msgspec.msgpack.decode(data, type=_Reply)
    if reply.value is None:
        share_texts(reply.content)
        return Parsed(reply.content)
    found = zip(containers(reply.value), reply.lines, strict=True)
    document = Document(reply.value, {id(container): line for (_, container), line in found})
    unexpanded = Unexpanded(reply.content.path, reply.value, document.line_of)
    return Parsed(reply.content, unexpanded=unexpanded)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block SIGINT inside the block; processes forked there inherit this, and only the caller ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
