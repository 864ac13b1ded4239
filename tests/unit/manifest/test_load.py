"""What manifests ask for, as values; the mistakes are in `test_manifest_broken`."""

from __future__ import annotations

import errno
import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ManifestError, UsageError
from reconciler.manifest.load import load
from reconciler.model import Conversation, Desired, Message, Order, Participant, Service, Unmanaged

SID = "0123456789abcdef0123456789abcdef"
HEAD = "version: 1\nservices:\n  support:\n    conversations:\n      order:\n"


def write(folder: Path, name: str, text: str) -> Path:
    """Write a manifest and return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load_text(folder: Path, text: str) -> Desired:
    """Load one manifest."""
    return load([write(folder, "m.yaml", text)])


def first_message(folder: Path, *fields: str) -> Message:
    """Return the message that *fields* describe."""
    lines = "".join(f"            {field}\n" for field in fields)
    text = f"{HEAD}        messages:\n          - key: a\n{lines}"
    return load_text(folder, text).services[0].conversations[0].messages[0]


def problem_of(paths: list[Path]) -> str:
    """Return the sentence of the only problem."""
    with pytest.raises(ManifestError) as caught:
        load(paths)
    (problem,) = caught.value.problems
    return problem.text


def test_the_manifest_of_the_design_is_loaded_as_it_reads(tmp_path: Path) -> None:
    """Every field arrives as its canonical text, with the line of its message."""
    path = write(
        tmp_path,
        "m.yaml",
        f"""\
# yaml-language-server: $schema=../schemas/manifest.schema.json
version: 1
account: AC{SID}
services:
  support:
    sid: IS{SID}
    conversations:
      order-4711:
        friendly_name: Order 4711
        order: strict
        unmanaged: delete
        messages:
          - key: welcome
            author: system
            body: Welcome to support!
            attributes: {{importance: high, weight: 1.0}}
            date_created: 2026-01-05T10:00:00.9+01:00
          - key: receipt
            content_sid: HX{SID}
            content_variables: {{"1": Alice}}
            webhooks: true
            lifecycle: {{prevent_destroy: true, ignore_changes: [body, attributes.seen.at]}}
