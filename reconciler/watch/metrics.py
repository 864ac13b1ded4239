"""What Prometheus reads: numbers about rounds, never a text, an author or a sid of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.errors import UsageError
from reconciler.watch.events import Ending, Told, has_succeeded
from reconciler.watch.schedule import Kind

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_BUCKETS: Final = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
"""Upper bounds of the durations of rounds, in seconds."""


class Metrics:
    """The numbers of one watch; raises UsageError where the library for them is not installed."""

    def __init__(self) -> None:
        try:
            from prometheus_client import (  # noqa: PLC0415 - an extra
                CollectorRegistry,
                Counter,
                Gauge,
                Histogram,
            )
        except ImportError as error:
            raise UsageError(
                "`watch` needs the library prometheus_client",
                hint="install the extra `watch`: `pip install '.[watch]'`",
            ) from error
        registry = CollectorRegistry()
        self._registry: CollectorRegistry = registry
        self._rounds = Counter(
            "reconciler_rounds", "Rounds that ended.", ["kind", "ending"], registry=registry
        )
        self._success = Gauge(
            "reconciler_last_success_timestamp_seconds", "When a round last succeeded.", registry=registry
        )
        self._drift = Gauge(
            "reconciler_drift",
            "Changes by others that the last full round found.",
            ["reason"],
            registry=registry,
        )
        self._pending = Gauge(
            "reconciler_pending",
            "Changes that the manifests still want, by the last full round.",
            ["reason"],
            registry=registry,
        )
        self._done = Counter("reconciler_actions_done", "Actions that were carried out.", registry=registry)
        self._held = Gauge(
            "reconciler_actions_held_back", "Actions that the last full round held back.", registry=registry
        )
        self._requests = Counter(
            "reconciler_requests", "Requests that were sent.", ["kind"], registry=registry
        )
        self._replies = Counter(
            "reconciler_replies", "Replies to them; none: no reply.", ["status"], registry=registry
        )
        self._throttled = Counter(
            "reconciler_throttled_seconds", "Pauses that the server asked for.", registry=registry
        )
        self._duration = Histogram(
            "reconciler_round_duration_seconds", "How long rounds took.", buckets=_BUCKETS, registry=registry
        )
        self._lease = Gauge(
            "reconciler_lease_held", "Whether this process holds the lock of the state.", registry=registry
        )

    def count(self, told: Told, now: float) -> None:
        """Count a round that ended at *now*, in seconds since 1970."""
        self._rounds.labels(told.kind.value, told.ending.value).inc()
        self._duration.observe(told.seconds)
        self._done.inc(told.done)
        self._count_requests(told)
        if not has_succeeded(told):
            return
        self._success.set(now)
        if told.kind is not Kind.FULL:  # the others do not know what stands elsewhere
            return
        is_done = told.ending is Ending.APPLIED
        for gauge, reasons in ((self._drift, told.drift), (self._pending, told.pending)):
            gauge.clear()
            for reason, number in reasons.items():
                gauge.labels(reason).set(0 if is_done else number)
        held = told.ending is Ending.HELD_BACK
        self._held.set(sum((*told.drift.values(), *told.pending.values())) if held else 0)

    def lease(self, *, held: bool) -> None:
        """Report whether the lock of the state is held."""
        self._lease.set(held)

    def text(self) -> tuple[bytes, str]:
        """Return the metrics, and their content type."""
        from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest  # noqa: PLC0415

        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    def _count_requests(self, told: Told) -> None:
        sent = told.requests
        if sent is None:
            return
        for kind, number in (("read", sent.read), ("write", sent.write), ("retried", sent.retried)):
            self._requests.labels(kind).inc(number)
        for status, number in sent.statuses.items():
            self._replies.labels(status).inc(number)
        self._throttled.inc(sent.throttled)
