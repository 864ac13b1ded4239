"""What once ended in a traceback: each is one error in one line, with what to do next where there is that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ACCOUNT, ROOT, Project

MANIFEST = """version: 1
variables:
  v: {type: string, default: x}
services:
  desk:
    conversations:
      c:
        messages:
          - {key: a, body: Hello, attributes: {seen: "${var.v}"}}
"""
TWILIO = {
    "RECONCILER_ENDPOINT": "twilio",
    "RECONCILER_MAX_WAIT": "0",
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_AUTH_TOKEN": "sesame",
    "NO_PROXY": "",
}
NOT_UTF8 = "a\udcff"
"""What Python makes of a byte of the command line or the environment that is not UTF-8."""


@pytest.fixture
def desk(project: Project) -> Project:
    """A project with one manifest."""
    project.write("manifests/desk.yaml", MANIFEST)
    return project


def error(project: Project, *arguments: str) -> str:
    """Return the first line of what `reconciler ARGUMENTS` complains about."""
    ran = project.run(*arguments, check=1)
    return ran.err.splitlines()[0]


# The environment


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSLKEYLOGFILE"])
@pytest.mark.parametrize("value", ["nowhere/x", ".", "manifests/desk.yaml/x"])
def test_tls_files_that_cannot_be_used(desk: Project, name: str, value: str) -> None:
    """Certificates are read before anything is sent."""
    desk.environ |= TWILIO | {name: str(desk.folder / value)}

    assert error(desk, "plan").startswith("error: the certificates for TLS cannot be read: ")


def test_a_tls_file_without_certificates(desk: Project) -> None:
    """A manifest is none."""
    desk.environ |= TWILIO | {"SSL_CERT_FILE": str(desk.folder / "manifests/desk.yaml")}

    assert error(desk, "plan").startswith("error: the certificates for TLS cannot be read: ")


@pytest.mark.parametrize(
    "proxy",
    [
        "http://[",
        "http://a:99999999",
        "http://",
        "http://127.0.0.1:0",
        "x",
        "http://xn--a.b:1",
        f"http://{NOT_UTF8}:p@h:1",
    ],
)
def test_a_proxy_that_is_no_address(desk: Project, proxy: str) -> None:
    """The variable is named; its value may hold a password."""
    desk.environ |= TWILIO | {"https_proxy": proxy, "HTTPS_PROXY": proxy}

    assert error(desk, "plan") == "error: HTTPS_PROXY is no http:// or https:// address"


@pytest.mark.parametrize("field", ["attributes: {seen: N}", "body: N", "author: N, body: x"])
@pytest.mark.parametrize("way", ["option", "variable", "environment"])
def test_a_value_that_is_not_utf8(desk: Project, field: str, way: str) -> None:
    """It is refused where it comes in, whatever it would become."""
    text = '"${env.V}"' if way == "environment" else '"${var.v}"'
    body = field if "body" in field else f"{field}, body: x"
    desk.write(
        "manifests/desk.yaml",
        MANIFEST.partition("          - ")[0] + f"          - {{key: a, {body.replace('N', text)}}}\n",
    )
    desk.environ |= {"RECONCILER_VAR_v": NOT_UTF8} if way == "variable" else {}
    desk.environ |= {"V": NOT_UTF8} if way == "environment" else {}
    flags = {"option": ("--var", f"v={NOT_UTF8}"), "environment": ("--allow-env", "V")}.get(way, ())

    what = {
        "option": "`--var v`",
        "variable": "the environment variable RECONCILER_VAR_v",
        "environment": "the environment variable V",
    }[way]
    assert error(desk, "plan", *flags) == f"error: {what} is not UTF-8"


# Places


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        (f"http://127.0.0.1:9/{'a' * 70_000}", "`--endpoint` has 70,019 characters; the limit is 2,000"),
        ("http://127.0.0.1:9/a\x01b", "`--endpoint` is neither a known name nor an address"),
        ("http://127.0.0.1:9/a\tb", "`--endpoint` is neither a known name nor an address"),
        ("http://127.0.0.1:9/a\x85b", "`--endpoint` is neither a known name nor an address"),
        ("http://127.0.0.1:9/a b", "`--endpoint` is neither a known name nor an address"),
        (
            "emulator:manifests/desk.yaml/x",
            "cannot open the emulator's data file `manifests/desk.yaml/x`: file exists",
        ),
    ],
)
def test_an_endpoint_that_is_no_place(desk: Project, endpoint: str, text: str) -> None:
    """It is refused before anything is sent, and not shown at its whole length."""
    assert error(desk, "plan", "--endpoint", endpoint) == f"error: {text}"


def test_a_host_that_is_no_name_in_any_language(desk: Project) -> None:
    """What looks like an international name must decode as one."""
    desk.environ |= TWILIO | {"RECONCILER_ALLOW_INSECURE_ENDPOINT": "xn--a.b"}

    assert error(desk, "plan", "--endpoint", "http://xn--a.b") == "error: `--endpoint` is no valid address"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no such file system")
def test_a_folder_that_cannot_be_made(desk: Project) -> None:
    """The emulator's file lies in one."""
    assert error(desk, "plan", "--endpoint", "emulator:/proc/x/y").startswith(
        "error: cannot open the emulator's data file `/proc/x/y`: "
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no such device")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["plan", "--help"],
        ["--version"],
        ["version"],
        ["schema"],
        ["validate"],
        ["plan"],
        ["emulator", "--port", "0"],
    ],
    ids=" ".join,
)
def test_an_output_that_cannot_be_written(desk: Project, arguments: list[str]) -> None:
    """What click prints by itself is no exception."""
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=desk.folder,
            env=desk.environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )

    assert ran.returncode == 1
    said, *for_programs = ran.stderr.splitlines()
    assert said.endswith("no space left on device")
    assert for_programs in ([], [said.replace("error: ", "Error: ")])


