"""The guard of manifests that name the account they are meant for."""

from __future__ import annotations

from pathlib import Path

from reconciler.errors import ManifestError
from reconciler.manifest.diagnostics.findings import Finding
from reconciler.model import Desired
from reconciler.runtime.text_file import decoded


def check_account(desired: Desired, account_sid: str, origin: str) -> None:
    """Raise ManifestError, with the position of `account:`, if *desired* is meant for another account.

    *account_sid* is the account whose credentials are used; *origin* is the endpoint that it is used at.
    """
    if desired.account_sid in {None, account_sid}:
        return
    from reconciler.manifest.yaml.source import Source  # noqa: PLC0415 - only mistakes need positions

    source = Source(desired.account_path, decoded(Path(desired.account_path).read_bytes()))
    finding = Finding(
        ("account",),
        f"these manifests are meant for account {desired.account_sid}, "
        f"but this command uses account {account_sid} at {origin}",
        "`reconciler emulator` serves one that takes any account; set TWILIO_ACCOUNT_SID to that one"
        if origin.startswith("emulator:")
        else "use the credentials of that account, or correct `account`",
    )
    raise ManifestError((source.problem(finding, lambda _: source),))
