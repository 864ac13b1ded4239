"""Ways to damage a text, and to damage a value that is still JSON."""

from __future__ import annotations

import copy
from random import Random
from typing import Any, Final

_PIECES: Final = (
    b"",
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b"\t",
    b"'",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b": ",
    b"- ",
    b"? ",
    b"&a ",
    b"*a",
    b"!!map ",
    b"<<: *a",
    b"${",
    b"${var.v}",
    b"${each.value.x.y}",
    b"|\n",
    b"#",
    b"%YAML 1.1\n---\n",
    b"...\n",
    b"\\ud800",
    b"1e999",
    b"-0",
    b"9" * 30,
    b"null",
    b".nan",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"[" * 300,
    b"a" * 5000,
)
_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    1.5,
    1e300,
    2**63,
    10**30,
    "",
    "\0",
    "\ud800",
    "/",
    "a/b/c/d/e",
    "..",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+23:59",
    "P9999999D",
    "IS" + "f" * 32,
    "http://[",
    "x" * 3000,
    [],
    {},
    [[]],
    [None],
    {"": None},
    {"sid": 1},
    {"a": {"b": {"c": []}}},
)


def damaged(data: bytes, random: Random) -> bytes:
    """Return *data* with some bytes taken out, doubled, or replaced by what means something."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + random.choice((0, 0, 1, 2, 10, 100)))
        piece = random.choice((random.choice(_PIECES), data[start:end] * 2, random.randbytes(2)))
        data = data[:start] + piece + data[end:]
    return data


def bent(value: Any, random: Random) -> Any:
    """Return a copy of the JSON *value* with some values, names or items in it replaced."""
    root = [copy.deepcopy(value)]
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        holder: Any = root
        while True:
            key = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
            inner = holder[key]
            if isinstance(inner, dict | list) and inner and random.random() < 0.85:
                holder = inner
                continue
            break
        other = copy.deepcopy(random.choice(_VALUES))
        way = random.randrange(5)
        if way == 0 and holder is not root:
            del holder[key]
        elif way == 1 and isinstance(holder, dict):
            holder[str(random.choice(("", "\ud800", "a/b/c/d", f"{key}x", "__proto__")))] = holder.pop(key)
        elif way == 2 and isinstance(holder, list) and holder is not root:
            holder.append(other)
        else:
            holder[key] = other
    return root[0]
