"""The hostile corpus, what it is replayed through, and the parsers that judge what came out.

Each `…_comes_alive` function returns what a format let through, as texts; an empty list is the claim.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pyte
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.errors import ManifestError, Problem, RemoteError
from reconciler.model import Conversation, Desired, MediaFile, Service
from reconciler.plan.actions import (
    Action,
    FieldChange,
    Outcome,
    Parent,
    Plan,
    PlanWarning,
    Reason,
    Refusal,
    Result,
    Status,
    Verb,
)
from reconciler.report.errors import render_error
from reconciler.report.github import plan_annotations, problem_annotations
from reconciler.report.json import encode, outcome_document, plan_document
from reconciler.report.jsonl import EventStream
from reconciler.report.markdown import outcome_markdown, plan_markdown
from reconciler.report.outcome import render_outcome
from reconciler.report.progress import LineProgress, StatusProgress
from reconciler.report.text import render_plan
from reconciler.report.values import Bodies
from reconciler.state.model import Intent

CORPUS: dict[str, list[str]] = json.loads(
    (Path(__file__).parent.parent / "corpus" / "hostile.json").read_text("utf-8")
)
CONVERSATION = "support/order-4711"
_SHA = "ab" * 32
_STACK = 4
"""Combining marks in a row that are too many."""
_OUR_HTML = re.compile(r"<!-- reconciler:\S+ \S* -->|<details><summary>[A-Z][a-z]+</summary>|</details>")
_LIVE_TEXT = re.compile(r"@\w|#\d|GH-\d|https?:|www\.|mailto:|\b[0-9a-f]{40}\b|\$\(|:tada:", re.IGNORECASE)
_POSES = re.compile(r"^ *(# .* (will be|must be|has moved)\b.*|Plan: .*|No changes\..*|Apply .*|error: .*)$")


def plan_of(text: str) -> Plan:
    """Return a plan in which a stranger wrote *text* wherever strangers write."""
    attributes = json.dumps({text: text, "list": [text]})
    fields = {"author": text, "body": text, "attributes": attributes, "subject": text}
    named = f"{CONVERSATION}/{text.replace('/', '_')}"
    return Plan(
        actions=(
            Action(f"{CONVERSATION}/new", Verb.CREATE, Reason.NOT_IN_STATE, after=fields),
            Action(
                f"{CONVERSATION}/edited",
                Verb.UPDATE,
                Reason.DRIFTED,
                sid=text,
                before=fields,
                after={**fields, "body": text + "!"},
                changes=(
                    FieldChange(("attributes", text), text, text + "!"),
                    FieldChange(("attributes", "list"), [text], {text: [text]}),
                    FieldChange(("author",), text, None),
                    FieldChange(("body",), f"first\n{text}", f"first\n{text}!"),
                    FieldChange(("subject",), None, text),
                ),
            ),
            Action(
                f"{CONVERSATION}/photo",
                Verb.REPLACE,
                Reason.IMMUTABLE_FIELD,
                sid="IM2",
                after={"media": _SHA},
                changes=(FieldChange(("media",), None, _SHA),),
                replace_paths=("media",),
                file=MediaFile("/photo", _SHA, 1, "image/png", text),
            ),
            Action(named, Verb.DELETE, Reason.UNMANAGED, sid="IM3", before=fields),
        ),
        parents=(Parent(CONVERSATION, text, found=True),),
        settlements=((Intent(named), text),),
        warnings=(PlanWarning("delivers_externally", named, text),),
        refusals=(Refusal("max_delete", text, text),),
    )


def outcome_of(text: str) -> Outcome:
    """Return an outcome in which the server answered with *text*."""
    return Outcome(
        results=(
            Result(f"{CONVERSATION}/a", Verb.CREATE, Status.FAILED, kind="remote", text=text),
            Result(text, Verb.UPDATE, Status.UNKNOWN, text, text=text),
        ),
        warnings=(PlanWarning("rewritten_by_server", text, text),),
    )


def logs_of(text: str) -> dict[str, str]:
    """Return what a terminal or the log of a CI run shows, by the name of the format."""
    plan, outcome = plan_of(text), outcome_of(text)
    lines, status = StringIO(), StringIO()
    for progress in (LineProgress(lines), StatusProgress(status, total=2)):
        for result in outcome.results:
            progress.finished(result)
    problem = Problem(text, 3, 7, text, snippet=text, hint=text)
    return {
        "text": render_plan(plan, bodies=Bodies.FULL),
        "text short": render_plan(plan),
        "outcome": render_outcome(outcome),
        "error": render_error(RemoteError(text, hint=text)),
        "problem": render_error(ManifestError((problem,))),
        "progress": lines.getvalue(),
        "status": status.getvalue().replace("\r\x1b[K", "\n"),
        "markdown": plan_markdown(plan) + outcome_markdown(outcome),
        "json": documents_of(text).decode(),
        "jsonl": events_of(text).decode(),
    }


def comments_of(text: str) -> list[str]:
    """Return the Markdown comments."""
    return [plan_markdown(plan_of(text), bodies=Bodies.FULL), outcome_markdown(outcome_of(text))]


def documents_of(text: str) -> bytes:
    """Return the JSON documents, one a line."""
    plan = plan_document(plan_of(text), timestamp="2026-01-05T09:00:00Z", version="1")
    return encode(plan) + encode(outcome_document(outcome_of(text)))


def events_of(text: str) -> bytes:
    """Return the event stream of a plan and its apply."""
    stream = BytesIO()
    events = EventStream(stream, version="1", timestamp=lambda: "2026-01-05T09:00:00Z", seconds=lambda: 0.0)
    events.plan(plan_of(text))
    for result in outcome_of(text).results:
        events.finished(result)
    events.outcome(outcome_of(text))
    return stream.getvalue()


def annotations_of(text: str) -> list[str]:
    """Return the GitHub annotations for a problem, a warning and a refusal."""
    desired = Desired((Service("support", text, 1, conversations=(Conversation("order", text, 2),)),), "")
    plan = Plan(
        (), warnings=(PlanWarning(text, "support/order", text),), refusals=(Refusal(text, text, text),)
    )
    error = ManifestError((Problem(text, 3, 7, text, hint=text),))
    return [*problem_annotations(error), *plan_annotations(plan, desired)]


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
    plan, outcome = (json.loads(line) for line in output.splitlines())
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
