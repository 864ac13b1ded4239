"""The official SDKs of Python, Node, Go and Java, each with every resource that it knows."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Final

from tests.clients.workshop import HERE, folder, go_program, install, npm, run

_NODE: Final = "twilio@6.3.1"
_GO: Final = "github.com/twilio/twilio-go@v1.31.0"


def _python(url: str) -> str:
    return run(sys.executable, HERE / "python" / "client.py", url)


def _node(url: str) -> str:
    made = folder("node")
    npm(made, _NODE)
    return run("node", "client.cjs", url, cwd=made)


def _go(url: str) -> str:
    return run(go_program("go", _GO), url)


def _java(url: str) -> str:
    made = folder("java")
    install("mvn", "-q", "-B", "dependency:build-classpath", "-Dmdep.outputFile=classpath", cwd=made)
    classpath = f"{(made / 'classpath').read_text()}:{made}"
    run("javac", "-cp", classpath, "Client.java", cwd=made)
    return run("java", "-cp", classpath, "Client", url)


CLIENTS: Final[dict[str, Callable[[str], str]]] = {
    "python": _python,
    "node": _node,
    "go": _go,
    "java": _java,
}


def run_sdks(url: str) -> list[str]:
    """Run every client against the emulator at *url*, and return what failed."""
    findings = []
    for name, client in CLIENTS.items():
        counted = json.loads(client(url))
        sys.stdout.write(f"{name:7} {counted['tried']} operations tried, {len(counted['failed'])} failed\n")
        findings += [f"{name}: {one}" for one in counted["failed"]]
    return findings
