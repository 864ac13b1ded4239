"""What is given damaged input: one function for each kind, which makes it from a source of chance.

Each raises nothing but `ReconcilerError`, whatever it makes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Final
from zlib import crc32

import httpx

from reconciler.emulator import Emulator
from reconciler.manifest.inputs import Inputs
from reconciler.manifest.load import load
from reconciler.manifest.yaml.reader import read
from reconciler.model import Desired
from reconciler.operations.apply import plan_and_apply
from reconciler.operations.drift import look_for_drift
from reconciler.operations.export import Selection, export
from reconciler.operations.plan import make_plan
from reconciler.operations.session import Settings
from reconciler.planner.timeline import resolve_times
from reconciler.plans import planfile
from reconciler.plans.options import Options
from reconciler.plans.planfile import SavedPlan, decode_plan, encode_plan
from reconciler.report.text import render_plan
from reconciler.runtime.interrupts import Interrupts
from reconciler.state import journal
from reconciler.state.document import decode, decode_lines
from reconciler.state.journal import replay
from reconciler.state.stores.file import StateStore
from tests.fuzz.mutations import bent, damaged
from tests.support.desk import Desk
from tests.support.jumping import run_jumping

ROOT: Final = Path(__file__).parents[2]
_STRUCTURED: Final = 0.6
"""Share of inputs that are still JSON, and wrong only in what it says."""
NOW: Final = datetime(2026, 1, 5, tzinfo=UTC)
DESK: Final = """version: 1
variables:
  v: {type: string, default: x}
services:
  desk:
    friendly_name: Desk
    conversations:
      c:
        order: strict
        attributes: {a: [1, {b: null}]}
        timers: {inactive: PT10M, closed: PT1H}
        bindings: {email: {address: a@b.example}}
        participants: [{identity: alice, attributes: {x: 1}}]
        timeline: {start: -3d 09:00, step: 40s}
        messages:
          - {key: a, author: alice, body: "Hello ${var.v}", attributes: {x: 1}, at: +5m}
          - {key: b, body: There, lifecycle: {ignore_changes: [attributes.y], prevent_destroy: true}}
      d: {unmanaged: delete, messages: [{key: a, body: One, date_created: 2026-01-05T09:00:00Z}]}
"""
FAN_OUT: Final = """version: 1
services:
  desk:
    conversations:
      c:
        for_each: {file: FILE, key: id}
        messages: [{key: a, body: "${each.value.text}", attributes: {x: "${each.value.more}"}}]
