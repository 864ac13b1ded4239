"""The options of commands that show plans and outcomes."""

from __future__ import annotations

import click
from msgspec import Struct

from reconciler.cli.options.declare import group, option
from reconciler.cli.screen import Screen


class Output(Struct, frozen=True):
    """In which formats plans and outcomes are shown, and how much of them."""

    formats: tuple[str, ...]
    """Formats, each as `FORMAT` for the screen or `FORMAT=FILE`; empty for text on the screen."""
    bodies: str | None
    """How much of messages' texts is shown: `full`, `short`, `hash` or `none`; None for each format's own."""
    comment_key: str
    """A word that tells the Markdown comments of several targets apart."""
    no_color: bool
    """Print no colour. `streams.colored` looks for the option by itself, and does not read this field."""

    def screen(self) -> Screen:
        """Return the screen that shows plans and outcomes; raises UsageError."""
        return Screen(self.formats, bodies=self.bodies, key=self.comment_key)


output = group(
    "output",
    Output,
    option(
        "--format",
        "formats",
        multiple=True,
        metavar="FORMAT[=FILE]",
        help="text, json, jsonl, markdown, github or html; with =FILE, into a file. May be repeated.",
    ),
    option(
        "--bodies",
        type=click.Choice(["full", "short", "hash", "none"]),
        help="How much of the text of messages is shown; hash has a key of its own in each run. "
        "[default: short; full in json and html]",
    ),
    option("--comment-key", default="", help="Tells the Markdown comments of several targets apart."),
    option("--no-color", is_flag=True, help="Print no colour; NO_COLOR does the same."),
)
changes_only = option(
    "--changes-only",
    is_flag=True,
    help="In json, leave out of the planned values what stays as it is. Policies do not see it then.",
)