""",
    )

    desired = load([path])

    assert desired.account_sid == f"AC{SID}"
    assert desired.services == (
        Service(
            name="support",
            path=str(path),
            line=5,
            sid=f"IS{SID}",
            conversations=(
                Conversation(
                    name="order-4711",
                    path=str(path),
                    line=8,
                    unique_name="order-4711",
                    friendly_name="Order 4711",
                    order=Order.STRICT,
                    unmanaged=Unmanaged.DELETE,
                    messages=(
                        Message(
                            key="welcome",
                            line=13,
                            author="system",
                            body="Welcome to support!",
                            attributes='{"importance":"high","weight":1}',
                            date_created="2026-01-05T09:00:00Z",
                        ),
                        Message(
                            key="receipt",
                            line=18,
                            content_sid=f"HX{SID}",
                            content_variables='{"1":"Alice"}',
                            webhooks=True,
                            prevent_destroy=True,
                            ignore_changes=(("body",), ("attributes", "seen", "at")),
                        ),
                    ),
                ),
            ),
        ),
    )


def test_a_service_and_a_conversation_are_found_by_their_names(tmp_path: Path) -> None:
    """Without a SID or another name, the name in the manifest is the name on Twilio."""
    (service,) = load_text(tmp_path, f"{HEAD}        order: any\n").services

    assert (service.friendly_name, service.conversations[0].unique_name) == ("support", "order")


def test_a_parent_with_a_sid_has_no_name_that_nobody_gave(tmp_path: Path) -> None:
    """A SID says which parent is meant; its names are not managed unless they are given."""
    text = (
        f"version: 1\nservices:\n  s:\n    sid: IS{SID}\n    conversations:\n      c:\n        sid: CH{SID}\n"
    )

    (service,) = load_text(tmp_path, text).services

    assert (service.friendly_name, service.conversations[0].unique_name) == (None, None)


def test_the_default_service_has_no_name_that_nobody_gave(tmp_path: Path) -> None:
    """`default: true` finds the service by the account."""
    (service,) = load_text(tmp_path, "version: 1\nservices:\n  s:\n    default: true\n").services

    assert (service.default, service.friendly_name) == (True, None)


def test_everything_about_a_conversation_is_loaded(tmp_path: Path) -> None:
    """Fields, timers, bindings and participants arrive; a participant's key may be its identity."""
    text = f"""\
{HEAD}        unique_name: order 4711
        attributes: null
        state: closed
        messaging_service_sid: MG{SID}
        timers: {{inactive: PT1M, closed: P1D}}
        bindings: {{email: {{address: desk@example.com, name: Desk}}}}
        participants:
          - {{identity: ann, role_sid: RL{SID}, attributes: {{vip: true}}}}
          - key: customer
            messaging_binding: {{address: "+15550100", proxy_address: "+15550199"}}
          - key: group
            identity: bob
            messaging_binding: {{projected_address: "+15550198"}}
"""

    (conversation,) = load_text(tmp_path, text).services[0].conversations

    assert conversation == Conversation(
        name="order",
        path=str(tmp_path / "m.yaml"),
        line=5,
        unique_name="order 4711",
        attributes="null",
        state="closed",
        messaging_service_sid=f"MG{SID}",
        timers_inactive="PT1M",
        timers_closed="P1D",
        email_address="desk@example.com",
        email_name="Desk",
        participants=(
            Participant("ann", 13, identity="ann", role_sid=f"RL{SID}", attributes='{"vip":true}'),
            Participant("customer", 14, address="+15550100", proxy_address="+15550199"),
            Participant("group", 16, identity="bob", projected_address="+15550198"),
        ),
    )


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("null", "null"),
        ("~", "null"),
        ("", "null"),
        ("yes", '"yes"'),
        ("2026-01-05", '"2026-01-05"'),
        ("0x1F", "31"),
        ("0o17", "15"),
        ("017", "17"),
        ("1_000", '"1_000"'),
        ("+1", "1"),
        ("1e3", "1000"),
        (".5", "0.5"),
        ("'5'", '"5"'),
        ("True", "true"),
        ("tRUE", '"tRUE"'),
        ("[1, 1.0, true]", "[1,1,true]"),
        ("{b: 1, a: 2}", '{"a":2,"b":1}'),
        ('{"<<": 1}', '{"<<":1}'),
        ('"\\U0001F600"', '"😀"'),
    ],
)
def test_scalars_follow_yaml_1_2(tmp_path: Path, written: str, canonical: str) -> None:
    """Only null, booleans and numbers of the core schema are more than text."""
    assert first_message(tmp_path, "body: hi", f"attributes: {written}").attributes == canonical


def test_attributes_that_are_not_mentioned_are_not_managed(tmp_path: Path) -> None:
    """Absent is something else than JSON's null."""
    assert first_message(tmp_path, "body: hi").attributes is None


def test_an_alias_repeats_its_anchor(tmp_path: Path) -> None:
    """Anchors and aliases work as long as nothing explodes."""
    text = (
        f"{HEAD}        messages:\n          - {{key: a, body: hi, attributes: &x {{n: [1, 2]}}}}\n"
        "          - {key: b, body: hi, attributes: *x}\n"
    )

    first, second = load_text(tmp_path, text).services[0].conversations[0].messages

    assert first.attributes == second.attributes == '{"n":[1,2]}'


def test_a_block_text_keeps_its_lines(tmp_path: Path) -> None:
    """A literal block is the body, newlines included."""
    assert (
        first_message(tmp_path, "body: |", "  one", "    two", "", "  three").body == "one\n  two\n\nthree\n"
    )


def test_a_byte_order_mark_and_windows_newlines_are_read(tmp_path: Path) -> None:
    """What editors on Windows write is a manifest too."""
    path = tmp_path / "m.yaml"
    path.write_bytes(b"\xef\xbb\xbfversion: 1\r\nservices:\r\n  s: {}\r\n")

    assert load([path]).services[0].name == "s"


