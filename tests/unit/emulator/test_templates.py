"""Content templates of one's own: in a file, in a test, or a stand-in for each."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from reconciler.emulator import Emulator, EmulatorOptions
from reconciler.emulator.template_file import templates_of
from reconciler.errors import ApplyError, PlanError, UsageError
from reconciler.testing import Backend, reconciled
from tests.support.api import Api

OWN = "HX" + "a" * 32
BUILT_IN = "HX" + "0" * 31 + "1"
MANIFEST = f"""version: 1
services:
  support:
    conversations:
      order-1:
        messages: [{{key: own, content_sid: {OWN}, content_variables: {{"1": Alice}}}}]
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest of a message with a template."""
    path = tmp_path / "support.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    return path


def body(options: EmulatorOptions, sid: str) -> str:
    """Return the body that an emulator makes of a template."""
    with closing(Emulator(options=options)) as emulator:
        api = Api(emulator)
        path = f"/v1/Conversations/{api.post('/v1/Conversations')['sid']}/Messages"
        return str(api.post(path, ContentSid=sid, ContentVariables='{"1": "Alice"}')["body"])


@pytest.mark.parametrize("text", [f'{OWN}: "Dear {{{{1}}}}"\n', f'{{"{OWN}": "Dear {{{{1}}}}"}}'])
def test_a_file_has_templates_beside_those_built_in(tmp_path: Path, text: str) -> None:
    """In YAML or JSON."""
    path = tmp_path / "templates"
    path.write_text(text, encoding="utf-8")
    options = EmulatorOptions(templates=templates_of(str(path)))

    assert [body(options, sid) for sid in (OWN, BUILT_IN)] == ["Dear Alice", "Hello Alice"]


def test_any_template_has_a_stand_in() -> None:
    """It names the template; those that are known keep their texts."""
    options = EmulatorOptions(templates=templates_of("any"))

    assert [body(options, sid) for sid in (OWN, BUILT_IN)] == [f"(the text of {OWN})", "Hello Alice"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [("- a", "no mapping"), ("HX1: a", "`HX1`"), (f"{OWN}: 1", "no text"), ("a: [", "cannot read")],
)
def test_wrong_files_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    """The error names the file, and shows a right line."""
    path = tmp_path / "templates.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=problem) as raised:
        templates_of(str(path))

    assert "templates.yaml" in str(raised.value)
    assert "{{1}}" in (raised.value.hint or "")
    with pytest.raises(UsageError, match="cannot read"):
        templates_of(str(tmp_path / "missing.yaml"))


def test_a_world_may_bring_its_templates(manifest: Path, tmp_path: Path) -> None:
    """For itself alone: the next one knows nothing of them."""
    with closing(Backend(folder=tmp_path)) as backend:
        with backend.world(manifest, templates={OWN: "Dear {{1}}"}) as world:
            world.conversation("support/order-1").assert_transcript([("system", "Dear Alice")])
        with backend.world(manifest, templates="any") as world:
            world.conversation("support/order-1").assert_transcript([("system", f"(the text of {OWN})")])
        with pytest.raises(ApplyError, match="50526"), backend.world(manifest):
            pass


def test_a_session_may_have_templates(manifest: Path, tmp_path: Path) -> None:
    """Every world of it."""
    with closing(Backend(folder=tmp_path, templates="any")) as backend, backend.world(manifest) as world:
        assert len(world.conversation("support/order-1").messages()) == 1


def test_deliveries_and_closing_can_be_allowed(tmp_path: Path) -> None:
    """Without that, a world is refused as the command refuses a plan."""
    path = tmp_path / "support.yaml"
    path.write_text(
        "version: 1\nservices:\n  support:\n    conversations:\n      order-1:\n        state: closed\n"
        "        participants:\n          - key: customer\n            messaging_binding:\n"
        "              {address: '+15550100', proxy_address: '+15559999'}\n"
        "        messages: [{key: hello, body: Hello}]\n",
        encoding="utf-8",
    )
    with pytest.raises(PlanError, match="not applyable"), reconciled(path):
        pass
    with reconciled(path, allow_delivery=True, allow_close=True) as world:
        (message,) = world.conversation("support/order-1").messages()
        service = world.client().conversations.v1.services(world.sid("support"))
        assert service.conversations("order-1").fetch().state == "closed"

    assert message.body == "Hello"
