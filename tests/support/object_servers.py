"""Real servers of objects, each in a process on this machine: SeaweedFS for S3, Azurite for Azure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import httpx
import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, ObjectStore, S3Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config

ROOT: Final = Path(__file__).parents[2]
BUCKET: Final = "states"
AZURITE: Final = "azurite@3.35.0"
KEY, SECRET = "a-key", "a-secret-that-is-sent-nowhere"
_ACCOUNT: Final = "devstoreaccount1"
_ACCOUNT_KEY: Final = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
"""The account that Azurite documents for everyone."""
_START_SECONDS: Final = 60.0
_GRPC: Final = 10_000
"""How much higher the second port of each service of SeaweedFS is."""


@dataclass(frozen=True)
class Server:
    """A server that runs, with one empty bucket."""

    name: str
    scheme: str
    """`s3` or `az`."""
    environ: Mapping[str, str]
    """The variables by which clients find it."""

    def address(self, prefix: str) -> str:
        """Return the address of a state there."""
        return f"{self.scheme}://{BUCKET}/{prefix}"

    def store(self, prefix: str = "") -> ObjectStore:
        """Return a client of its own, which shows what is stored."""
        client: ClientConfig = {"allow_http": True}
        if self.scheme == "s3":
            keys = {name.removeprefix("AWS_").lower(): value for name, value in self.environ.items()}
            config = cast("S3Config", keys)
            return S3Store(BUCKET, prefix=prefix, config=config, client_options=client)
        return AzureStore(
            BUCKET,
            prefix=prefix,
            config={
                "endpoint": f"{self.environ['AZURITE_BLOB_STORAGE_URL']}/{_ACCOUNT}",
                "account_name": _ACCOUNT,
                "account_key": _ACCOUNT_KEY,
            },
            client_options=client,
        )

    def content(self, prefix: str) -> dict[str, bytes]:
        """Return every object below *prefix*."""
        store = self.store(prefix)
        listed = obstore.list(store).collect()
        return {one["path"]: bytes(obstore.get(store, one["path"]).bytes()) for one in listed}

    def replace(self, prefix: str, content: Mapping[str, bytes]) -> None:
        """Make *content* all that is below *prefix*."""
        store = self.store(prefix)
        there = [one["path"] for one in obstore.list(store).collect()]
        obstore.delete(store, [name for name in there if name not in content])
        for name, data in content.items():
            obstore.put(store, name, data)


@contextmanager
def seaweedfs(folder: Path) -> Iterator[Server]:
    """Serve S3 from *folder*."""
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or "weed"
    users = {
        "identities": [
            {
                "name": "tests",
                "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
                "actions": ["Admin", "Read", "Write", "List"],
            }
        ]
    }
    (folder / "users.json").write_text(json.dumps(users), encoding="utf-8")
    ports = [_free(beside=_GRPC) for _ in range(4)]
    names = ("-s3.port", "-master.port", "-volume.port", "-filer.port")
    command = [
        program,
        *("server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false"),
        *(f"{name}={port}" for name, port in zip(names, ports, strict=True)),
        *("-s3", f"-s3.config={folder / 'users.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-filer.localSocket={folder / 'filer'}", f"-s3.localSocket={folder / 's3'}"),
        *("-volume.max=16", "-master.volumeSizeLimitMB=64"),
    ]
    environ = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports[0]}",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }
    server = Server("SeaweedFS", "s3", environ)

    def make_bucket() -> None:
        obstore.put(server.store("first"), "object", b"")  # which makes the bucket, and then a volume
        obstore.delete(server.store("first"), "object")

    with _running(command, folder, make_bucket):
        yield server
    for port in ports:  # the sockets that a killed server leaves
        for socket_file in Path("/tmp").glob(f"seaweedfs-*-{port + _GRPC}.sock"):
            socket_file.unlink(missing_ok=True)


@contextmanager
def azurite(folder: Path) -> Iterator[Server]:
    """Serve Azure's blobs from memory; the program is installed into `build/azurite` by npm."""
    into = ROOT / "build" / "azurite"
    if not (into / "node_modules" / ".bin" / "azurite-blob").exists():
        into.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(into), AZURITE],
            check=True,
        )
    port = _free()
    command = [
        str(into / "node_modules" / ".bin" / "azurite-blob"),
        *("--blobHost", "127.0.0.1", "--blobPort", str(port)),
        *("--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck", "--silent"),
    ]
    url = f"http://127.0.0.1:{port}"
    environ = {"AZURE_STORAGE_USE_EMULATOR": "true", "AZURITE_BLOB_STORAGE_URL": url}
    with _running(command, folder, lambda: _make_container(url)):
        yield Server("Azurite", "az", environ)


SERVERS: Final = {"SeaweedFS": seaweedfs, "Azurite": azurite}


def _make_container(url: str) -> None:
    """Make the container by a signed request, which obstore has none for."""
    date, version = formatdate(usegmt=True), "2021-08-06"
    path = f"/{_ACCOUNT}/{BUCKET}"
    text = (
        "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:{version}\n/{_ACCOUNT}{path}\nrestype:container"
    )
    digest = hmac.new(base64.b64decode(_ACCOUNT_KEY), text.encode(), hashlib.sha256).digest()
    signature = base64.b64encode(digest).decode()
    headers = {
        "x-ms-date": date,
        "x-ms-version": version,
        "Authorization": f"SharedKey {_ACCOUNT}:{signature}",
    }
    reply = httpx.put(f"{url}{path}", params={"restype": "container"}, headers=headers, trust_env=False)
    reply.raise_for_status()


@contextmanager
def _running(command: Sequence[str], folder: Path, is_ready: Callable[[], None]) -> Iterator[None]:
    """Run *command* until the block ends; it is killed, as what it keeps is kept for nobody."""
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=output,
            stderr=output,
            env={**os.environ, "NO_PROXY": "127.0.0.1", "TMPDIR": str(folder)},
        )
    try:
        until = time.monotonic() + _START_SECONDS
        while True:
            with suppress(BaseError, httpx.HTTPError):
                is_ready()
                break
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"`{command[0]}` did not start\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


def _free(beside: int = 0) -> int:
    """Return a port that is free, and so is the one that is higher by *beside*."""
    while True:
        with closing(socket.create_server(("127.0.0.1", 0))) as found:
            port: int = found.getsockname()[1]
        with suppress(OSError, OverflowError), closing(socket.create_server(("127.0.0.1", port + beside))):
            return port
