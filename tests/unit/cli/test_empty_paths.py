"""Values of options and arguments that are refused before a command begins."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from reconciler.cli.root import cli


@pytest.mark.parametrize(
    "command",
    [
        "plan --state",
        "plan --out",
        "plan --var-file",
        "drift --state",
        "show",
        "show --state",
        "output --state",
        "state list --state",
        "state pull --state",
        "state push",
        "export --bind --state",
        "export --out",
        "import --from-terraform",
        "emulator --data",
        "validate",
        "fmt",
    ],
)
def test_an_empty_text_names_no_file(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that a script forgot to set is not the working folder."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(click.BadParameter, match=r"^it is empty$"):
        CliRunner().invoke(cli, [*command.split(), ""], standalone_mode=False, catch_exceptions=False)

    assert not list(tmp_path.iterdir())
