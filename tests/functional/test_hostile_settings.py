"""A settings file as a stranger's pull request may bring it: refused, nothing is written, nothing is sent."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli.root import cli
from reconciler.emulator import Emulator
from reconciler.emulator.server import running
from reconciler.errors import ReconcilerError
from tests.support.project import environ_of

MANIFEST = """\
version: 1
services: {desk: {conversations: {order: {messages: [{key: hello, body: Hello}]}}}}
"""
NAMES = (
    *("allow_insecure_endpoint", "allow_env", "allow_close", "allow_delivery", "allow_recreate", "adopt"),
    *("auto_approve", "bodies", "config", "duplicate", "encryption_key", "encryption_key_command", "env"),
    *("format", "force", "host", "hook", "include", "key_command", "max_delete", "max_messages", "max_wait"),
    *("out", "password", "plugins", "replace", "reset", "run", "settle", "shell", "state_host", "target"),
    *("token", "TWILIO_AUTH_TOKEN", "var", "var_file", "__proto__", "<<"),
)
"""Names that are not allowed: what could run, lead elsewhere, relax a guard or hold a credential."""
PLACES = (
    *("../outside/x", "{outside}/x", "/dev/null", "/dev/zero", "/proc/self/environ", "link", "link/x"),
    *("a/../../outside/x", "folder/x"),
)
"""Paths that lead out of the folder, also by a link, or to a device."""
ADDRESSES = (
    *(
        "ftp://example.com/x",
        "file:///etc/passwd",
        "git:ext::sh -c id",
        "git:--upload-pack=id?ref=refs/x",
        "git:refs/heads/main",
        "git:origin?ref=refs/tags/v1",
        "git:origin?ref=refs/a/b&upload-pack=id",
        "git:ext::id?ref=refs/a/b",
        "git:../outside?ref=refs/a/b",
        "git:file:///x?ref=refs/a/b",
        "git:https://evil.example/x?ref=refs/a/b",
        "git:ssh://-oProxyCommand=id/x?ref=refs/a/b",
        "git:https://me:geheim@evil.example/x?ref=refs/a/b",
        "fd://7",
        "data://x/../../outside/x",
    ),
    *(
        "s3://me:geheim@bucket/x",
        "s3://evil.example:443/x",
        "az://account.blob.example.com/x",
        "gs://bucket/../x",
    ),
    *(
        "s3://bucket/x?endpoint=http://evil.example",
        "s3://bucket/x#y",
        "az://states/x?sig=geheim",
        "s3://-x/--y z",
    ),
    *("https://evil.example/x", "http://127.0.0.1.evil.example/x", "http://evil.example/x"),
    *("https://me:geheim@example.com/x", "postgresql://me:geheim@example.com/x", "x://?password=geheim"),
)
"""Addresses of a kind that is not known, that lead elsewhere, or with a password."""
TEXTS = {
    "a tag": "state: !!python/object/apply:os.system [id]\n",
    "a merge key": "a: &a {state: x}\n<<: *a\n",
    "an alias bomb": "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
    + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)),
    "a cycle": "variables: &a {x: *a}\n",
    "a duplicate": "state: a\nstate: ../outside/x\n",
    "two documents": "state: a\n---\nstate: ../outside/x\n",
    "a hidden line": "# x\u2028state: ../outside/x\n",
    "depth": "variables: {x: " + "[" * 200 + "]" * 200 + "}\n",
    "a NUL": 'state: "a\\0b"\n',
    "a manifest": MANIFEST,
    "a nested environment": "environments: {a: {environments: {b: {}}}}\n",
    "an endpoint": "endpoint: http://example.com\n",
    "an emulator's file": "endpoint: emulator:../outside/x.db\n",
    "clear files": "encryption: none\n",
    "bytes": "state: \udcff\n",
}
"""Tricks of YAML, and values that are not allowed."""


def tricks() -> dict[str, str]:
    """Return the texts of hostile settings files by what each tries."""
    found = {f"the name {name}": f"{name}: x\n" for name in NAMES}
    found |= {f"the name {name} in an environment": f"environments: {{e: {{{name}: x}}}}\n" for name in NAMES}
    for place in PLACES:
        for setting in ("state", "manifests", "var_files"):
            found[f"{setting} at {place}"] = f"{setting}: '{place}'\n"
            found[f"{setting} at {place} in an environment"] = (
                f"environments: {{e: {{{setting}: '{place}'}}}}\n"
            )
    found |= {f"the state {address}": f"state: '{address}'\n" for address in ADDRESSES}
    return found | TEXTS


def a_pipe(path: Path) -> None:
    """Put a named pipe there."""
    os.mkfifo(path)


def a_device(path: Path) -> None:
    """Put a link to a device without an end there."""
    path.symlink_to("/dev/zero")


def a_link(path: Path) -> None:
    """Put a link to a file outside there."""
    path.symlink_to("../outside/secret")


def a_folder(path: Path) -> None:
    """Put a folder there."""
    path.mkdir()


def ten_gigabytes(path: Path) -> None:
    """Put a huge file there, which takes no room."""
    with path.open("wb") as file:
        file.truncate(10 * 1024**3)


FILES: tuple[Callable[[Path], None], ...] = (a_pipe, a_device, a_link, a_folder, ten_gigabytes)


def test_every_hostile_settings_file_is_refused(
    remote: Emulator,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever it tries: `apply --auto-approve` reads it, says why not, and does nothing."""
    home, outside = tmp_path / "home", tmp_path / "outside"
    for folder in (home, home / "manifests", outside):
        folder.mkdir()
    (home / "manifests/desk.yaml").write_text(MANIFEST, encoding="utf-8")
    (outside / "secret").write_text("state: x\n", encoding="utf-8")
    (home / "link").symlink_to(outside)
    (home / "folder").symlink_to("../outside")
    monkeypatch.chdir(home)
    settings = home / "reconciler.yaml"
    before = {str(path) for path in tmp_path.rglob("*")}
    refused = 0

    def refuse(what: str) -> None:
        nonlocal refused
        ran = CliRunner().invoke(cli, ["apply", "--auto-approve"])
        assert isinstance(ran.exception, ReconcilerError), f"{what}: {ran.output} {ran.exception!r}"
        assert "geheim" not in f"{ran.exception}{ran.output}", what
        refused += 1

    with running(remote) as url:
        caches = str(tmp_path_factory.mktemp("caches"))
        for name, value in (environ_of(url) | {"XDG_CACHE_HOME": caches}).items():
            monkeypatch.setenv(name, value)
        for what, text in tricks().items():
            data = text.replace("{outside}", str(outside)).encode("utf-8", "surrogateescape")
            settings.write_bytes(data)
            refuse(what)
        settings.unlink()
        for put in FILES:
            put(settings)
            refuse(put.__name__)
            settings.rmdir() if settings.is_dir() and not settings.is_symlink() else settings.unlink()
        assert not remote.requests

    assert {str(path) for path in tmp_path.rglob("*")} == before
    assert refused == len(tricks()) + len(FILES)
    assert refused > 120
