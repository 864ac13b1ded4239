"""Sentences for one value that has the wrong type, or breaks a limit or pattern of its schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from pydantic_core import ErrorDetails

from reconciler.manifest.diagnostics.wording import as_text, described
from reconciler.manifest.schema.parts import ADDRESS_PATTERN, BOUND_SID_PATTERN
from reconciler.manifest.yaml.faults import look_alike
from reconciler.model.sids import NOUNS, is_sid
from reconciler.text.suggestions import close_to
from reconciler.text.words import cut, one_of

Sentence: TypeAlias = tuple[str, str | None]
"""The part of a sentence after the name of the field, and the hint."""


NAME_HINT: Final = "use at most 128 letters, digits, `.`, `_` and `-`, starting with a letter or a digit"


VARIABLE_NAME_HINT: Final = "use at most 64 letters, digits, `_` and `-`, starting with a letter or `_`"


_AS_WRITTEN: Final = "as written"
"""Key in the context of an error: the number as written, as Python may write it in another way."""


def wrong_value(detail: ErrorDetails, written: str | None = None) -> Sentence:
    """Return the sentence for the error *detail*.

    *written* is a number as its file has it, or the comment that stands in place of a value.
    """
    given = detail["input"]
    if given is None and written is not None:
        return (
            "has no value",
            f"`#` starts a comment; put the text in quotes if `{cut(written)}` is the value",
        )
    if given is None:
        return "has no value", "give it a value, or remove it"
    sentence = _SENTENCES.get(detail["type"])
    context = {**detail.get("ctx", {}), _AS_WRITTEN: written or as_text(given)}
    return sentence(given, context) if sentence else (f'is wrong (pydantic says "{detail["msg"]}")', None)


def too_long(given: str, context: Mapping[str, Any]) -> Sentence:
    """Return the sentence for a text over its limit."""
    return f"has {len(given):,} characters; the limit is {context['max_length']:,}", "shorten it"


def _no_text(given: Any, context: Mapping[str, Any]) -> Sentence:
    is_scalar = isinstance(given, int | float)
    hint = (
        f'put it in quotes: `"{context[_AS_WRITTEN]}"`' if is_scalar else "put it in quotes if it is a text"
    )
    return f"must be a text, not {_called(given, context)}", hint


def _called(given: Any, context: Mapping[str, Any]) -> str:
    return described(given, context[_AS_WRITTEN])


def _look_alike_hint(given: Any) -> str | None:
    """Return a hint if the text *given* has a look-alike in place of the colon and space of a pair."""
    found = look_alike(given) if isinstance(given, str) else None
    return found and f"write a colon and a space behind the key: there is {found}"


def _no_choice(given: Any, context: Mapping[str, Any]) -> Sentence:
    choices = re.findall("'([^']+)'", context["expected"])
    meant = close_to(str(given), choices)
    return (
        f"must be {one_of([f'`{choice}`' for choice in choices])}, not {_called(given, context)}",
        f"did you mean `{meant}`?" if meant else None,
    )


def _mismatch(given: str, context: Mapping[str, Any]) -> Sentence:
    if context["pattern"] == ADDRESS_PATTERN:
        return f"is no address: `{cut(given)}`", "write `service/conversation/key`, or the first parts of it"
    if context["pattern"] == BOUND_SID_PATTERN:
        return f"is not a SID: `{cut(given)}`", "it is `IM`, `MB`, `CH` or `IS` and 32 hexadecimal digits"
    prefix = context["pattern"][1:3]
    if is_sid(given) and given[:2] in NOUNS:
        hint = f"`{given[:2]}…` is the SID of {NOUNS[given[:2]]}"
    else:
        hint = f"it is `{prefix}` and 32 hexadecimal digits"
    return f"is not the SID of {NOUNS[prefix]}: `{cut(given)}`", hint


_SENTENCES: Final[dict[str, Callable[[Any, Mapping[str, Any]], Sentence]]] = {
    "string_type": _no_text,
    "bool_type": lambda given, context: (f"must be `true` or `false`, not {_called(given, context)}", None),
    "dict_type": lambda given, context: (
        f"must be a mapping, not {_called(given, context)}",
        _look_alike_hint(given) or "write `name: value` pairs",
    ),
    "list_type": lambda given, context: (
        f"must be a list, not {_called(given, context)}",
        "start each item with `- `",
    ),
    "literal_error": _no_choice,
    "string_pattern_mismatch": _mismatch,
    "string_too_short": lambda _given, _: ("is empty", "give it a value, or remove it"),
    "string_too_long": too_long,
    "too_long": lambda given, context: (
        f"has {len(given):,} entries; the limit is {context['max_length']:,}",
        None,
    ),
}
"""By pydantic's type of error: makes the sentence, from the value and the context of the error."""
