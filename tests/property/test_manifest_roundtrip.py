"""What is dumped is loaded back as it was, whatever texts and attributes it holds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from reconciler.manifest.dump import dump
from reconciler.manifest.load import load
from reconciler.manifest.yaml.positions import read_closely
from reconciler.manifest.yaml.reader import read
from reconciler.model import Desired, Service
from tests.support.strategies import declared_services


def without_places(desired: Desired) -> tuple[Service, ...]:
    """Return the services with every path and line blank."""
    return tuple(
        replace(
            service,
            path="",
            line=0,
            conversations=tuple(
                replace(
                    one,
                    path="",
                    line=0,
                    messages=tuple(replace(message, line=0) for message in one.messages),
                    participants=tuple(replace(member, line=0) for member in one.participants),
                )
                for one in service.conversations
            ),
        )
        for service in desired.services
    )


@settings(max_examples=60, deadline=None)
@given(declared_services())
def test_what_is_dumped_is_loaded_back_equal(
    tmp_path_factory: pytest.TempPathFactory, services: tuple[Service, ...]
) -> None:
    """`load` reads from `dump` what was dumped, and dumping that gives the same text."""
    file = tmp_path_factory.getbasetemp() / "services.yaml"
    text = dump(services)
    file.write_text(text, encoding="utf-8", newline="")

    loaded = load([file])

    assert without_places(loaded) == services
    assert dump(loaded.services) == text


@settings(max_examples=60, deadline=None)
@given(declared_services())
def test_both_readers_agree(services: tuple[Service, ...]) -> None:
    """The fast reading and the close one give the same value."""
    text = dump(services)

    assert json.dumps(read(text).value) == json.dumps(read_closely(text).value)
