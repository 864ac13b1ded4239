"""Whatever text a file holds, it is read, or refused with a place: never a traceback."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.manifest.parse import parse
from reconciler.manifest.yaml.positions import read_closely
from reconciler.manifest.yaml.reader import Irregular, read

FRAGMENTS = st.sampled_from(
    (
        *("version: 1\n", "services:\n", "  support:\n", "    conversations:\n", "      order:\n"),
        *("        messages:\n", "          - key: a\n", "            body: hi\n", "            media:\n"),
        *(
            "        participants:\n",
            "          - identity: ann\n",
            "        sid: CH1\n",
            "        timers: {}\n",
        ),
        *(
            "a: ",
            "- ",
            "&x ",
            "*x ",
            "*x\n",
            "!t ",
            "!!str ",
            "? ",
            ": ",
            ", ",
            "[",
            "]",
            "{",
            "}",
            "<<: ",
            "#",
        ),
        *("|\n", ">-\n", '"', "'", "\\0", "\\n", "\n", " ", "  ", "\t", "---\n", "...\n", "%YAML 1.2\n"),
        *(
            "1",
            "-1.5e3",
            ".nan",
            "0x1F",
            "1e999",
            "null",
            "~",
            "yes",
            "true",
            "é",
            "\ufeff",
            "\u2028",
            "\x07",
        ),
    )
)
TEXT = st.lists(FRAGMENTS, max_size=25).map("".join)


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_both_readings_find_the_same(text: str) -> None:
    """What the fast reading refuses has a fault, and what it reads is what the close one reads."""
    positions = read_closely(text)
    try:
        value = read(text).value
    except Irregular:
        assert positions.faults
    else:
        # of an empty document only the close reading complains
        assert (json.dumps(value), bool(positions.faults)) == (json.dumps(positions.value), value is None)


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    """A problem has a line and a column inside the file, or just after its end."""
    problems = parse(text.encode(), "m.yaml").problems

    assert all(1 <= one.line <= len(text.splitlines()) + 1 and one.column >= 1 for one in problems)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Bytes that are no manifest have at least one problem, as `version` is missing."""
    assert parse(data, "m.yaml").problems
