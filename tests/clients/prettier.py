"""Prettier and `fmt` agree on every example, on what `export` writes, and on texts as people write them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from reconciler.errors import ReconcilerError
from reconciler.manifest.dump import dump
from reconciler.manifest.yaml.format import format_text
from reconciler.manifest.yaml.reader import Irregular
from reconciler.model import Conversation, Message, Service
from tests.clients.workshop import folder, npm, run
from tests.parts import ROOT
from tests.support.yaml_texts import CASES, MISREAD

_PRETTIER: Final = "prettier@3.10.1"
_APART: Final = {
    "comment on a bracket": "prettier moves the comment in front of the bracket",
    "comment inside a pair in brackets": "prettier indents what is in the brackets by six",
    "escaped blank": "prettier drops the blank behind the backslash",
    "block at the end of the file": "prettier adds a newline to the text",
}
"""Texts on which the two differ, and how. Examples and exports have nothing of the kind."""
_NOT_BACK: Final = {
    "comment at either end": "prettier moves a value below its key where a comment is indented deeper",
    "told indentation": "prettier makes what is no YAML of it",
}
"""Texts of which `fmt` changes what prettier writes."""


def run_prettier(_url: str) -> list[str]:
    """Format all texts with both, in both orders, and return where they differ."""
    texts = {**_examples(), **{name: before for name, (before, _) in CASES.items()}, "export": _export()}
    texts = {name: text for name, text in texts.items() if name not in _APART}
    made = folder("prettier")
    npm(made, _PRETTIER)
    ours = {name: format_text(text) for name, text in texts.items()}
    again = _prettier(made, ours)
    findings = [f"{name}: prettier changes what fmt wrote" for name in texts if again[name] != ours[name]]
    theirs = {name: text for name, text in _prettier(made, texts).items() if text is not None}
    back = {name: _formatted(text) for name, text in theirs.items() if name not in _NOT_BACK}
    findings += [f"{name}: fmt changes what prettier wrote" for name in back if back[name] != theirs[name]]
    known = {*_APART, *_NOT_BACK}
    findings += [f"{name} is no text" for name in sorted(known - CASES.keys())]
    sys.stdout.write(f"prettier {len(ours)} texts formatted by fmt first, {len(back)} by prettier first\n")
    return findings


def _examples() -> dict[str, str]:
    """Return the examples, without what is for other programs and has several documents."""
    files = sorted(path for path in (ROOT / "examples").rglob("*") if path.suffix in {".yaml", ".yml"})
    texts = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in files}
    return {name: text for name, text in texts.items() if "\n---\n" not in text}


def _export() -> str:
    """Return a manifest as `export` writes it, with all texts that readers misread."""
    messages = tuple(
        Message(
            f"m{number}", 0, body=text or "-", author=text or "-", attributes=json.dumps({text: [text, 1e22]})
        )
        for number, text in enumerate(MISREAD)
    )
    order = Conversation("order", "", 0, unique_name="order", messages=messages)
    return dump((Service("desk", "", 0, friendly_name="desk", conversations=(order,)),))


def _formatted(text: str) -> str:
    try:
        return format_text(text)
    except (Irregular, ReconcilerError) as error:
        return f"cannot be read: {error}"


def _prettier(made: Path, texts: dict[str, str]) -> dict[str, Any]:
    options = json.loads((ROOT / "examples" / ".prettierrc").read_text(encoding="utf-8"))
    given = json.dumps({"options": options, "texts": list(texts.values())})
    return dict(zip(texts, json.loads(run("node", "format.mjs", cwd=made, given=given)), strict=True))
