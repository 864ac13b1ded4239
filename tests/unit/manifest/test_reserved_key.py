"""`participants` is no key of a message: the addresses of participants hold it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import ManifestError, StateError
from reconciler.export.generate import Found, capture
from reconciler.manifest.load import load
from reconciler.model import Conversation, Message, RemoteMessage, RemoteService, is_address
from reconciler.state import edit
from reconciler.state.model import State
from reconciler.state.remembered import Binding

HEAD = "version: 1\nservices:\n  s:\n    conversations:\n      c:\n"
WAYS = {
    "manifest": "        messages: [{key: participants, body: x}]\n",
    "json": '        messages: [{"key": "participants", "body": "x"}]\n',
    "for_each": "        messages: [{key: participants, for_each: [a], body: x}]\n",
    "template": "        messages: {use: t}\ntemplates: {t: [{key: participants, body: x}]}\n",
    "csv": "        messages: {from: chat.csv}\n",
    "jsonl": "        messages: {from: chat.jsonl, key: id}\n",
}


@pytest.mark.parametrize("way", WAYS)
def test_no_manifest_can_have_it(tmp_path: Path, way: str) -> None:
    """However the key comes, it is refused where it is written, with what to do."""
    (tmp_path / "chat.csv").write_text("key,body\nparticipants,x\n", encoding="utf-8")
    (tmp_path / "chat.jsonl").write_text('{"id": "participants", "body": "x"}\n', encoding="utf-8")
    path = tmp_path / "m.yaml"
    path.write_text(HEAD + WAYS[way], encoding="utf-8")

    with pytest.raises(ManifestError) as caught:
        load([path])

    (problem,) = caught.value.problems
    assert "which is reserved: the addresses of participants hold it" in problem.text
    assert problem.hint is not None
    assert problem.hint.startswith("choose another key")


def test_keys_that_only_begin_so_are_free(tmp_path: Path) -> None:
    """Nor is it reserved for participants, conversations and services."""
    path = tmp_path / "m.yaml"
    path.write_text(
        "version: 1\nservices:\n  participants:\n    conversations:\n      participants:\n"
        "        participants: [{key: participants, identity: bob}]\n"
        "        messages: [{key: participants-2, body: x}, {key: Participants, body: x}]\n",
        encoding="utf-8",
    )

    ((service,),) = (load([path]).services,)

    assert [one.key for one in service.conversations[0].messages] == ["participants-2", "Participants"]


@pytest.mark.parametrize(
    "block",
    [
        "moved: [{from: s/c/old, to: s/c/participants}]",
        f"import: [{{to: s/c/participants, sid: IM{'0' * 32}}}]",
    ],
)
def test_no_block_can_give_it(tmp_path: Path, block: str) -> None:
    """What is renamed or imported needs another key."""
    path = tmp_path / "m.yaml"
    path.write_text(f"{HEAD}        messages: [{{key: a, body: x}}]\n{block}\n", encoding="utf-8")

    with pytest.raises(ManifestError) as caught:
        load([path])

    (problem,) = caught.value.problems
    assert problem.text == "`s/c/participants` can be no message: the addresses of participants begin with it"


def test_state_mv_and_import_refuse_it_and_mv_leads_out_of_it() -> None:
    """A binding that an older release made is renamed, and not made again."""
    state = State("l", "AC", "o", bindings={"s/c/participants": Binding("IM1"), "s/c/a": Binding("IM2")})

    with pytest.raises(StateError, match="cannot stand for a message"):
        edit.move(state, "s/c/a", "s/c/participants")
    edit.move(state, "s/c/participants", "s/c/members")

    assert sorted(state.bindings) == ["s/c/a", "s/c/members"]
    assert not is_address("s/c/participants")  # which `import ADDRESS` asks
    assert is_address("s/c/participants/participants")


def test_what_is_read_back_gets_another_key() -> None:
    """A message that Terraform calls so is written down under a name that a manifest can have."""
    live = RemoteMessage("IM" + "0" * 32, 0, body="x")
    found = Found(
        RemoteService("IS" + "0" * 32, "s"),
        "CH" + "0" * 32,
        Conversation("c", "", 0),
        [(live, Message("participants", 0, body="x"))],
    )

    captured = capture([found])

    assert captured.services[0].conversations[0].messages[0].key == "participants-00000000"
    with pytest.raises(StateError, match="an address that no manifest made here can have"):
        capture([found], State("l", "AC", "o", bindings={"s/c/participants": Binding(live.sid)}))
