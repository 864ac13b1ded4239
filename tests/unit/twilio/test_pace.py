"""Requests in flight, changes per second, and back-off, on a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from reconciler.errors import NotFound, NotSent, OutcomeUnknown, Refused, RemoteError, Throttled
from reconciler.twilio.endpoint import Endpoint
from reconciler.twilio.failures import Idempotency
from reconciler.twilio.pace import Pace

Run = Callable[[Any], Any]


def now() -> float:
    """Return the seconds since the test began."""
    return asyncio.get_running_loop().time()


class Server:
    """Takes a second for each request; raises the errors of its script first, in order."""

    def __init__(self, *script: RemoteError) -> None:
        self.script = list(script)
        self.begun: list[float] = []
        self.in_flight = 0
        self.most_in_flight = 0

    async def send(self) -> str:
        """Stand for one request."""
        self.begun.append(now())
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        error = self.script.pop(0) if self.script else None
        await asyncio.sleep(1)
        self.in_flight -= 1
        if error is not None:
            raise error
        return "done"


async def many(pace: Pace, send: Callable[[], Awaitable[str]], count: int) -> list[str]:
    """Send *count* reads side by side."""
    return await asyncio.gather(*(pace.run(send, Idempotency.SAFE) for _ in range(count)))


def test_no_more_requests_are_in_flight_than_allowed(run: Run) -> None:
    """Thirty requests at a parallelism of ten take three rounds."""
    server = Server()

    async def main() -> float:
        await many(Pace(parallelism=10), server.send, 30)
        return now()

    assert run(main()) == pytest.approx(3)
    assert server.most_in_flight == 10


def test_throttling_halves_the_requests_in_flight(run: Run) -> None:
    """One 429 brings ten down to five."""
    pace = Pace(parallelism=10, backoff=0.1)

    run(pace.run(Server(Throttled("429", status=429)).send, Idempotency.SAFE))

    assert pace.limit == 5


def test_burst_of_throttling_halves_once(run: Run) -> None:
    """Eight requests begun together and refused together are one piece of news."""
    pace = Pace(parallelism=8, backoff=5)
    server = Server(*(Throttled("429", status=429) for _ in range(8)))

    run(many(pace, server.send, 8))

    assert pace.limit == 4


def test_throttling_never_stops_everything(run: Run) -> None:
    """Halving ends at one request in flight."""
    pace = Pace(parallelism=4, backoff=0.1)

    run(pace.run(Server(*(Throttled("429", status=429) for _ in range(6))).send, Idempotency.SAFE))

    assert pace.limit == 1


def test_successes_creep_back_up_to_the_parallelism(run: Run) -> None:
    """Twenty successes allow one more, and never more than was asked for."""
    pace = Pace(parallelism=4, backoff=0.1)
    server = Server(Throttled("429", status=429))
    limits = []

    async def main() -> None:
        await pace.run(server.send, Idempotency.SAFE)
        for _ in range(4):
            limits.append(pace.limit)
            await many(pace, server.send, 20)

    run(main())

    assert limits == [2, 3, 4, 4]


def test_fewer_slots_hold_for_requests_that_wait(run: Run) -> None:
    """After a halving, what was queued starts two at a time."""
    server = Server(*(Throttled("429", status=429) for _ in range(4)))

    run(many(Pace(parallelism=4, backoff=100), server.send, 12))

    assert max(server.begun.count(moment) for moment in server.begun if moment > 0) == 2


def test_changes_of_one_bucket_are_spaced(run: Run) -> None:
    """At ten per second, five changes of one conversation start a tenth of a second apart."""
    server = Server()

    async def main() -> None:
        pace = Pace(rate=10)
        await asyncio.gather(*(pace.run(server.send, Idempotency.IDEMPOTENT, bucket="CH1") for _ in range(5)))

    run(main())

    assert server.begun == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_spacing_holds_between_real_starts(run: Run) -> None:
    """Changes that had to wait for a slot do not start in a burst once there is one."""
    server = Server()

    async def main() -> None:
        pace = Pace(parallelism=2, rate=10)
        reads = [pace.run(server.send, Idempotency.SAFE) for _ in range(2)]
        changes = [pace.run(server.send, Idempotency.IDEMPOTENT, bucket="CH1") for _ in range(2)]
        await asyncio.gather(*reads, *changes)

    run(main())

    assert server.begun == pytest.approx([0, 0, 1, 1.1])


def test_buckets_and_reads_do_not_wait_for_each_other(run: Run) -> None:
    """The rate is counted by conversation, and reads are not counted."""
    server = Server()

    async def main() -> None:
        pace = Pace(rate=1)
        buckets = ("CH1", "CH2", None, None)
        await asyncio.gather(
            *(pace.run(server.send, Idempotency.IDEMPOTENT, bucket=bucket) for bucket in buckets)
        )

    run(main())

    assert server.begun == [0, 0, 0, 0]


def test_waiting_bucket_keeps_no_slot(run: Run) -> None:
    """A conversation with many changes to come does not hold up reads at a parallelism of two."""
    server = Server()

    async def main() -> None:
        pace = Pace(parallelism=2, rate=0.1)
        changes = [
            asyncio.create_task(pace.run(server.send, Idempotency.IDEMPOTENT, bucket="CH1")) for _ in range(4)
        ]
        await asyncio.sleep(2)
        await many(pace, server.send, 4)
        assert now() == 4
        await asyncio.gather(*changes)

    run(main())


def test_no_rate_means_no_spacing(run: Run) -> None:
    """A local server is asked as fast as it answers."""
    server = Server()

    async def main() -> None:
        pace = Pace(rate=None)
        await asyncio.gather(*(pace.run(server.send, Idempotency.IDEMPOTENT, bucket="CH1") for _ in range(5)))

    run(main())

    assert server.begun == [0] * 5


def test_repeated_changes_count_in_the_rate(run: Run) -> None:
    """An attempt is a request like any other."""
    server = Server(Throttled("429", status=429, retry_after=0.1))

    run(Pace(rate=0.1).run(server.send, Idempotency.NOT_IDEMPOTENT, bucket="CH1"))

    assert server.begun == [0, 10]


def test_retry_after_is_waited_for(run: Run) -> None:
    """What the server asks for replaces our own back-off."""
    server = Server(Throttled("429", status=429, retry_after=30))

    assert run(Pace().run(server.send, Idempotency.SAFE)) == "done"
    assert server.begun == [0, 31]


def test_back_off_grows_and_has_jitter(run: Run) -> None:
    """Without a `Retry-After` each wait is at least twice the last one, within its jitter."""
    server = Server(*(Throttled("429", status=429) for _ in range(4)))

    run(Pace(backoff=0.5).run(server.send, Idempotency.SAFE))

    waits = [later - earlier - 1 for earlier, later in zip(server.begun, server.begun[1:], strict=False)]
    for wait, least in zip(waits, (0.5, 1, 2, 4), strict=True):
        assert least <= wait <= least + 0.5


def test_back_off_keeps_no_slot(run: Run) -> None:
    """While one request waits for a minute, the others go on."""
    server = Server(Throttled("429", status=429, retry_after=60))

    async def main() -> None:
        pace = Pace(parallelism=1)
        throttled = asyncio.create_task(pace.run(server.send, Idempotency.SAFE))
        await asyncio.sleep(2)
        await pace.run(server.send, Idempotency.SAFE)
        assert now() == 3
        await throttled

    run(main())


def test_waiting_is_bounded(run: Run) -> None:
    """After max_wait the last error is raised, and tells how often and for how long."""
    server = Server(*(Throttled("Twilio answered 429", status=429, code=20429) for _ in range(1000)))

    async def main() -> None:
        with pytest.raises(Throttled, match=r"^Twilio answered 429 \(\d+ attempts in \d+ s\)$") as caught:
            await Pace(max_wait=60).run(server.send, Idempotency.NOT_IDEMPOTENT)
        assert caught.value.text == str(caught.value)
        assert caught.value.code == 20429
        assert now() <= 60 + 21

    run(main())


def test_retry_after_beyond_the_bound_is_not_waited_for(run: Run) -> None:
    """A server that asks for an hour gets an error at once, which says so."""

    async def main() -> None:
        server = Server(Throttled("429", status=429, retry_after=3600))
        with pytest.raises(Throttled, match="asks to wait 3600 s"):
            await Pace(max_wait=120).run(server.send, Idempotency.SAFE)
        assert now() == 1

    run(main())


def test_unknown_outcomes_are_tried_five_times(run: Run) -> None:
    """A server that is down is not asked for two minutes."""
    server = Server(*(OutcomeUnknown("503", status=503) for _ in range(100)))

    with pytest.raises(OutcomeUnknown, match="5 attempts"):
        run(Pace().run(server.send, Idempotency.SAFE))

    assert len(server.begun) == 5


def test_server_that_never_answered_is_tried_three_times(run: Run) -> None:
    """Most often the address is wrong, and waiting would not help."""
    server = Server(*(NotSent("refused") for _ in range(100)))

    with pytest.raises(NotSent):
        run(Pace().run(server.send, Idempotency.SAFE))

    assert len(server.begun) == 3


@pytest.mark.parametrize("first", [None, NotFound("gone", status=404)])
def test_server_that_answered_before_is_waited_for(run: Run, first: RemoteError | None) -> None:
    """A network that is gone for half a minute does not end a run; a refusal is an answer too."""
    server = Server(*([first] if first is not None else []))

    async def main() -> str:
        pace = Pace()
        await asyncio.gather(pace.run(server.send, Idempotency.SAFE), return_exceptions=True)
        server.script = [NotSent("refused")] * 6
        return await pace.run(server.send, Idempotency.NOT_IDEMPOTENT)

    assert run(main()) == "done"


READ, CHANGE, CREATE = Idempotency.SAFE, Idempotency.IDEMPOTENT, Idempotency.NOT_IDEMPOTENT


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (NotSent("no connection"), {READ, CHANGE, CREATE}),
        (Throttled("429", status=429, code=20429), {READ, CHANGE, CREATE}),
        (Throttled("429", status=429, code=50063), {READ, CHANGE, CREATE}),
        (OutcomeUnknown("500", status=500), {READ, CHANGE}),
        (OutcomeUnknown("reset"), {READ, CHANGE}),
        (Refused("busy", status=400, code=50514), {CHANGE}),
        (Refused("busy", status=409, code=50391), {CHANGE}),
        (Refused("busy", status=400, code=50449), {CHANGE}),
        (Refused("deleting", status=400, code=50334), {CHANGE}),
        (Refused("closed", status=400, code=50377), set()),
        (Refused("authenticate", status=401, code=20003), set()),
        (NotFound("gone", status=404, code=20404), set()),
        (RemoteError("the listing does not end"), set()),
    ],
    ids=lambda value: value.text if isinstance(value, RemoteError) else "",
)
@pytest.mark.parametrize("kind", Idempotency)
def test_what_is_sent_again(run: Run, error: RemoteError, again: set[Idempotency], kind: Idempotency) -> None:
    """A create only when the server surely did nothing; a read or change whenever it may help."""
    server = Server(error)

    if kind in again:
        assert run(Pace().run(server.send, kind)) == "done"
    else:
        with pytest.raises(type(error)) as caught:
            run(Pace().run(server.send, kind))
        assert caught.value is error
    assert len(server.begun) == 1 + (kind in again)


def test_an_uncertain_attempt_is_not_forgotten(run: Run) -> None:
    """A change that may have happened, and then could not be sent again, is unknown and not "not sent"."""
    server = Server(OutcomeUnknown("500", status=500), *(NotSent("refused") for _ in range(200)))

    with pytest.raises(OutcomeUnknown, match=r"^500 \("):
        run(Pace(max_wait=20).run(server.send, Idempotency.IDEMPOTENT))


def test_own_bugs_are_not_retried(run: Run) -> None:
    """Only what came from the remote side is tried again."""
    attempts = []

    async def send() -> str:
        attempts.append(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(Pace().run(send, Idempotency.SAFE))

    assert len(attempts) == 1


def test_timeout_of_another_kind_passes_through(run: Run) -> None:
    """Only the end of a back-off is turned into the last error."""
    errors: list[Exception] = [Throttled("429", status=429), TimeoutError("of somebody else")]

    async def send() -> str:
        raise errors.pop(0)

    with pytest.raises(TimeoutError, match="of somebody else"):
        run(Pace().run(send, Idempotency.SAFE))


def test_stop_ends_back_off_and_lets_requests_finish(run: Run) -> None:
    """What waits fails at once with what it knows; what is in flight is awaited."""
    throttled, fine = Server(Throttled("429", status=429, retry_after=60)), Server()

    async def main() -> None:
        pace = Pace(parallelism=2)
        waiting = asyncio.create_task(pace.run(throttled.send, Idempotency.NOT_IDEMPOTENT))
        await asyncio.sleep(1.5)
        flying = asyncio.create_task(pace.run(fine.send, Idempotency.NOT_IDEMPOTENT))
        queued = asyncio.create_task(pace.run(fine.send, Idempotency.NOT_IDEMPOTENT))
        await asyncio.sleep(0.1)
        pace.stop()
        results = await asyncio.gather(waiting, flying, queued, return_exceptions=True)
        assert [type(result) for result in results] == [Throttled, str, NotSent]
        assert now() == pytest.approx(2.5)

    run(main())
    assert len(throttled.begun) == len(fine.begun) == 1


def test_stop_lets_a_repeated_request_finish(run: Run) -> None:
    """An attempt in flight is awaited, even if it is not the first."""
    server = Server(Throttled("429", status=429, retry_after=1))

    async def main() -> str:
        pace = Pace()
        task = asyncio.create_task(pace.run(server.send, Idempotency.NOT_IDEMPOTENT))
        await asyncio.sleep(2.5)
        pace.stop()
        return await task

    assert run(main()) == "done"
    assert server.begun == [0, 2]


def test_stop_ends_the_wait_of_a_bucket(run: Run) -> None:
    """No change starts after the stop, and those in line do not wait for their turns."""
    server = Server()

    async def main() -> None:
        pace = Pace(rate=0.1)
        tasks = [
            asyncio.create_task(pace.run(server.send, Idempotency.IDEMPOTENT, bucket="CH1")) for _ in range(3)
        ]
        await asyncio.sleep(0.5)
        pace.stop()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert now() == pytest.approx(10)

    run(main())

    assert server.begun == [0]


def test_cancelling_gives_back_the_slot(run: Run) -> None:
    """A cancelled request leaves room for the next one."""
    server = Server()

    async def main() -> str:
        pace = Pace(parallelism=1)
        task = asyncio.create_task(pace.run(server.send, Idempotency.SAFE))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await pace.run(server.send, Idempotency.SAFE)

    assert run(main()) == "done"


@pytest.mark.parametrize(("endpoint", "starts"), [("twilio", [0, 1 / 30]), ("http://127.0.0.1", [0, 0])])
def test_rate_by_endpoint(run: Run, endpoint: str, starts: list[float]) -> None:
    """Twilio is asked thirty times a second and conversation; a server on this machine without bound."""
    environ = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "token"}
    server = Server()

    async def main() -> None:
        pace = Pace.of(Endpoint.parse(endpoint, environ))
        await asyncio.gather(*(pace.run(server.send, Idempotency.IDEMPOTENT, bucket="CH1") for _ in range(2)))

    run(main())

    assert server.begun == pytest.approx(starts)


def test_rate_asked_for_holds_on_this_machine_too(run: Run) -> None:
    """A given rate is a rate."""
    server = Server()

    async def main() -> None:
        pace = Pace.of(Endpoint.parse("emulator", {}), rate=2)
        await asyncio.gather(*(pace.run(server.send, Idempotency.IDEMPOTENT, bucket="CH1") for _ in range(2)))

    run(main())

    assert server.begun == pytest.approx([0, 0.5])


def test_machines_share_the_limits(run: Run) -> None:
    """Requests in flight, and the changes of a service; a conversation is changed by one of them alone."""
    pace = Pace(parallelism=10, rate=30, machines=3)
    server = Server()

    run(many(pace, server.send, 12))

    assert server.most_in_flight == 3
    assert spaced(run, "IS1") == pytest.approx(0.1)
    assert spaced(run, "CH1") == pytest.approx(1 / 30)


def test_each_machine_has_some_of_the_limits() -> None:
    """One request in flight, and one change a second, or fewer if so few are permitted."""
    assert Pace(parallelism=2, machines=7).limit == 1
    assert Pace(rate=4, machines=7)._service_spacing == 1
    assert Pace(rate=0.5, machines=7)._service_spacing == 2


def spaced(run: Run, bucket: str) -> float:
    """Return the seconds between two changes of one bucket, of three machines."""
    pace = Pace(parallelism=10, rate=30, machines=3)
    begun: list[float] = []

    async def send() -> str:
        begun.append(now())
        return "done"

    async def twice() -> None:
        for _ in range(2):
            await pace.run(send, Idempotency.SAFE, bucket=bucket)

    run(twice())
    first, second = begun
    return second - first
