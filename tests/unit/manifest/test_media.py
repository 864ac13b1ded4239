"""Files that messages carry: where they may be, how large, and what is known of them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from reconciler.errors import ManifestError
from reconciler.manifest.load import load
from reconciler.model import MediaFile, Message

HEAD = "version: 1\nservices:\n  support:\n    conversations:\n      order:\n"
SMS = '        participants: [{key: c, messaging_binding: {address: "+15550100"}}]\n'
WHATSAPP = '        participants: [{key: c, messaging_binding: {address: "whatsapp:+15550100"}}]\n'
MB = 1024 * 1024


def load_media(folder: Path, media: str, participants: str = "") -> Message:
    """Load one message that carries *media*."""
    path = folder / "m.yaml"
    path.write_text(f"{HEAD}{participants}        messages: [{{key: a, media: {media}}}]\n", encoding="utf-8")
    return load([path]).services[0].conversations[0].messages[0]


def sparse_file(path: Path, size: int) -> None:
    """Make a file of *size* bytes that takes no room."""
    with path.open("wb") as file:
        os.truncate(file.fileno(), size)


def test_a_file_is_known_by_its_digest(tmp_path: Path) -> None:
    """Path, size, type and name are told from the file; `media` is what changes are seen by."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "car.jpg").write_bytes(b"a car")
    digest = hashlib.sha256(b"a car").hexdigest()

    message = load_media(tmp_path, "{file: photos/car.jpg}")

    assert message.media == digest
    assert message.file == MediaFile(
        path=str(tmp_path / "photos" / "car.jpg"),
        sha256=digest,
        size=5,
        content_type="image/jpeg",
        filename="car.jpg",
    )


def test_type_and_name_may_be_given(tmp_path: Path) -> None:
    """What is written counts, in a list of one file too."""
    (tmp_path / "x.bin").write_bytes(b"?")

    file = load_media(tmp_path, "[{file: x.bin, content_type: image/png, filename: dot.png}]").file

    assert file is not None
    assert (file.content_type, file.filename) == ("image/png", "dot.png")


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("car.JPG", "image/jpeg"),
        ("sticker.webp", "image/webp"),
        ("voice.ogg", "audio/ogg"),
        ("log.csv.gz", "application/gzip"),
        ("invoice.pdf", "application/pdf"),
    ],
)
def test_the_type_is_that_of_the_name(tmp_path: Path, name: str, content_type: str) -> None:
    """What is packed is not what is in it."""
    (tmp_path / name).write_bytes(b"x")

    file = load_media(tmp_path, f"{{file: {name}}}").file

    assert file is not None
    assert file.content_type == content_type


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A link inside the folder may not lead outside it."""
    (tmp_path / "secret.png").write_bytes(b"!")
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "link.png").symlink_to(tmp_path / "secret.png")

    with pytest.raises(ManifestError) as caught:
        load_media(folder, "{file: link.png}")

    assert "outside the folder of its manifest" in caught.value.problems[0].text


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    """A file that cannot be reached is a problem, no crash."""
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")

    with pytest.raises(ManifestError) as caught:
        load_media(tmp_path, "{file: loop.png}")

    assert "cannot be reached" in caught.value.problems[0].text


@pytest.mark.parametrize(
    ("participants", "limit"),
    [(SMS, 5 * MB), (WHATSAPP, 16 * MB), ("", 150 * MB)],
    ids=["sms", "whatsapp", "chat"],
)
def test_a_file_may_be_as_large_as_its_channel_takes(tmp_path: Path, participants: str, limit: int) -> None:
    """One byte more is refused, and the limit is named."""
    sparse_file(tmp_path / "big.mp4", limit + 1)

    with pytest.raises(ManifestError) as caught:
        load_media(tmp_path, "{file: big.mp4}", participants)

    assert caught.value.problems[0].text == (
        f"`media` of message `a` names a file of {limit + 1:,} bytes: `big.mp4`; "
        f"the limit here is {limit // MB} MB"
    )


def test_a_file_of_the_largest_size_is_taken(tmp_path: Path) -> None:
    """The limit itself is allowed."""
    sparse_file(tmp_path / "big.mp4", 5 * MB)

    assert load_media(tmp_path, "{file: big.mp4}", SMS).file is not None


def test_another_file_changes_the_digest_of_the_manifests(tmp_path: Path) -> None:
    """A saved plan is told apart when only a picture changed."""
    (tmp_path / "x.png").write_bytes(b"one")
    load_media(tmp_path, "{file: x.png}")
    before = load([tmp_path / "m.yaml"]).digest
    (tmp_path / "x.png").write_bytes(b"two")

    assert load([tmp_path / "m.yaml"]).digest != before
