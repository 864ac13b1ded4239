"""The parsers that judge what came out of the hostile corpus.

Each `…_come(s)_alive` function returns what a format let through, as texts; an empty list is the claim.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pyte
from markdown_it import MarkdownIt
from markdown_it.token import Token
from ruamel.yaml import YAML

_STACK = 4
"""Combining marks in a row that are too many."""
_OUR_HTML = re.compile(r"<!-- reconciler:\S+ \S* -->|<details><summary>[A-Z][a-z]+</summary>|</details>")
_LIVE_TEXT = re.compile(r"@\w|#\d|GH-\d|https?:|www\.|mailto:|\b[0-9a-f]{40}\b|\$\(|:tada:", re.IGNORECASE)
_POSES = re.compile(r"^ *(# .* (will be|must be|has moved)\b.*|Plan: .*|No changes\..*|Apply .*|error: .*)$")


def characters_come_alive(output: str) -> list[str]:
    """Return the characters that a reader cannot see, or that act on what shows them."""
    found = [
        f"{character!a} in {line!a}"
        for line in output.split("\n")
        if not (line.isascii() and line.isprintable())
        for character in line
        if _acts(character)
    ]
    run = 0
    for character in output:
        run = run + 1 if unicodedata.combining(character) else 0
        if run == _STACK:
            found.append(f"a stack of {run} marks")
    return found


def _acts(character: str) -> bool:
    if character == " ":
        return False
    name = unicodedata.name(character, "")
    return (
        unicodedata.category(character) in {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"}
        or any(word in name for word in ("VARIATION SELECTOR", "FILLER", "JOINER", "BLANK", "INHERENT"))
        or name == "MUSICAL SYMBOL NULL NOTEHEAD"
    )


def terminal_comes_alive(output: str) -> list[str]:
    """Return what a terminal does other than showing the lines one below the other."""
    lines = [unicodedata.normalize("NFC", line.rstrip()) for line in output.split("\n")]
    screen = pyte.Screen(max(map(len, lines)) * 2 + 1, len(lines))
    stream = pyte.Stream(screen)
    modes, found = set(screen.mode), []
    stream.feed(output.replace("\n", "\r\n"))
    for number, line in enumerate(lines):
        cells = screen.buffer[number]
        row = "".join(cells[column].data for column in sorted(cells)).rstrip()
        if unicodedata.normalize("NFC", row) != line:
            found.append(f"row {number} is {row!a}, not {line!a}")
    if (screen.title, screen.icon_name) != ("", ""):
        found.append(f"title {screen.title!r}")
    if screen.cursor.y != len(lines) - 1:
        found.append(f"cursor in row {screen.cursor.y}")
    if set(screen.mode) != modes:
        found.append("modes")
    return found


def runner_comes_alive(output: str) -> list[str]:
    """Return the lines that GitHub's, Azure's or TeamCity's runner takes for commands.

    As in `ActionCommand.cs`: `::` counts after any leading blanks, `##[` wherever it stands.
    """
    return [line for line in re.split(r"\r\n|\r|\n", output) if _is_command(line)]


def _is_command(line: str) -> bool:
    trimmed = line.lstrip()
    if trimmed.startswith("::") and "::" in trimmed[2:]:
        return True
    return any(
        (start := line.find(opening)) >= 0 and "]" in line[start:]
        for opening in ("##[", "##vso[", "##teamcity[")
    )


def poses_of(output: str) -> list[str]:
    """Return the lines that tools such as tfcmt and Atlantis read."""
    return [line for line in output.split("\n") if _POSES.match(line)]


def markdown_comes_alive(comment: str, benign: str) -> list[str]:
    """Return what of *comment* is more than code, or shaped unlike *benign*, the same without hostility."""
    tokens, expected = _parsed(comment), _parsed(benign)
    found = []
    if _shape(tokens) != _shape(expected):
        found.append("the structure differs")
    for token in _flat(tokens):
        if token.type in {"html_block", "html_inline"}:
            found += [line for line in token.content.split("\n") if line and not _OUR_HTML.fullmatch(line)]
        elif token.type in {"link_open", "image"}:
            found.append(f"{token.type} {token.attrs}")
        elif token.type == "text" and _LIVE_TEXT.search(token.content):
            found.append(token.content)
    return found


def _parsed(comment: str) -> list[Token]:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return parser.parse(comment)


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()


def _shape(tokens: list[Token]) -> list[str]:
    return [token.type for token in _flat(tokens)]


def json_comes_alive(output: bytes, text: str) -> list[str]:
    """Return what is wrong with the JSON documents made of *text*: bytes that act, or another value."""
    found = [ascii(chr(byte)) for byte in output if byte != 0x0A and not 0x20 <= byte < 0x7F]
    plan, outcome, transcript = (json.loads(line) for line in output.splitlines())
    message = transcript["conversations"][0]["messages"][0]
    if (message["body"], message["author"]) != (text, text):
        found.append("a live body or author differs")
    after = plan["resource_changes"][0]["change"]["after"]
    if (after["body"], after["author"]) != (text, text):
        found.append("body or author differs")
    if parsed_attributes(after["attributes"]) != {text: text, "list": [text]}:
        found.append("attributes differ")
    if [field["after"] for field in plan["resource_changes"][1]["fields"]][-1] != text:
        found.append("field differs")
    if (plan["warnings"][0]["text"], outcome["results"][0]["error"]["text"]) != (text, text):
        found.append("warning or error differs")
    return found


def parsed_attributes(value: Any) -> Any:
    """Return attributes as a value; those that hold half a surrogate pair stay the text that they were."""
    return json.loads(value) if isinstance(value, str) else value


def cells_come_alive(table: str) -> list[str]:
    """Return the last cells of an outcome's table that a spreadsheet would take for formulas."""
    rows = [row for row in table.split("\n") if row.startswith(("  failed", "  unknown"))]
    cells = [re.split(r"  +", row.strip())[-1] for row in rows]
    return [cell for cell in cells if unicodedata.normalize("NFKC", cell)[0] in "=+-@"]


