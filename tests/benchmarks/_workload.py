"""A workload without changes: manifests, an emulator that holds their messages, and the state."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.emulator import Emulator
from reconciler.state.model import State
from reconciler.state.remembered import Binding
from reconciler.state.stores.file import StateStore, new_state
from tests.benchmarks._process import RECONCILER

TOKEN = "token"
_SETTINGS = ("TWILIO_", "RECONCILER_", "PYTHONDONTWRITEBYTECODE")
_FILES = 10
_WORDS = "Thank you for your patience, your parcel left our house today and will arrive on "


@dataclass(frozen=True, slots=True)
class Workload:
    """A served workload; *url* is where the emulator answers."""

    manifests: Path
    state: Path
    url: str
    conversations: tuple[tuple[str, str], ...]
    """Service and conversation sids."""
    account_sid: str

    @property
    def folder(self) -> Path:
        """Where commands are run."""
        return self.manifests.parent

    def forget(self) -> None:
        """Delete what earlier commands have kept of the manifests."""
        shutil.rmtree(self._caches, ignore_errors=True)

    @property
    def _caches(self) -> Path:
        return self.manifests.parents[1] / "caches"

    def plan(self) -> list[str]:
        """Return the command that plans it."""
        return [
            *(RECONCILER, "plan", str(self.manifests), "--endpoint", self.url),
            *("--state", str(self.state), "--format", "json"),
        ]

    @property
    def environ(self) -> dict[str, str]:
        """The environment with this workload's credentials, nobody's settings, and modules compiled once."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
        return {
            **kept,
            "TWILIO_ACCOUNT_SID": self.account_sid,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "XDG_CACHE_HOME": str(self._caches),
        }


@contextmanager
def served(folder: Path, messages: int, conversations: int) -> Iterator[Workload]:
    """Make a workload of *messages* spread over *conversations*, and serve it from another process."""
    folder.mkdir()
    manifests = folder / "manifests"
    data = folder / "emulator.db"
    _write_manifests(manifests, messages, conversations)
    with closing(Emulator(data)) as emulator:
        state, sids = _fill(emulator, messages, conversations)
    with serving(data) as url:
        state.origin = url
        store = StateStore(folder / "state.json")
        store.read()
        store.write(state)
        yield Workload(manifests, folder / "state.json", url, sids, state.account_sid)


@contextmanager
def serving(data: Path, *arguments: str) -> Iterator[str]:
    """Serve the emulator's file *data* from a process of its own, and yield where."""
    command = [RECONCILER, "emulator", "--port", "0", "--data", str(data), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            yield line.partition(" on ")[2].partition(" ")[0]
        finally:
            server.terminate()


def _write_manifests(folder: Path, messages: int, conversations: int) -> None:
    folder.mkdir()
    each = messages // conversations
    files = min(_FILES, conversations)
    for file in range(files):
        with (folder / f"part-{file}.yaml").open("w") as out:
            out.write("version: 1\nservices:\n  bench:\n    conversations:\n")
            for conversation in range(file, conversations, files):
                out.write(f"      order-{conversation}:\n        messages:\n")
                for number in range(each):
                    said = _said(conversation, number)
                    out.write(
                        f"          - key: message-{number}\n"
                        f"            author: {said['author']}\n"
                        f"            body: {said['body']}\n"
                        f"            attributes: {{importance: high, seen: {_bool(number)}}}\n"
                        f"            date_created: {said['date_created']}\n"
                    )


def _said(conversation: int, number: int) -> dict[str, str]:
    """Return the fields of one message, by their names here, with canonical texts."""
    return {
        "author": f"agent-{number % 7}",
        "body": (_WORDS + f"{number} {conversation}")[-80:].strip().ljust(80, "."),
        "attributes": f'{{"importance":"high","seen":{_bool(number)}}}',
        "date_created": f"2026-01-{number // 86_400 % 28 + 1:02}"
        f"T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z",
    }


def _bool(number: int) -> str:
    return "true" if number % 2 else "false"


def _fill(emulator: Emulator, messages: int, conversations: int) -> tuple[State, tuple[tuple[str, str], ...]]:
    """Create everything in *emulator*, and return the state of whoever did so."""
    store = emulator.store
    state = new_state(store.account_sid, "")
    sids = []
    with store.transaction():
        service = store.services.create({"FriendlyName": "bench"}).sid
        state.bindings["bench"] = Binding(
            service, created=True, sent={"friendly_name": state.digest("friendly_name", "bench")}
        )
        for one in range(conversations):
            name = f"order-{one}"
            sid = store.conversations.create(service, {"UniqueName": name}).sid
            sids.append((service, sid))
            state.bindings[f"bench/{name}"] = Binding(
                sid, service, created=True, sent={"unique_name": state.digest("unique_name", name)}
            )
            for number in range(messages // conversations):
                said = _said(one, number)
                created = store.messages.create(
                    service,
                    sid,
                    {
                        "Author": said["author"],
                        "Body": said["body"],
                        "Attributes": said["attributes"],
                        "DateCreated": said["date_created"],
                    },
                )
                state.bindings[f"bench/{name}/message-{number}"] = Binding(
                    created.sid,
                    service,
                    sid,
                    number,
                    {field: state.digest(field, value) for field, value in said.items()},
                )
    return state, tuple(sids)
