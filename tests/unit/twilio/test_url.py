"""Addresses as they are requested: everybody reads the same one in them."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyreqwest.http import Url as RustUrl

from reconciler.twilio.network import Url

BASE = Url.parse("https://conversations.twilio.com/v1")
PIECES = st.sampled_from(
    [
        *(
            "http://",
            "https://",
            "HTTPS://",
            "//",
            "/",
            "\\",
            "?",
            "#",
            "@",
            ":",
            "%",
            "'",
            '"',
            "<",
            "|",
            "^",
        ),
        *(
            "[",
            "]",
            "{",
            "}",
            "`",
            " ",
            "\t",
            "\n",
            "\0",
            "\x7f",
            ".",
            "..",
            "%2e",
            "%2E%2e",
            ":443",
            ":8443",
        ),
        *("conversations.twilio.com", "Conversations.Twilio.Com", "evil.example", "v1", "Page=1", "é", "中"),
        *("\ud83d", "&", "=", ";", "%00", "%zz", "%2f", "\u017f", "\u2024", "\uff0f"),
    ]
)


@given(text=st.lists(PIECES, max_size=8).map("".join))
@example("https://conversations.twilio.com/a'b?c'd")
@example("/v1/%2e%2E/x")
@example("/v1/.\t./x")
def test_an_address_that_is_taken_is_requested_as_it_is(text: str) -> None:
    """Both libraries send it unchanged to the server that we read in it, or it is not taken."""
    try:
        url = BASE.join(text)
    except ValueError:
        return
    if url.origin != BASE.origin:
        return  # refused by whoever joins

    target = url.target or "/"
    sent = RustUrl(str(url))
    assert (sent.scheme, sent.host_str, sent.port) == ("https", "conversations.twilio.com", None)
    assert sent.path + (f"?{sent.query_string}" if sent.query_string else "") == target
    assert httpx.URL(str(url)).raw_path.decode() == target
    assert httpx.URL(str(url)).netloc == b"conversations.twilio.com"
    assert BASE.join(str(url)) == url


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("/v1/Services?Page=1&Token=a%2Fb", "/v1/Services?Page=1&Token=a%2Fb"),
        ("https://Conversations.Twilio.com:443/v1/é?é", "/v1/%C3%A9?%C3%A9"),
        ("?Page=1", "/v1?Page=1"),
        ("Services/../Users", "/Users"),
    ],
)
def test_next_address_is_read_as_a_browser_reads_it(text: str, target: str) -> None:
    """Relative to the one before, in ASCII, and without a default port."""
    assert BASE.join(text) == Url(BASE.origin, target)


@pytest.mark.parametrize(
    "text",
    ["https://user@conversations.twilio.com/", "https://[", "https://h:99999/", "/v1/%2E%2e/x", "/\ud83d"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Or what could be read as more than one."""
    with pytest.raises(ValueError, match=r"."):
        BASE.join(text)
