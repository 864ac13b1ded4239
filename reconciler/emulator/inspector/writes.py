"""What the inspector can change: somebody says something, and a conversation is closed.

A write needs the token that is in the forms of our pages. A page of another origin cannot read it.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from reconciler.emulator.call import Call
from reconciler.emulator.errors import ApiError
from reconciler.emulator.exchange import carry_out
from reconciler.emulator.inspector.address import PREFIX
from reconciler.emulator.records import Participant
from reconciler.emulator.routes import PATHS
from reconciler.emulator.site import Site

_LARGEST: Final = 256 * 1024
"""Bytes of a form at most."""
_CONVERSATION: Final = "/v1/Services/{service}/Conversations/{conversation}"


class _Refusal(msgspec.Struct):
    message: str
    status: int
    code: int | None = None


class Writes:
    """The writes of one inspector; *token* is what their forms must hold."""

    def __init__(self, site: Site, token: str) -> None:
        self._site = site
        self._token = token

    async def send(self, request: Request) -> Response:
        """Send a message in the name of a participant or `system`, and lead back to the conversation.

        As when a person's own app sends it, webhooks are told of it; scripted faults do not strike.
        """
        form = await self._form(request)
        speaker, body = (
            form.get("speaker", ""),
            form.get("body", "").replace("\r\n", "\n"),
        )  # as browsers send it
        person = self._person(request, speaker) if speaker else None
        await self._change(
            request, f"{_CONVERSATION}/Messages", {"Author": _author(person), "Body": body}, person
        )
        return _back(request, f"?{urlencode({'as': speaker})}#send")

    async def close(self, request: Request) -> Response:
        """Close a conversation, and lead back to it."""
        await self._form(request)
        await self._change(request, _CONVERSATION, {"State": "closed"})
        return _back(request)

    def _person(self, request: Request, sid: str) -> Participant:
        names = request.path_params
        return self._site.store.participants.get(names["service"], names["conversation"], sid)

    async def _form(self, request: Request) -> dict[str, str]:
        """Return the form that was sent; raises ApiError unless it has the token."""
        body = bytearray()
        async for part in request.stream():
            body += part[: _LARGEST + 1 - len(body)]
        if len(body) > _LARGEST:
            raise ApiError(None, "The form is too large.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
        form = {name: values[-1] for name, values in fields.items()}
        if not secrets.compare_digest(form.get("token", "").encode(), self._token.encode()):
            raise ApiError(
                None,
                "The form does not hold the token of this page. Load the page again.",
                HTTPStatus.FORBIDDEN,
            )
        return form

    async def _change(
        self, request: Request, path: str, form: dict[str, str], person: Participant | None = None
    ) -> None:
        """Carry out the POST of the API at *path*, as *person* would; raises ApiError where it is refused."""
        names = dict(request.path_params)
        call = Call(
            store=self._site.store,
            options=self._site.options,
            origin=f"{request.url.scheme}://{request.url.netloc}",
            path=path.format(**names),
            account_sid=self._site.store.account_sid,
            names=names,
            query={},
            form=form,
            pairs=[*form.items()],
            webhooks=True,
            source="API" if person is None else "SDK" if person.identity else "SMS",
            client_identity="" if person is None else person.identity or "",
        )
        reply, _ = await carry_out(self._site, PATHS[path]["POST"], call, ())
        if reply is not None and reply.status >= HTTPStatus.BAD_REQUEST:
            refusal = msgspec.json.decode(reply.body, type=_Refusal)
            raise ApiError(refusal.code, refusal.message, refusal.status)


def _author(person: Participant | None) -> str:
    if person is None:
        return ""
    return person.identity or person.address or person.projected_address or ""


def _back(request: Request, rest: str = "") -> Response:
    names = request.path_params
    where = f"{PREFIX}/{names['service']}/{names['conversation']}{rest}"
    return RedirectResponse(where, HTTPStatus.SEE_OTHER)
