"""`state migrate` from a file to git, to an HTTP server and back: one lineage, nothing to do at each stop."""

from __future__ import annotations

import json
from itertools import pairwise

from tests.support.manifests import ONE_OF_EACH
from tests.support.project import Project
from tests.support.repository import REF, Repository, environ
from tests.support.terraform_server import TerraformServer

PATH = "reconciler.state.json"


def test_a_state_moves_from_place_to_place(served: Project) -> None:
    """A marker at each place names the next; the last command finds everything as it was."""
    server = TerraformServer()
    clone = Repository(served.folder).clone("clone")
    given = {name: value for name, value in environ(served.folder).items() if name not in {"PATH", "LANG"}}
    with server.serving() as variables:
        there = variables.pop("RECONCILER_STATE")
        desk = Project(clone, {**given, **served.environ, **variables})
        desk.write("manifests/a.yaml", ONE_OF_EACH)
        desk.run("apply", "--auto-approve", check=0)
        before = json.loads(desk.run("state", "pull", check=0).out)
        stops = (PATH, f"git:{REF}", there, PATH)
        for source, target in pairwise(stops):
            desk.run("state", "migrate", source, target, check=0)
            desk.run("plan", "--state", target, "--detailed-exitcode", check=0)
            after = json.loads(desk.run("state", "pull", "--state", target, check=0).out)
            assert after["lineage"] == before["lineage"]
            assert after["bindings"] == before["bindings"]
            assert after["serial"] > before["serial"]
            refused = desk.run("plan", "--state", source, check=1).err
            assert f"was moved to `{target}`" in refused
            before = after
        desk.run("plan", "--detailed-exitcode", check=0)
