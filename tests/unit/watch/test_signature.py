"""Signatures of webhooks, judged beside Twilio's own validator."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from reconciler.watch.signature import Signatures

TOKEN = "0123456789abcdef0123456789abcdef"
URL = "https://hooks.example.com/twilio?team=1"

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(parameters=st.dictionaries(_texts, _texts, max_size=6))
def test_what_twilio_signs_is_genuine(parameters: dict[str, str]) -> None:
    """The validator of Twilio's library computes the signature."""
    signature = RequestValidator(TOKEN).compute_signature(URL, parameters)

    assert Signatures(URL, TOKEN).is_genuine(signature, list(parameters.items()))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("https://hooks.example.com/a", "https://hooks.example.com:443/a"),
        ("https://hooks.example.com:443/a", "https://hooks.example.com/a"),
        ("http://[::1]/a", "http://[::1]:80/a"),
    ],
)
def test_the_default_port_may_be_signed_or_not(ours: str, theirs: str) -> None:
    """Senders differ in it."""
    signature = RequestValidator(TOKEN).compute_signature(theirs, {"A": "b"})

    assert Signatures(ours, TOKEN).is_genuine(signature, [("A", "b")])


@pytest.mark.parametrize("other", ["", "AAAA", "ä", "=", "\udcff"])
def test_any_other_signature_is_refused(other: str) -> None:
    """Whatever it is made of."""
    assert not Signatures(URL, TOKEN).is_genuine(other, [("A", "b")])


def test_a_changed_call_is_refused() -> None:
    """Another value, another name, one parameter more or less, another address or key."""
    signature = RequestValidator(TOKEN).compute_signature(URL, {"A": "b", "C": "d"})
    signatures = Signatures(URL, TOKEN)

    for changed in ([("A", "b")], [("A", "b"), ("C", "e")], [("A", "b"), ("C", "d"), ("E", "")], []):
        assert not signatures.is_genuine(signature, changed)
    pairs = [("A", "b"), ("C", "d")]
    assert not Signatures(URL + "2", TOKEN).is_genuine(signature, pairs)
    assert not Signatures(URL, TOKEN[:-1]).is_genuine(signature, pairs)
    assert signatures.is_genuine(signature, pairs)


def test_a_call_that_was_seen_is_not_new() -> None:
    """Those of ten thousand later calls are remembered."""
    signatures = Signatures(URL, TOKEN)

    assert signatures.is_new("first")
    assert not signatures.is_new("first")
    for number in range(10_000):
        assert signatures.is_new(str(number))
    assert signatures.is_new("first"), "the memory is bounded"
