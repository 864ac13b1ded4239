"""Whatever is plain data is formatted once, and means the same."""

from __future__ import annotations

import io
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reconciler.manifest.dump import dump
from reconciler.manifest.yaml.format import format_text
from reconciler.manifest.yaml.reader import Irregular, read
from reconciler.model import Service
from tests.support.strategies import declared_services

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(
    (
        "a b",
        "multi\nline",
        "  lead",
        "trail ",
        "yes",
        "1",
        "a: b",
        "#c",
        "word " * 30,
        "x\n\n\ny\n",
        "end\n\n",
        " \n x",
    )
)
VALUE = st.recursive(
    TEXT | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)
FRAGMENTS = st.sampled_from(
    (
        *(
            "a: ",
            "- ",
            "? ",
            ": ",
            "b:\n",
            "  ",
            "    ",
            " ",
            "\n",
            "\n",
            "# c\n",
            " # d\n",
            "|\n",
            ">-\n",
            "|2\n",
        ),
        *("|1+\n", "|+\n", "x", "y z", '"q"', '"m\n  n"', "'s\n\n t'", "[", "]", "{", "}", ", ", ",", "k: v"),
        *(
            "\t",
            "&x ",
            "*x ",
            "\u2028",
            "\x85",
            "\r\n",
            "---\n",
            "é",
            "\\\n",
            '"',
            "'",
            "- - ",
            "- a: ",
            '"a":',
            "#",
        ),
    )
)


@st.composite
def manuscripts(draw: st.DrawFn) -> str:
    """Draw YAML as different people indent, quote, wrap and comment it."""
    writer: Any = YAML()
    writer.width = draw(st.sampled_from([40, 4096]))
    writer.default_flow_style = draw(st.sampled_from([False, None]))
    writer.default_style = draw(st.sampled_from([None, '"', "'", "|"]))
    offset = draw(st.sampled_from([0, 2]))
    writer.indent(mapping=draw(st.integers(2, 4)), sequence=offset + draw(st.integers(2, 3)), offset=offset)
    stream = io.StringIO()
    value: dict[str, Any] = {"first": draw(VALUE), "second": draw(VALUE)}
    writer.dump(value, stream)
    lines = []
    for line in stream.getvalue().split("\n"):
        if draw(st.integers(0, 5)) == 0:
            lines.append(" " * draw(st.integers(0, 8)) + "# comment")
        lines.append(line)
    return "\n".join(lines)


@settings(max_examples=100, deadline=None)
@given(manuscripts() | st.lists(FRAGMENTS, max_size=14).map("".join))
def test_formatting_keeps_the_meaning_and_is_done_after_once(text: str) -> None:
    """`format_text` checks the meaning itself, and would raise; formatting again changes nothing."""
    try:
        value = read(text).value
    except Irregular:
        assume(False)  # noqa: FBT003
    assume(isinstance(value, dict | list))

    formatted = format_text(text)

    assert repr(read(formatted).value) == repr(value)
    assert format_text(formatted) == formatted


@settings(max_examples=20, deadline=None)
@given(declared_services())
def test_what_is_dumped_is_formatted_already(services: tuple[Service, ...]) -> None:
    """An export passes `fmt --check`."""
    text = dump(services)

    assert format_text(text) == text
