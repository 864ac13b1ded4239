"""The command `schema`: print a JSON Schema."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from reconciler.cli.streams import say


@click.command(epilog="Example: reconciler schema manifest > manifest.schema.json")
@click.argument("name", type=click.Choice(["manifest", "plan", "settings", "state"]), default="manifest")
def schema(name: str) -> None:
    """Print a JSON Schema: of manifests, of `plan --format json`, of the settings file, or of the state."""
    say(msgspec.json.format(msgspec.json.encode(_schema(name)), indent=2))


def _schema(name: str) -> dict[str, Any]:
    if name == "manifest":
        from reconciler.manifest.schema.json_schema import manifest_schema  # noqa: PLC0415  # pydantic

        return manifest_schema()
    if name == "settings":
        from reconciler.cli.settings.schema import SETTINGS  # noqa: PLC0415
        from reconciler.manifest.schema.json_schema import schema_for_editors  # noqa: PLC0415

        return schema_for_editors(SETTINGS, "settings:1")
    if name == "plan":
        from reconciler.report.documents import plan_schema  # noqa: PLC0415

        return plan_schema()
    from reconciler.state.document import state_schema  # noqa: PLC0415

    return state_schema()
