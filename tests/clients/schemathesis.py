"""Schemathesis makes up requests from the document, and follows links from one operation to the next."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Final

from tests.clients.workshop import document, folder, run
from tests.support.api import ACCOUNT

_SCHEMATHESIS: Final = "schemathesis==4.32.5"
_CHECKS: Final = (
    "not_a_server_error",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "use_after_free",
    "ensure_resource_availability",
)
"""Those that the document allows: it has no errors, and its parameters have hardly any limits."""
_SECONDS: Final = 240


def run_schemathesis(url: str) -> list[str]:
    """Run every phase, the stateful one too, over all operations, and return the failures."""
    made = folder("schemathesis")
    if not (made / "bin" / "schemathesis").exists():
        run(sys.executable, "-m", "venv", made)
        run(made / "bin" / "python", "-m", "pip", "install", "-q", _SCHEMATHESIS)
    command = [
        made / "bin" / "schemathesis",
        *("run", document(), "--url", url, "--auth", f"{ACCOUNT}:emulator", "--no-color"),
        *("--phases", "examples,coverage,fuzzing,stateful", "--checks", ",".join(_CHECKS)),
        *("--max-examples", "5", "--seed", "1", "--max-time", str(_SECONDS), "--continue-on-failure"),
    ]
    ran = subprocess.run(
        [str(part) for part in command],
        cwd=made,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    sys.stdout.writelines(re.findall(r"^.*(?:Selected|Tested|generated).*\n", ran.stdout, re.MULTILINE))
    if ran.returncode == 0:
        return []
    return [*re.findall(r"❌ (.*)", ran.stdout), ran.stdout] if ran.returncode == 1 else [ran.stderr]
