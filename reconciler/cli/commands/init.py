"""The command `init`: write the first files of a project, each only where it is not there yet."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from reconciler.cli.options.manifests import DEFAULT_MANIFESTS
from reconciler.cli.streams import say, writing
from reconciler.errors import UsageError
from reconciler.manifest.files import SETTINGS_NAME
from reconciler.runtime.atomic_file import require_own_folders, write_whole
from reconciler.text.inert import escape

_MANIFEST: Final = """\
# yaml-language-server: $schema=../manifest.schema.json
# The line above is for editors: `reconciler schema manifest > manifest.schema.json` writes that file.
version: 1
services:
  support: # found by its friendly name, created if absent
    conversations:
      order-4711:
        friendly_name: Order 4711
        messages:
          - key: welcome # names the message here; never sent to Twilio
            author: system
            body: Welcome to support!
"""
_SETTINGS: Final = """\
# yaml-language-server: $schema=settings.schema.json
# The line above is for editors: `reconciler schema settings > settings.schema.json` writes that file.
manifests: manifests
environments:
  staging:
    endpoint: emulator # offline; `twilio` is the real one
    state: staging.state.json
  production:
    endpoint: twilio
    state: production.state.json
    # account: AC0123456789abcdef0123456789abcdef # credentials of any other one are refused
    protected: true # whoever changes it types its name
"""
_IGNORED: Final = """\
.reconciler/
*.state.json
*.state.json.*
*.plan
"""
_FILES: Final = {
    f"{DEFAULT_MANIFESTS}/support.yaml": _MANIFEST,
    SETTINGS_NAME: _SETTINGS,
    ".gitignore": _IGNORED,
}
_NEXT: Final = "reconciler plan --env staging"


@click.command(epilog="Example: reconciler init")
def init() -> None:
    """Write a first manifest, a settings file and a .gitignore, each only where it is not there yet.

    Nothing that is there is changed.
    """
    for name, text in _FILES.items():
        path = Path(name)
        if (folder := path.parent).exists() and not folder.is_dir():
            raise UsageError(f"`{folder}` is no folder", hint="move it away, or start in another folder")
        with writing(path):
            require_own_folders(path, Path.cwd())
            taken = _taken(path)
            if taken is None:
                path.parent.mkdir(exist_ok=True)
                write_whole(path, text.encode())
        say(f"Wrote {name}" if taken is None else f"Left {escape(str(taken))} as it is")
    say(f"Next: {_NEXT}")


def _taken(path: Path) -> Path | None:
    """Return what is there in place of *path*: itself, or its folder with other files; None if nothing is."""
    folder = path.parent
    if folder != Path() and folder.is_dir() and any(folder.iterdir()):
        return folder
    return path if path.is_symlink() or path.exists() else None
