"""The options of commands that read manifests: where they are, what they are given, how large they may be."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from msgspec import Struct

from reconciler.cli.options.declare import group, option, together
from reconciler.cli.param_types import FILE, PATH
from reconciler.cli.settings.chosen import in_force
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.manifest.limits import Limits
    from reconciler.model import Desired
    from reconciler.model.shard import Shard

DEFAULT_MANIFESTS: Final = "manifests"
"""The folder that is read where no path is given."""
_MOST_PROCESSES: Final = 8
"""More processes would need memory, and wait for the one process that takes in their results."""


class Layouts(Struct, frozen=True):
    """What a command needs to read the layout of manifests."""

    paths: tuple[Path, ...]
    """Files and folders; empty for those of the settings file, or the folder `manifests`."""
    max_manifest_size: int
    """The size of one file at most, in MB."""
    max_nesting: int
    """How many lists and mappings may be inside one another."""

    def named(self) -> tuple[Path, ...]:
        """Return the given paths, those of the settings file, or the folder `manifests`.

        Raises UsageError if that folder is not there, or is a link out of the working folder.
        """
        if self.paths:
            return self.paths
        settings = in_force()
        if settings.manifests:
            settings.require_there(settings.manifests)
            return settings.manifests
        folder = Path(DEFAULT_MANIFESTS)
        if not folder.is_dir():
            raise UsageError(
                f"there is no folder `{folder}` here",
                hint="name the files or folders of the manifests; `reconciler init` writes a first one",
            )
        if not folder.resolve().is_relative_to(Path.cwd().resolve()):
            raise UsageError(
                f"the folder `{folder}` is a link out of this one",
                hint=f"name it, if it is meant: `{folder}`",
            )
        return (folder,)

    def limits(self) -> Limits:
        """Return the limits for reading these files."""
        from reconciler.manifest.limits import Limits  # noqa: PLC0415

        return Limits(file_mb=self.max_manifest_size, nesting=self.max_nesting)


class Manifests(Layouts, frozen=True):
    """What a command needs to read the messages that manifests declare."""

    assignments: tuple[str, ...]
    """Values of variables, each as `NAME=VALUE`."""
    value_files: tuple[Path, ...]
    """YAML or JSON files with values of variables; an assignment wins over them."""
    allowed_env: tuple[str, ...]
    """The environment variables that manifests may refer to."""
    max_total_size: int
    """The size of all manifests together at most, in MB."""
    max_messages: int
    """How many messages `for_each`, templates and transcripts may make."""

    def load(self, *, forks: bool = True, shard: Shard | None = None) -> Desired:
        """Return what the manifests declare; a process with threads of its own must not fork others to read.

        With *shard*, only the conversations of this part are returned.

        Raises UsageError and ManifestError.
        """
        from reconciler.manifest.cache import ParsedFiles  # noqa: PLC0415
        from reconciler.manifest.inputs import Inputs  # noqa: PLC0415
        from reconciler.manifest.load import load  # noqa: PLC0415

        settings = in_force()
        inputs = Inputs(
            os.environ,
            self.value_files,
            self.assignments,
            self.allowed_env,
            limits=self.limits(),
            defaults=settings.variables,
            settings_file=settings.path,
        )
        settings.require_there(settings.variables)
        processes = _processes() if forks else 0
        return load(self.named(), inputs, known=ParsedFiles.of_user(), processes=processes, shard=shard)

    def load_if_any(self, *, shard: Shard | None = None) -> Desired | None:
        """Return what `load` does, or None if no path is given and there is no folder `manifests`."""
        named = self.paths or in_force().manifests or Path(DEFAULT_MANIFESTS).is_dir()
        return self.load(shard=shard) if named else None

    def limits(self) -> Limits:
        """Return the limits for reading these files and for what they make."""
        from reconciler.manifest.limits import Limits  # noqa: PLC0415

        return Limits(
            file_mb=self.max_manifest_size,
            all_mb=self.max_total_size,
            messages=self.max_messages,
            nesting=self.max_nesting,
        )


paths = click.argument("paths", nargs=-1, type=PATH)
sizes = together(
    option(
        "--max-manifest-size",
        type=click.IntRange(min=1),
        default=100,
        show_default=True,
        metavar="MB",
        help="How large one manifest may be.",
    ),
    option(
        "--max-nesting",
        type=click.IntRange(1, 300),
        default=100,
        show_default=True,
        help="How many lists and mappings may be inside one another.",
    ),
)
manifests = group(
    "manifests",
    Manifests,
    paths,
    # no environment variable: RECONCILER_VAR_name stands for this one
    click.option(
        "--var",
        "assignments",
        multiple=True,
        metavar="NAME=VALUE",
        help="Value of a variable. May be repeated.",
    ),
    option(
        "--var-file",
        "value_files",
        multiple=True,
        type=FILE,
        metavar="FILE",
        help="Values of variables, as YAML or JSON; --var wins. May be repeated.",
    ),
    # no environment variable: the command line alone decides what a manifest may see
    click.option(
        "--allow-env",
        "allowed_env",
        multiple=True,
        metavar="NAME",
        help="Let manifests refer to this environment variable. May be repeated.",
    ),
    sizes,
    option(
        "--max-total-size",
        type=click.IntRange(min=1),
        default=1_000,
        show_default=True,
        metavar="MB",
        help="How large all manifests may be together.",
    ),
    option(
        "--max-messages",
        type=click.IntRange(min=1),
        default=250_000,
        show_default=True,
        help="How many messages for_each, templates and transcripts may make.",
    ),
)


def _processes() -> int:
    """Return how many processes may be forked to read: elsewhere than on Linux, forking is not safe."""
    return min(len(os.sched_getaffinity(0)), _MOST_PROCESSES) if sys.platform == "linux" else 0