"""
TALK: Final = """version: 1
services: {desk: {conversations: {c: {timeline: {start: -3d 09:00}, messages: [{from: FILE}]}}}}
"""
FILES: Final = {
    "rows.csv": b'id,text,more\na,Hello,1\nb,"There, again",2\n',
    "rows.jsonl": b'{"id": "a", "text": "Hello", "more": {"x": 1}}\n{"id": "b", "text": "x", "more": [1]}\n',
    "rows.json": b'[{"id": "a", "text": "Hello", "more": null}, {"id": "b", "text": "x", "more": 1.5}]',
    "talk.csv": b"key,author,body,at\na,alice,Hello,+5m\nb,bob,There,+1h\n",
}


class Target:
    """Damaged input of every kind, made in *folder*."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        manifests = [*ROOT.glob("examples/**/*.yaml"), *ROOT.glob("tests/manifests/**/*.yaml")]
        self._manifests = [DESK.encode(), *(path.read_bytes() for path in sorted(manifests))]
        self._desk = read(DESK).value
        with Desk(folder) as desk:
            desk.apply(DESK)
            self._state = StateStore(desk.state_path).path.read_bytes()
            desk.fault("create_message:reset_after")
            self._plan = desk.plan(DESK.replace("There", "Here").replace("One", "Two"), Options(max_delete=9))
        self.kinds: dict[str, Callable[[Random], None]] = {
            "manifest": self.manifest,
            "data": self.data,
            "state": self.state,
            "journal": self.journal,
            "plan": self.plan,
            "replies": self.replies,
        }

    def manifest(self, random: Random) -> None:
        """Load a damaged manifest, values of variables included."""
        file = self._folder / "manifest.yaml"
        data = damaged(random.choice(self._manifests), random)
        if random.random() < _STRUCTURED:
            data = json.dumps(bent(self._desk, random)).encode()  # JSON is YAML
        file.write_bytes(data)
        values = self._folder / "values.yaml"
        values.write_bytes(damaged(b"v: x\nw: {a: [1, 2]}\n", random))
        resolve_times(load([file], Inputs(files=random.choice(((), (), (values,))))), None, NOW)

    def data(self, random: Random) -> None:
        """Load a manifest with a damaged data file."""
        name = random.choice(list(FILES))
        (self._folder / name).write_bytes(damaged(FILES[name], random))
        file = self._folder / "fan-out.yaml"
        file.write_text((TALK if name == "talk.csv" else FAN_OUT).replace("FILE", name))
        load([file])

    def state(self, random: Random) -> None:
        """Read a damaged state, and plan by it if it can be read."""
        data = self._state
        if random.random() < _STRUCTURED:
            data = json.dumps(bent(json.loads(data), random)).encode()
        else:
            data = damaged(data, random)
        emulator = Emulator()
        try:
            store, known = emulator.store, json.loads(self._state)
            data = data.replace(known["account_sid"].encode(), store.account_sid.encode())
            data = data.replace(known["origin"].encode(), f"emulator:{store.store_id}".encode())
            decode_lines(data.splitlines(keepends=True))
            decode(data, "state")
            file = self._folder / "damaged.state.json"
            file.write_bytes(data)
            settings = Settings(endpoint=emulator, state=file, settle=0)
            render_plan(run_jumping(make_plan(self._desired(), settings, Options())).plan)
        finally:
            emulator.close()

    def journal(self, random: Random) -> None:
        """Replay damaged records whose checksums are right."""
        state = decode(self._state, "state")
        header = {"format_version": journal.FORMAT_VERSION, "lineage": state.lineage, "serial": state.serial}
        binding = json.loads(self._state)["bindings"]["desk/c/a"]
        records = [
            {"record": "opened", "intent": {"address": "desk/c/x", "match": "0", "sent": {"body": "1"}}},
            {"record": "bound", "address": "desk/c/x", "binding": binding},
            {"record": "moved", "previous": "desk/c/a", "address": "desk/c/z"},
            {"record": "closed", "address": "desk/c/x"},
            {"record": "unbound", "address": "desk/c/b"},
            {"record": "plan_used", "plan_id": "x"},
        ]
        values = [header, *([record] for record in records)]
        at = random.randrange(len(values))
        crc, data = 0, b""
        for number, value in enumerate(values):
            payload = json.dumps(bent(value, random) if number == at else value).encode()
            if number == at and random.random() < 0.3:
                payload = damaged(payload, random).replace(b"\n", b"")
            crc = crc32(payload, crc)
            data += b"%08x %s\n" % (crc, payload)
        replay(state, damaged(data, random) if random.random() < 0.2 else data, "journal")

    def plan(self, random: Random) -> None:
        """Read a damaged plan whose seal is right, and show it if it can be read."""
        saved = self._saved()
        body, seal, _ = saved.rpartition(b',"seal":"sha256:')
        value = json.loads(body + b"}")
        data = json.dumps(bent(value, random), separators=(",", ":")).encode()
        if random.random() < 0.3:
            data = damaged(data, random)
        data = data.removesuffix(b"}")
        data += seal + sha256(data).hexdigest().encode() + b'"}\n'
        render_plan(decode_plan(data).plan)

    def replies(self, random: Random) -> None:
        """Plan, apply, look for drift and export over a server whose replies are damaged."""
        server = Replies(random, damage=random.choice((0.05, 0.3, 1)))
        file = self._folder / "replies.state.json"
        file.unlink(missing_ok=True)
        Path(f"{file}.journal").unlink(missing_ok=True)
        settings = Settings(endpoint=server.emulator, state=file, settle=1, max_wait=1)
        try:
            if random.random() < 0.5:
                server.damage, damage = 0, server.damage
                run_jumping(self._apply(settings))
                server.damage = damage
            work = random.choice((self._apply, self._plan_of, self._drift, self._export))
            run_jumping(work(settings))
        finally:
            server.emulator.close()

    async def _apply(self, settings: Settings) -> None:
        watcher = Watcher()
        await plan_and_apply(
            self._desired(), settings, Options(), approve=lambda _: watcher, interrupts=Interrupts()
        )

    async def _plan_of(self, settings: Settings) -> None:
        render_plan((await make_plan(self._desired(), settings, Options(adopt=True))).plan)

    async def _drift(self, settings: Settings) -> None:
        await look_for_drift(self._desired(), settings)

    async def _export(self, settings: Settings) -> None:
        await export(Selection(services=(), conversations=()), settings)

    def _desired(self) -> Desired:
        file = self._folder / "desk.yaml"
        file.write_text(DESK)
        return load([file])

    def _saved(self) -> bytes:
        now, account = "2026-01-05T09:00:00Z", "AC" + "0" * 32
        version = planfile.FORMAT_VERSION
        return encode_plan(SavedPlan(version, "id", "0.1.0", now, account, "emulator:x", self._plan))


class Watcher:
    """Watches an apply, and says nothing."""

    def started(self, action: object) -> None:
        """Let an action begin."""

    def halfway(self, action: object, sid: str | None) -> None:
        """Let a replacement go on."""

    def finished(self, result: object) -> None:
        """Let an action end."""


class Replies:
    """An emulator of which each reply is damaged with the probability *damage*."""

    def __init__(self, random: Random, damage: float) -> None:
        self.damage = damage
        self._random = random
        self.emulator = Emulator()
        self._inner = self.emulator.transport()
        self.emulator.transport = lambda: httpx.MockTransport(self._answer)  # type: ignore[method-assign]

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        data = await response.aread()
        headers = {"Date": response.headers["Date"]}
        if self._random.random() < self.damage:
            if data and self._random.random() < 0.7:
                data = json.dumps(bent(json.loads(data), self._random)).encode()
            else:
                data = damaged(data, self._random)
            if self._random.random() < 0.1:
                headers = {"Date": "Fri, 31 Dec 9999 23:59:59 GMT", "Retry-After": "-1"}
        return httpx.Response(response.status_code, headers=headers, content=data)
