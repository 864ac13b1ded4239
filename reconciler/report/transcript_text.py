"""Live conversations for a terminal, as bubbles, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.chat.layout import day, time_of_day
from reconciler.chat.values import Bubble, Chat
from reconciler.report.transcript import Live, chat_of, summary
from reconciler.text import inert
from reconciler.text.cells import width

_LEAST: Final = 20
"""Cells that the text of a bubble has at least."""
_FRAME: Final = 4
"""Cells of the border of a bubble, and the blanks inside it."""
_SHARE: Final = 0.8
"""The part of the width that a bubble takes at most."""


def transcript_text(found: Sequence[Live], *, columns: int, attributes: bool = False) -> str:
    """Return the conversations as bubbles on at most *columns* cells, with *attributes* if asked for."""
    lines: list[str] = []
    for one in found:
        shown = chat_of(one)
        lines += [f"{inert.escape(shown.title)}: {inert.escape(shown.subtitle)}"]
        if shown.people:
            lines.append("with " + ", ".join(inert.escape(person.name) for person in shown.people))
        lines.append("")
        last = ""
        for bubble in _bubbles(shown):
            if (today := day(bubble.instant)) and today != last:
                lines += [today.center(columns).rstrip(), ""]
                last = today
            lines += _box(bubble, columns, attributes=attributes)
        lines.append("")
    return "\n".join(lines)


def transcript_markdown(found: Sequence[Live], *, attributes: bool = False) -> str:
    """Return the conversations as Markdown, in which no text of others comes alive."""
    parts = ["# Transcript", summary(found)]
    for one in found:
        shown = chat_of(one)
        parts += [f"## {inert.code_span(shown.title)}", inert.code_span(shown.subtitle)]
        for bubble in _bubbles(shown):
            when = f", {day(bubble.instant)}, {time_of_day(bubble.instant)}" if day(bubble.instant) else ""
            parts.append(f"{inert.code_span(bubble.author)}{when}")
            lines = [text for part in _texts(bubble, attributes=attributes) for text in inert.lines(part)]
            parts += [inert.fence("\n".join(lines), "text")] if lines else []
    return "\n\n".join(parts) + "\n"


def _bubbles(shown: Chat) -> Iterator[Bubble]:
    return (bubble for run in shown.runs for bubble in run.bubbles)


def _texts(bubble: Bubble, *, attributes: bool) -> Iterator[str]:
    """Yield the parts of a message: its text, its files, and further fields if asked for."""
    if bubble.body:
        yield "".join(one.text for one in bubble.body)
    yield from (f"[{' '.join(filter(None, (one.name, one.detail)))}]" for one in bubble.media)
    if attributes:
        yield from (f"{one.name}: {one.value}" for one in bubble.fields)


def _box(bubble: Bubble, columns: int, *, attributes: bool) -> Iterator[str]:
    """Yield the lines of a bubble with its border; its side is as on a page."""
    most = max(_LEAST, int(columns * _SHARE) - _FRAME)
    head = " ".join(filter(None, (inert.escape(bubble.author), time_of_day(bubble.instant))))
    lines = [
        line
        for text in (head, *_texts(bubble, attributes=attributes))
        for part in text.split("\n")
        for line in _wrapped(inert.escape(part), most)
    ]
    inside = max(map(width, lines), default=0)
    indent = " " * max(0, columns - inside - _FRAME) if bubble.own else ""
    yield f"{indent}╭{'─' * (inside + 2)}╮"
    for line in lines:
        yield f"{indent}│ {line}{' ' * (inside - width(line))} │"
    yield f"{indent}╰{'─' * (inside + 2)}╯"


def _wrapped(text: str, most: int) -> Iterator[str]:
    """Yield *text* in lines of at most *most* cells, broken between words where that is possible."""
    line = ""
    for word in text.split(" "):
        if line and width(line) + 1 + width(word) > most:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
        while width(line) > most:
            fits = _fitting(line, most)
            yield line[:fits]
            line = line[fits:]
    yield line


def _fitting(text: str, most: int) -> int:
    """Return how many characters at the beginning of *text* take at most *most* cells, one at least."""
    used = 0
    for at, character in enumerate(text):
        used += width(character)
        if used > most:
            return max(1, at)
    return len(text)