def test_limits_are_met_exactly(tmp_path: Path) -> None:
    """The largest body, subject and attributes that the API takes are taken."""
    message = first_message(
        tmp_path,
        f"body: {'x' * 32_768}",
        f"subject: {'s' * 256}",
        f"attributes: {{text: {'a' * (4_096 - 11)}}}",
    )

    assert len(message.attributes or "") == 4_096


def test_a_delivered_body_counts_characters_not_bytes(tmp_path: Path) -> None:
    """1,600 characters outside ASCII may go by SMS, though they are more bytes."""
    text = (
        f'{HEAD}        participants: [{{key: c, messaging_binding: {{address: "+15550100"}}}}]\n'
        f"        messages: [{{key: a, body: {'é' * 1_600}}}]\n"
    )

    assert load_text(tmp_path, text).services[0].conversations[0].messages


def test_files_below_a_folder_are_merged(tmp_path: Path) -> None:
    """A service in several files is one; files come sorted, hidden ones and other names do not count."""
    write(tmp_path, "b/two.yml", "version: 1\nservices:\n  support:\n    conversations:\n      two: {}\n")
    write(tmp_path, "a.yaml", "version: 1\nservices:\n  support:\n    conversations:\n      one: {}\n")
    write(tmp_path, "c.yaml", f"version: 1\nservices:\n  support:\n    sid: IS{SID}\n")
    write(tmp_path, ".hidden/x.yaml", "broken")
    write(tmp_path, ".x.yaml", "broken")
    write(tmp_path, "notes.txt", "broken")

    (service,) = load([tmp_path]).services

    assert service.sid == f"IS{SID}"
    assert service.friendly_name is None
    assert [one.name for one in service.conversations] == ["one", "two"]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    """A folder and a file in it, or a link to it, are no duplicates."""
    path = write(tmp_path, "m.yaml", f"{HEAD}        order: any\n")
    (tmp_path / "same.yaml").symlink_to(path)

    assert len(load([tmp_path, path]).services[0].conversations) == 1


def test_a_link_back_to_its_folder_ends(tmp_path: Path) -> None:
    """A loop of links is not followed forever."""
    write(tmp_path, "m.yaml", f"{HEAD}        order: any\n")
    (tmp_path / "loop").symlink_to(tmp_path)

    assert len(load([tmp_path]).services) == 1


