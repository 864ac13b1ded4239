"""What is exported means the same to PyYAML, which reads YAML 1.1, as to us."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.manifest.dump import dump
from reconciler.manifest.yaml.reader import read
from reconciler.model import Conversation, Message, Service
from tests.support.strategies import declared_services
from tests.support.yaml_texts import MISREAD

TEXTS = st.sampled_from(MISREAD) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
JSON = st.recursive(
    TEXTS | st.booleans() | st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def with_dates(value: Any) -> Any:
    """Return what PyYAML read, with instants as we have them: texts."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return {key: with_dates(item) for key, item in value.items()}
    return [with_dates(item) for item in value] if isinstance(value, list) else value


def means_the_same(text: str) -> None:
    """Assert that PyYAML reads *text* as we do; `repr`, as 1 equals true."""
    found, ours = yaml.safe_load(text), read(text).value

    assert repr(with_dates(found)) == repr(ours)


@settings(max_examples=200, deadline=None)
@given(TEXTS.filter(bool), TEXTS.filter(bool), JSON)
def test_texts_and_numbers_of_messages(body: str, author: str, attributes: Any) -> None:
    """None is taken for a date, a number, a truth value or nothing, and no number for a text."""
    message = Message(
        "m",
        0,
        body=body,
        author=author,
        subject=author,
        attributes=json.dumps(attributes),
        date_created="2026-01-05T09:00:00Z",
    )
    order = Conversation("order", "", 0, unique_name="order", friendly_name=body, messages=(message,))

    means_the_same(dump((Service("desk", "", 0, friendly_name=author, conversations=(order,)),)))


@settings(max_examples=50, deadline=None)
@given(declared_services())
def test_whole_manifests(services: tuple[Service, ...]) -> None:
    """Names, keys, people and all that a manifest can have."""
    means_the_same(dump(services))


def test_a_text_like_a_timestamp_is_quoted() -> None:
    """A date field is none: it holds an instant for every reader."""
    instant = "2026-01-05T09:00:00Z"
    message = Message("m", 0, body=instant, date_created=instant)
    order = Conversation("order", "", 0, unique_name="order", messages=(message,))

    lines = dump((Service("desk", "", 0, friendly_name="desk", conversations=(order,)),)).splitlines()

    assert lines[-2:] == [f'            body: "{instant}"', f"            date_created: {instant}"]