def events_come_alive(stream: bytes, benign: bytes) -> list[str]:
    """Return what differs between the kinds of events of *stream* and of the same without hostility."""
    kinds, expected = ([json.loads(line)["type"] for line in one.splitlines()] for one in (stream, benign))
    return [] if kinds == expected else [f"events {kinds}"]


def annotations_come_alive(lines: list[str], shown: str) -> list[str]:
    """Return the annotations that the runner would read as anything else than one about *shown*.

    As in `ActionCommand.cs`: properties end at the first `::`, and what is escaped comes back afterwards.
    """
    found = []
    for line in lines:
        command, _, data = line.removeprefix("::").partition("::")
        level, _, rest = command.partition(" ")
        properties = dict(pair.partition("=")[::2] for pair in rest.split(",")) if rest else {}
        values = {_decoded(value) for name, value in properties.items() if name in {"file", "title"}}
        if characters_come_alive(line) or runner_comes_alive(line) != [line] or not line.startswith("::"):
            found.append(line)
        if level not in {"error", "warning"} or not properties.keys() <= {"file", "line", "col", "title"}:
            found.append(command)
        if not values <= {shown, "support/order", ""} or shown not in _decoded(data).split("\n")[0]:
            found.append(f"{values} {_decoded(data)}")
    return found


def _decoded(text: str) -> str:
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


def fence_comes_alive(block: str, content: str) -> list[str]:
    """Return what a Markdown parser finds in a fenced *block* beside the *content*."""
    first, *rest = MarkdownIt("commonmark").parse(block)
    return [] if (first.content, rest) == (content + "\n", []) else [first.content, *map(str, rest)]


def manifest_comes_alive(text: str, bodies: dict[str, str | None]) -> list[str]:
    """Return the keys whose bodies a YAML reader finds to be other than these *bodies*."""
    service = YAML(typ="safe", pure=True).load(text)["services"]["support"]
    messages = service["conversations"]["order"].get("messages", [])
    found = {one["key"]: one["body"] for one in messages}
    return [] if {key: body.replace("$${", "${") for key, body in found.items()} == bodies else [text]
