"""What a watch serves: probes, metrics that Prometheus's own parser reads, and webhooks."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from twilio.request_validator import RequestValidator

from reconciler.errors import UsageError
from reconciler.watch.events import Change, Ending, Requests, Told
from reconciler.watch.hints import Hints
from reconciler.watch.metrics import Metrics
from reconciler.watch.schedule import Kind
from reconciler.watch.server import Health, listening, probes, serving, webhooks
from reconciler.watch.signature import Signatures

URL = "https://hooks.example.com/twilio"
TOKEN = "0123456789abcdef0123456789abcdef"
CALL = {"EventType": "onMessageAdded", "ConversationSid": "CH" + "1" * 32, "Body": "Grüße & mehr"}


def _signed(call: dict[str, str]) -> dict[str, str]:
    return {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(URL, call)}


@pytest.fixture
def hints() -> Hints:
    """Nothing is marked yet."""
    return Hints()


@pytest.fixture
def hooks(hints: Hints) -> Iterator[httpx.Client]:
    """The server of webhooks."""
    listener = listening("127.0.0.1:0", "--webhooks")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with (
        serving([(listener, webhooks(Signatures(URL, TOKEN), hints))]),
        httpx.Client(base_url=url) as client,
    ):
        yield client


def test_a_genuine_call_marks_its_conversation_once(hooks: httpx.Client, hints: Hints) -> None:
    """The same call again costs nothing: a replay cannot be told from a retry."""
    taken = []
    for _ in range(3):
        assert hooks.post("/twilio", data=CALL, headers=_signed(CALL)).status_code == 204
        taken.append(hints.take())

    assert taken == [frozenset({CALL["ConversationSid"]}), frozenset(), frozenset()]


@pytest.mark.parametrize(
    "headers", [{}, {"X-Twilio-Signature": "AAAA"}, {"X-Twilio-Signature": ""}, _signed({**CALL, "Body": ""})]
)
def test_a_forged_call_is_refused(hooks: httpx.Client, hints: Hints, headers: dict[str, str]) -> None:
    """It marks nothing."""
    assert hooks.post("/", data=CALL, headers=headers).status_code == 403
    assert not hints.waiting


@pytest.mark.parametrize(
    "body",
    [b"\xff", b"a=%ff", b"a=b&" * 201, b"a=" + b"b" * 300_000],
    ids=["no ASCII", "no UTF-8", "many parameters", "too large"],
)
def test_what_is_no_form_is_refused(hooks: httpx.Client, body: bytes) -> None:
    """Before its signature is computed."""
    assert hooks.post("/", content=body).status_code == 400


def test_a_burst_marks_each_conversation_once(hooks: httpx.Client, hints: Hints) -> None:
    """So its cost is one look at each, whatever the number of calls."""
    for number in range(300):
        call = {**CALL, "MessageSid": str(number)}
        assert hooks.post("/", data=call, headers=_signed(call)).status_code == 204

    assert hints.take() == frozenset({CALL["ConversationSid"]})


def test_metrics_are_as_prometheus_reads_them() -> None:
    """By its own parser; the labels have words of closed sets alone, never an address or a text."""
    metrics = Metrics()
    told = Told(
        Kind.FULL,
        Ending.APPLIED,
        drift={"drifted": 2},
        pending={"not_in_state": 1},
        changes=[Change("support/order/secret-key", "update", "drifted")],
        done=3,
        error="a stranger's text",
        requests=Requests(read=5, write=3, retried=1, statuses={"200": 7, "none": 1}, throttled=2.5),
        seconds=1.5,
    )
    metrics.count(told, 1000.0)
    metrics.count(Told(Kind.QUICK, Ending.FAILED, error="a stranger's text"), 2000.0)
    metrics.lease(held=True)
    text = metrics.text()[0].decode()

    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

    assert samples["reconciler_rounds_total", "applied", "full"] == 1
    assert samples["reconciler_rounds_total", "failed", "quick"] == 1
    assert samples["reconciler_last_success_timestamp_seconds",] == 1000
    assert samples["reconciler_drift", "drifted"] == 0, "it was mended"
    assert samples["reconciler_actions_done_total",] == 3
    assert samples["reconciler_requests_total", "read"] == 5
    assert samples["reconciler_replies_total", "none"] == 1
    assert samples["reconciler_throttled_seconds_total",] == 2.5
    assert samples["reconciler_lease_held",] == 1
    assert "stranger" not in text
    assert "secret-key" not in text


def test_a_round_that_did_not_look_at_everything_leaves_the_gauges() -> None:
    """What stands elsewhere they do not know; one that looked at nothing is no success."""
    metrics = Metrics()
    metrics.count(Told(Kind.FULL, Ending.HELD_BACK, drift={"drifted": 2}), 1000.0)
    metrics.count(Told(Kind.QUICK, Ending.NOTHING_NEW, requests=Requests(read=2)), 2000.0)
    metrics.count(Told(Kind.HINTED, Ending.NOTHING_NEW, requests=Requests()), 3000.0)
    lines = metrics.text()[0].decode().splitlines()

    assert 'reconciler_drift{reason="drifted"} 2.0' in lines
    assert "reconciler_actions_held_back 2.0" in lines
    assert "reconciler_last_success_timestamp_seconds 2000.0" in lines


def test_probes_answer_from_a_thread() -> None:
    """Ready is a watch whose last round succeeded."""
    health, listener = Health(), listening("127.0.0.1:0", "--listen")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    with serving([(listener, probes(Metrics(), health))]):
        assert httpx.get(f"{url}/healthz").status_code == 200
        assert httpx.get(f"{url}/readyz").status_code == 503
        health.succeeded = True
        assert httpx.get(f"{url}/readyz").status_code == 200
        assert httpx.get(f"{url}/metrics").headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("address", ["", "8080", ":x", "127.0.0.1:99999", "no such host.:80"])
def test_an_address_that_cannot_be_used_is_named(address: str) -> None:
    """With the option that has it."""
    with pytest.raises(UsageError, match="--listen"):
        listening(address, "--listen")