def test_schemas_need_no_docstrings(desk: Project) -> None:
    """Python may have dropped them."""
    for name in ("manifest", "plan", "settings", "state"):
        ran = subprocess.run(
            [sys.executable, "-OO", "-m", "reconciler", "schema", name],
            env={**desk.environment(), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert "properties" in json.loads(ran.stdout) or "$ref" in json.loads(ran.stdout)


# What is on disk


@pytest.mark.parametrize("address", ["desk/c/a/b", "desk/c/a/b/c", "/////", "desk/c/people/x"])
def test_a_state_with_an_address_of_too_many_parts(desk: Project, address: str) -> None:
    """What lies there would be of no type; each command that reads the state says so."""
    desk.run("apply", "--auto-approve", check=0)
    desk.edit("reconciler.state.json", '"desk/c/a"', json.dumps(address))

    for command in ("plan", "drift", "output", "show"):
        assert error(desk, command) == (
            f"error: the state `reconciler.state.json` is damaged: `{address}` is no address"
        )


def test_overlapping_ignore_changes(desk: Project) -> None:
    """All attributes and one of them: the whole wins."""
    manifest = """version: 1
services:
  desk:
    conversations:
      c:
        messages:
          - key: a
            body: Hello
            attributes: {seen: 1, deep: {er: 1}}
            lifecycle: {ignore_changes: PATHS}
"""
    for paths in ("[attributes, attributes.seen]", "[attributes.deep, attributes.deep.er, attributes]"):
        desk.write("manifests/desk.yaml", manifest.replace("PATHS", paths))
        desk.run("apply", "--auto-approve", check=0)
        desk.edit("manifests/desk.yaml", "seen: 1", "seen: 2")
        assert "No changes." in desk.run("plan", check=0).out


def test_times_need_no_database_of_zones(desk: Project) -> None:
    """A timeline without a zone is one of UTC, which every system knows."""
    desk.write(
        "manifests/desk.yaml",
        """version: 1
services:
  desk:
    conversations:
      c:
        timeline: {start: -3d 09:00}
        messages:
          - {key: a, body: Hello}
""",
    )
    desk.write("tzdata.py", "raise ImportError")
    desk.environ |= {"PYTHONTZPATH": ""}

    assert "Plan: 3 to add" in desk.run("plan", check=0).out
    desk.edit("manifests/desk.yaml", "09:00}", "09:00, zone: Europe/Berlin}")
    assert "names no time zone that is known here" in desk.run("plan", check=1).err
    desk.edit("manifests/desk.yaml", "Europe/Berlin", "UTC")
    assert "Plan: 3 to add" in desk.run("plan", check=0).out
    desk.edit("manifests/desk.yaml", "UTC", "Etc/Greenwich")
    assert "Plan: 3 to add" in desk.run("plan", check=0).out


@pytest.mark.parametrize("name", ["LOGNAME", "GITHUB_RUN_ID", "BUILD_URL"])
def test_a_run_described_by_bytes_that_are_not_utf_8(desk: Project, name: str) -> None:
    """The name of the holder of a lock only informs, so it stops no command."""
    desk.environ[name] = os.fsdecode(b"a\xffb")
    message = f"IM{'0' * 32}"

    desk.run("plan", check=0)
    desk.run("apply", "--auto-approve", check=0)
    assert r"a\\udcffb" in (desk.folder / "reconciler.state.json.lock").read_text(encoding="utf-8")
    desk.run("state", "pull", check=0)
    assert desk.run("import", "desk/c/b", message, check=1).err.startswith("error: ")
    desk.run("destroy", "--auto-approve", check=0)
