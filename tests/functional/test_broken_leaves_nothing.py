"""A mistake in the manifests is told, and nothing is left behind."""

from __future__ import annotations

from tests.support.project import Project

TWO_DEFAULTS = """\
version: 1
services:
  a: {default: true, friendly_name: Desk}
"""


def test_a_mistake_that_only_the_whole_shows_writes_nothing(project: Project) -> None:
    """The file by itself could be read, so it could have been kept as known: it is not."""
    project.write("manifests/a.yaml", TWO_DEFAULTS)

    ran = project.run("plan", check=1)

    assert "manifests/a.yaml:3" in ran.err
    assert project.files() == {"manifests", "manifests/a.yaml"}
