"""Media: upload, content, one message each, five minutes, and gone with its message."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.api import Api, Clock

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def upload(
    api: Api, service: str, content: bytes = PNG, content_type: str | None = "image/png"
) -> dict[str, Any]:
    """Upload a file and return what the reply shows."""
    headers = {} if content_type is None else {"content-type": content_type}
    reply = api("POST", f"{service}/Media?Filename=car.png", content=content, headers=headers)
    assert reply.status_code == 201, reply.text
    shown: dict[str, Any] = reply.json()
    return shown


def test_uploaded_file_can_be_read_back(api: Api, service: str) -> None:
    """Facts and bytes; dates of the media host have fractions and an offset."""
    media = upload(api, service)
    content = api("GET", media["links"]["content"])

    assert api.get(media["url"]) == media
    assert (media["size"], media["filename"], media["message_sid"]) == (len(PNG), "car.png", None)
    assert media["date_created"] == "2026-03-01T12:00:00.000000+00:00"
    assert (content.content, content.headers["content-type"]) == (PNG, "image/png")


def test_delayed_upload_is_stored_when_its_time_has_come(api: Api, service: str, clock: Clock) -> None:
    """Its request is over by then, and with it the body that came with the request."""
    api.fault("upload_media:1:delay=5")
    with pytest.raises(httpx.ReadError):
        upload(api, service)
    clock.forward(5)

    assert api.get(service)["sid"].startswith("IS")


def test_file_without_a_type_is_a_stream_of_octets(api: Api, service: str) -> None:
    """As on the real media host."""
    assert upload(api, service, content_type=None)["content_type"] == "application/octet-stream"


def test_malformed_type_is_refused(api: Api, service: str) -> None:
    """50511 is the code of a wrong content type."""
    reply = api("POST", f"{service}/Media", content=PNG, headers={"content-type": "picture"})

    assert (reply.status_code, reply.json()["code"]) == (400, 50511)


def test_media_template_brings_its_own_picture(api: Api, conversation: str) -> None:
    """The reply shows text and picture as rendered; each message has a picture of its own."""
    fields = {"ContentSid": "HX00000000000000000000000000000004", "ContentVariables": '{"1": "5164"}'}
    first, second = (api.post(f"{conversation}/Messages", **fields) for _ in range(2))

    assert (first["body"], first["media"][0]["filename"]) == (
        "Your parcel 5164 is at the door.",
        "parcel.png",
    )
    assert first["media"][0]["sid"] != second["media"][0]["sid"]


def test_message_shows_the_file_it_carries(api: Api, service: str, conversation: str) -> None:
    """Without a body the body is null; the file knows its message."""
    media = upload(api, service)
    message = api.post(f"{conversation}/Messages", MediaSid=media["sid"])

    assert (message["body"], message["media"]) == (
        None,
        [
            {
                "sid": media["sid"],
                "size": len(PNG),
                "content_type": "image/png",
                "filename": "car.png",
                "category": "media",
            }
        ],
    )
    attached = api.get(media["url"])
    assert (attached["message_sid"], attached["channel_sid"]) == (message["sid"], message["conversation_sid"])


def test_file_is_carried_by_one_message_only(api: Api, service: str, conversation: str) -> None:
    """A second use is refused."""
    sid = upload(api, service)["sid"]
    api.post(f"{conversation}/Messages", MediaSid=sid, Body="look")

    assert api.refusal("POST", f"{conversation}/Messages", MediaSid=sid) == (400, 50508)


def test_body_of_a_media_message_cannot_be_updated(api: Api, service: str, conversation: str) -> None:
    """Everything else can."""
    message = api.post(f"{conversation}/Messages", MediaSid=upload(api, service)["sid"], Body="look")
    path = f"{conversation}/Messages/{message['sid']}"

    assert api.refusal("POST", path, Body="there") == (400, 50509)
    assert api.post(path, Attributes='{"a":1}')["body"] == "look"


def test_file_nobody_carries_is_collected_after_five_minutes(
    api: Api, service: str, conversation: str, clock: Clock
) -> None:
    """An attached one stays."""
    kept, lost = upload(api, service), upload(api, service)
    api.post(f"{conversation}/Messages", MediaSid=kept["sid"])
    clock.forward(299)
    still_there = api("GET", lost["url"]).status_code
    clock.forward(1)

    assert still_there == 200
    assert api.refusal("GET", lost["links"]["content"]) == (404, 20404)
    assert api.refusal("POST", f"{conversation}/Messages", MediaSid=lost["sid"]) == (400, 50507)
    assert api.get(kept["url"])["sid"] == kept["sid"]


def test_file_goes_with_its_message(api: Api, service: str, conversation: str) -> None:
    """Deleting the message deletes the bytes."""
    media = upload(api, service)
    message = api.post(f"{conversation}/Messages", MediaSid=media["sid"])
    api("DELETE", f"{conversation}/Messages/{message['sid']}")

    assert api.refusal("GET", media["url"]) == (404, 20404)


def test_file_belongs_to_its_service(api: Api, service: str) -> None:
    """A message of another service cannot carry it."""
    media = upload(api, service)
    other = f"/v1/Services/{api.post('/v1/Services', FriendlyName='Other')['sid']}"
    conversation = api.post(f"{other}/Conversations")["sid"]

    assert api.refusal("POST", f"{other}/Conversations/{conversation}/Messages", MediaSid=media["sid"]) == (
        400,
        50507,
    )


def test_too_large_a_file_is_refused(api: Api, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is lowered here, so that the test need not send 150 MB."""
    monkeypatch.setattr("reconciler.emulator.media.MEDIA_BYTES", 10)
    reply = api("POST", f"{service}/Media", content=b"x" * 11, headers={"content-type": "text/plain"})

    assert (reply.status_code, reply.json()["code"]) == (400, 50512)


