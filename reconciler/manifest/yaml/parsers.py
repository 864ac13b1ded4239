"""The choice of a parser: libyaml, or a slower one for parts of YAML 1.2 that libyaml does not know.

The C parser of `ruamel.yaml.clib` is required: without it, ruamel.yaml would silently use its pure Python
parser, which is many times slower. That one reads only texts that libyaml refuses or misreads, such as
`{start: -3d 09:00}` and `&an:chor`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final, TypeVar

from ruamel.yaml import tokens
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from reconciler.errors import ReconcilerError
from reconciler.manifest.yaml.surrogates import PROBLEM, PairedText

try:
    import _ruamel_yaml as libyaml
except ImportError as error:
    raise ReconcilerError(
        "the C parser for YAML is missing, and the pure Python one is too slow to be used instead",
        hint="install the package `ruamel.yaml.clib` for this Python",
    ) from error

NextEvent = Callable[[], Any]
Result = TypeVar("Result")

_UNKNOWN_TO_LIBYAML: Final = frozenset(
    (
        "found unexpected ':'",
        "did not find expected ',' or '}'",
        "did not find expected ',' or ']'",
        "did not find expected node content",
        "found a tab character where an indentation space is expected",
    )
)
"""Errors of libyaml for a plain text in brackets, or a tab in a block, that YAML 1.2 may allow."""
_MAY_BE_MISREAD: Final = (
    (b"?", re.compile(rb"\?(?<=[\[{,\s]\?)\w")),
    (b"&", re.compile(rb"&[\w-]+:")),
)
"""A question mark where a text can start, or an anchor with a colon; libyaml may end these too early.

Each comes with its first byte, for which most texts are searched in a tenth of the time.
"""


class TwoReadings(MarkedYAMLError):
    """A text in brackets that starts with a question mark: YAML 1.2 reads a text, and libyaml reads a key."""


def by_any_parser(text: str | bytes, use: Callable[[NextEvent, Any], Result]) -> Result:
    """Return the result of *use*, called with a function that returns the next event of *text*.

    The second argument of *use* is the module with the classes of these events. *use* is called again with
    another parser where libyaml cannot read *text*. Raises TwoReadings, and libyaml's error where no parser
    can read *text*.
    """
    wrong: MarkedYAMLError | None = None
    misread = _misread(text)
    if isinstance(misread, tokens.KeyToken):
        raise TwoReadings(problem_mark=misread.start_mark)
    try:
        if misread is None:
            return use(libyaml.CParser(text).get_event, libyaml)
    except MarkedYAMLError as error:
        if error.problem != PROBLEM and not _may_be_newer(error):
            raise
        wrong = error
    paired = PairedText(text.decode("utf-8-sig") if isinstance(text, bytes) else text)
    if wrong is not None and wrong.problem == PROBLEM:
        try:
            return use(paired.events(libyaml.CParser(paired.text).get_event), libyaml)
        except MarkedYAMLError as error:
            if not _may_be_newer(error):
                raise
            wrong = error
    from ruamel.yaml import events  # noqa: PLC0415 - seldom needed

    try:
        return use(paired.events(newer_events(paired.text)), events)
    except (YAMLError, ValueError) as error:
        raise wrong or error from None


def newer_events(text: str) -> NextEvent:
    """Return a function that returns the next event of *text* by YAML 1.2; it is slow."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - seldom needed

    events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
    return events.__next__


def newer_tokens(text: str) -> NextEvent:
    """Return a function that returns the next token of *text* by YAML 1.2; it is slow."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - seldom needed

    tokens: Iterator[Any] = YAML(typ="safe", pure=True).scan(text)
    return tokens.__next__


def _may_be_newer(error: MarkedYAMLError) -> bool:
    return error.problem in _UNKNOWN_TO_LIBYAML


def _misread(text: str | bytes) -> Any:
    """Return the first token of *text* that libyaml ends too early: an anchor, or the sign of a key."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if not any(sign in data and pattern.search(data) for sign, pattern in _MAY_BE_MISREAD):
        return None
    signs, following = (tokens.KeyToken, tokens.AnchorToken), (tokens.ScalarToken, tokens.ValueToken)
    next_token = libyaml.CParser(text).get_token
    earlier = before = next_token()
    with suppress(MarkedYAMLError):  # reported when the events are read
        while not isinstance(token := next_token(), tokens.StreamEndToken):
            start, end = before.start_mark.index, before.end_mark.index
            goes_on = isinstance(earlier, tokens.ScalarToken) and earlier.end_mark.index == start  # `a?b`
            is_sign = isinstance(before, signs) and start < end and not goes_on
            if is_sign and isinstance(token, following) and token.start_mark.index == end:
                return before
            earlier, before = before, token
    return None
