"""The objects that all requests of one emulator share."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from shutil import copyfileobj
from typing import Final, NamedTuple, TypeAlias

from reconciler.emulator import wire
from reconciler.emulator.call import Call, new_body
from reconciler.emulator.errors import ApiError
from reconciler.emulator.faults import FaultScript
from reconciler.emulator.options import EmulatorOptions
from reconciler.emulator.routes import Operation
from reconciler.emulator.store import Store
from reconciler.emulator.webhooks.engine import Webhooks
from reconciler.emulator.wire import Reply

Sleep: TypeAlias = Callable[[float], Awaitable[None]]
LOGGED_REQUESTS: Final = 100_000


class Handled(NamedTuple):
    """One request of the log; *kind* is empty for an unknown path, and *status* is None after a reset."""

    method: str
    path: str
    kind: str
    status: int | None
    faults: tuple[str, ...] = ()
    """The actions of the scripted faults that struck, in the notation of `fault_text`."""


class _Delayed(NamedTuple):
    due: datetime
    operation: Operation
    call: Call


@dataclass(slots=True)
class Site:
    """One store with its settings, its faults, and the log of the last requests."""

    store: Store
    options: EmulatorOptions
    faults: FaultScript
    sleep: Sleep
    requests: deque[Handled] = field(default_factory=lambda: deque(maxlen=LOGGED_REQUESTS))
    in_flight: int = 0
    webhooks: Webhooks = field(init=False)
    _delayed: list[_Delayed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.webhooks = Webhooks(self.options)

    def handle(self, operation: Operation, call: Call) -> Reply:
        """Carry out one operation."""
        try:
            with self.store.behind(call.trouble.stale_seconds):
                return operation.handle(call)
        except ApiError as refusal:
            return wire.error(refusal, call.path)

    def delay(self, operation: Operation, call: Call, seconds: float) -> None:
        """Carry out an operation after *seconds*, when its client has stopped waiting for the reply."""
        kept = new_body()  # `catch_up` closes it
        call.body.seek(0)
        copyfileobj(call.body, kept)  # the request's own body is closed with the request
        due = self.store.clock() + timedelta(seconds=seconds)
        self._delayed.append(_Delayed(due, operation, replace(call, body=kept)))

    def catch_up(self, *, everything: bool = False) -> None:
        """Carry out the delayed operations that are due, or all of them, and report timers that ran out."""
        self.webhooks.report_timers(self.store)
        if not self._delayed:
            return
        now = self.store.clock()
        due = [delayed for delayed in self._delayed if everything or delayed.due <= now]
        self._delayed = [delayed for delayed in self._delayed if delayed not in due]
        for delayed in sorted(due, key=lambda delayed: delayed.due):
            with delayed.call.body, self.store.at(min(delayed.due, now)):
                operation = delayed.operation
                self.webhooks.behind(operation.kind, delayed.call, partial(self.handle, operation))