def test_attached_file_has_a_url_that_needs_no_credentials(
    api: Api, service: str, conversation: str, clock: Clock
) -> None:
    """Five minutes long, and for this file alone."""
    media = upload(api, service)
    assert "content_direct_temporary" not in media["links"]
    api.post(f"{conversation}/Messages", MediaSid=media["sid"])
    url = api.get(media["url"])["links"]["content_direct_temporary"]
    stranger = Api(api.emulator, auth=("nobody", ""))

    content = stranger("GET", url)
    assert (content.status_code, content.content, content.headers["content-type"]) == (200, PNG, "image/png")
    assert stranger("GET", url.replace(media["sid"], "ME" + "0" * 32)).status_code == 403
    assert stranger("GET", url.partition("?")[0]).status_code == 403
    assert stranger("POST", url).status_code == 405
    clock.forward(299)
    assert stranger("GET", url).status_code == 200
    clock.forward(1)
    assert stranger("GET", url).status_code == 403


def test_several_files_are_fetched_at_once(api: Api, service: str, conversation: str) -> None:
    """As Twilio's media client does, which has a token and no password."""
    media = upload(api, service)
    api.post(f"{conversation}/Messages", MediaSid=media["sid"])
    wanted = {"command": "get", "list": [{"media_sid": media["sid"]}, {"media_sid": "ME" + "0" * 32}]}
    client = Api(api.emulator, auth=("nobody", ""))
    reply = client("POST", f"{service}/MediaSet", json=wanted, headers={"X-Twilio-Token": "jwt"})

    found, missing = reply.json()
    assert (found["code"], found["media_record"]["sid"]) == (200, media["sid"])
    assert "content_direct_temporary" in found["media_record"]["links"]
    assert missing == {"code": 404, "media_record": {"sid": "ME" + "0" * 32}}
    assert client("POST", f"{service}/MediaSet", json=wanted).status_code == 401
    for wrong in (b"", b"[]", b'{"command": "delete", "list": []}'):
        reply = api("POST", f"{service}/MediaSet", content=wrong)
        assert (reply.status_code, reply.json()["code"]) == (400, 20001)