def test_paths_stay_as_they_were_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is shown relative."""
    write(tmp_path, "manifests/m.yaml", f"{HEAD}        order: any\n")
    monkeypatch.chdir(tmp_path)

    assert load([Path("manifests")]).services[0].path == "manifests/m.yaml"


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """The error names the path."""
    with pytest.raises(UsageError, match=r"cannot read `.*nowhere`: no such file or directory"):
        load([tmp_path / "nowhere"])


@pytest.mark.parametrize("named", ["", "f.yaml"])
def test_a_pipe_is_no_manifest(tmp_path: Path, named: str) -> None:
    """Named or found in a folder: it could be read only once, and might never end."""
    os.mkfifo(tmp_path / "f.yaml")

    with pytest.raises(UsageError, match=r"cannot read `.*f\.yaml`: it is no regular file"):
        load([tmp_path / named])


def test_a_folder_without_manifests_is_refused(tmp_path: Path) -> None:
    """An empty folder is a mistake, not an empty world: it would delete everything."""
    with pytest.raises(UsageError, match="no manifests in"):
        load([tmp_path])


def test_a_file_that_may_not_be_read_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its problem has no line, and the other files are read all the same."""
    locked = write(tmp_path, "m.yaml", "version: 1\n")
    faulty = write(tmp_path, "n.yaml", "version: 2\n")
    opening = os.open

    def refuse(path: Path | str, *rest: Any, **named: Any) -> int:
        if path == locked:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opening(path, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(ManifestError) as caught:
        load([locked, faulty])
    first, second = caught.value.problems
    assert (first.path, first.line) == (str(locked), 0)
    assert first.text == "the file cannot be read: permission denied"
    assert (second.path, second.line) == (str(faulty), 1)


def test_the_digest_is_over_what_is_said(tmp_path: Path) -> None:
    """Other files, comments, quotes and lines give the same digest; another body does not."""
    one = load_text(
        tmp_path / "1", f"{HEAD}        messages: [{{key: a, body: hi, attributes: {{a: 1, b: 2}}}}]\n"
    )
    same = load_text(
        tmp_path / "2",
        f"# note\n{HEAD}        messages:\n          - key: a\n            attributes: {{b: 2.0, a: 1}}\n"
        "            body: 'hi'\n",
    )
    other = load_text(tmp_path / "3", f"{HEAD}        messages: [{{key: a, body: ho}}]\n")

    assert one.digest == same.digest
    assert one.digest.startswith("sha256:")
    assert other.digest != one.digest


def test_the_digest_does_not_depend_on_the_split_into_files(tmp_path: Path) -> None:
    """Two files say what one file says."""
    conversation = "version: 1\nservices:\n  s:\n    conversations:\n      {}: {{}}\n"
    write(tmp_path, "two/a.yaml", conversation.format("y"))
    write(tmp_path, "two/b.yaml", conversation.format("x"))
    write(
        tmp_path, "one/a.yaml", "version: 1\nservices:\n  s:\n    conversations:\n      x: {}\n      y: {}\n"
    )

    assert load([tmp_path / "two"]).digest == load([tmp_path / "one"]).digest


def test_a_manifest_may_say_nothing(tmp_path: Path) -> None:
    """A version alone is a manifest: of no service."""
    assert load_text(tmp_path, "version: 1\n").services == ()


def test_the_collector_is_paused_and_resumed(tmp_path: Path) -> None:
    """Loading leaves the garbage collector as it was, after an error too."""
    with pytest.raises(ManifestError):
        load_text(tmp_path, "version: 2\n")

    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off(tmp_path: Path) -> None:
    """Whoever switched it off switches it on again."""
    gc.disable()
    try:
        load_text(tmp_path, "version: 1\n")
        stayed_off = not gc.isenabled()
    finally:
        gc.enable()

    assert stayed_off


def test_loading_imports_nothing_heavy() -> None:
    """`validate` starts without the HTTP client, the event loop or DeepDiff."""
    script = (
        "import sys, reconciler.manifest.load as _; print({'httpx', 'asyncio', 'deepdiff'} & {*sys.modules})"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


def test_a_missing_c_parser_is_named(tmp_path: Path) -> None:
    """Without the C parser nothing is read the slow way in silence."""
    (tmp_path / "m.yaml").write_text("version: 1\n", encoding="utf-8")
    script = (
        "import sys; from pathlib import Path; sys.modules['_ruamel_yaml'] = None; "
        "from reconciler.manifest.load import load; load([Path('m.yaml')])"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path
    )

    assert "the C parser for YAML is missing" in done.stderr


def test_a_text_in_brackets_may_hold_what_yaml_1_2_allows(tmp_path: Path) -> None:
    """Colons and question marks inside of a plain text, which libyaml does not know."""
    text = f"""\
{HEAD}        messages:
          - {{key: a, body: How?, date_created: 2026-01-05T09:00:00Z, author: x:ann, attributes: [9:00, a?]}}
"""

    message = load_text(tmp_path, text).services[0].conversations[0].messages[0]

    assert (message.body, message.author, message.attributes) == ("How?", "x:ann", '["9:00","a?"]')
    assert (message.date_created, message.line) == ("2026-01-05T09:00:00Z", 7)


def test_a_mistake_beside_such_a_text_has_its_place(tmp_path: Path) -> None:
    """The close reading knows YAML 1.2 too; a text that nobody can read keeps libyaml's complaint."""
    wrong = f"{HEAD}        messages:\n          - {{key: a, body: urn:ann, autor: x}}\n"
    broken = f"{HEAD}        messages:\n          - {{key: a, body: a: b}}\n"

    with pytest.raises(ManifestError) as misspelt:
        load_text(tmp_path, wrong)
    with pytest.raises(ManifestError) as unreadable:
        load_text(tmp_path, broken)

    assert [(one.line, one.column) for one in misspelt.value.problems] == [(7, 37)]
    assert unreadable.value.problems[0].text.startswith("the YAML cannot be read (libyaml says ")
