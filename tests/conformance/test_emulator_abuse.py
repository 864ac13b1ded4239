"""What whoever reaches the emulator's port cannot do: a page in a browser, or a program without manners."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from reconciler.emulator import Emulator, EmulatorOptions
from reconciler.emulator.decisions import MEDIA_BYTES
from reconciler.emulator.hosts import is_loopback
from reconciler.emulator.server import running

ACCOUNT = "AC" + "0" * 32
LARGEST_FORM = 4 * 1024 * 1024
FOREIGN = ["evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "10.0.0.1", "[", ""]
OURS = ["localhost", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:65535", "[::1]", "[::1]:8010", "twilio.test:99"]


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """A client of an emulator that lets one other host in."""
    with (
        closing(Emulator(options=EmulatorOptions(allowed_hosts=("Twilio.Test",)))) as emulator,
        running(emulator) as url,
        httpx.Client(base_url=url, auth=(ACCOUNT, "token"), trust_env=False) as client,
    ):
        yield client


@pytest.mark.parametrize("path", ["/v1/Services", "/_emulator/store", "/nowhere"])
@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_host_is_refused(http: httpx.Client, path: str, host: str) -> None:
    """A page whose name was made to lead here reads nothing, also from the emulator's own urls."""
    reply = http.get(path, headers={"Host": host})

    assert reply.status_code == 403
    assert "`--allow-host NAME`" in reply.json()["error"]


@pytest.mark.parametrize("host", OURS)
def test_this_machine_and_what_is_allowed_are_let_in(http: httpx.Client, host: str) -> None:
    """With any port, as there may be something between."""
    assert http.get("/v1/Services", headers={"Host": host}).status_code == 200


def test_a_name_that_only_looks_like_this_machine_is_none() -> None:
    """Numbers in other notations are names to us."""
    names = ("", "0", "0x7f000001", "127.1", "localhost.", "localhost@evil.example", "::1")
    assert [name for name in names if is_loopback(name)] == []


@pytest.mark.parametrize("fault", ["*:pause_before=MARK", "create_message:2:pause_after=MARK"])
def test_no_fault_over_http_names_a_file(http: httpx.Client, fault: str, tmp_path: Path) -> None:
    """It would be made, and the request would wait until somebody removes it."""
    mark = tmp_path / "mark"
    reply = http.post("/_emulator/faults", json={"faults": [fault.replace("MARK", str(mark))]})

    assert reply.status_code == 400
    http.get("/v1/Services")
    assert not mark.exists()


def test_an_upload_over_the_limit_is_refused_and_a_large_one_kept(http: httpx.Client) -> None:
    """It goes to disk while it comes in, and what is too much is not kept at all."""
    service = http.get("/v1/Configuration").json()["default_chat_service_sid"]
    url, headers = f"/v1/Services/{service}/Media", {"Content-Type": "image/png"}
    content = bytes(range(256)) * 8192

    kept = http.post(url, content=content, headers=headers)
    too_much = (content for _ in range(MEDIA_BYTES // len(content) + 1))
    refused = http.post(url, content=too_much, headers=headers)

    assert (kept.status_code, kept.json()["size"]) == (201, len(content))
    assert (refused.status_code, refused.json()["code"]) == (400, 50512)
    assert http.get(kept.json()["url"] + "/Content").content == content


@pytest.mark.parametrize("path", ["/v1/Services", "/_emulator/faults", "/nowhere"])
def test_a_request_that_is_no_upload_has_a_limit(http: httpx.Client, path: str) -> None:
    """Nothing that Twilio takes in a form is as large."""
    kind = "application/json" if "_" in path else "application/x-www-form-urlencoded"
    reply = http.post(path, content=b"a" * (LARGEST_FORM + 1), headers={"Content-Type": kind})

    assert reply.status_code == 413
