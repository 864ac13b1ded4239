"""Decide from `--endpoint` and the environment where requests go, and with which credentials.

Nothing here does I/O: the environment is an argument. No error shows the value of a credential.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.model.sids import canonical_sid, is_sid

TWILIO: Final = "twilio"
EMULATOR: Final = "emulator"
DEFAULT_EMULATOR_FILE: Final = ".reconciler/emulator.db"

_WAYS_ON: Final = (
    "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (or TWILIO_API_KEY and TWILIO_API_SECRET), "
    "or work offline with `--endpoint emulator`"
)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ACCOUNT: Final = "AC"
_API_KEY: Final = "SK"
_HOST_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_HOST: Final = re.compile(r"[a-z0-9._:-]+")
_LONGEST: Final = 2_000
"""The most characters of `--endpoint`."""
_UNPRINTABLE: Final = re.compile(r"[\x00-\x20\x7f-\x9f]")
_UNDECODABLE: Final = re.compile(r"[\ud800-\udfff]")
"""How Python decodes bytes in the environment that are not UTF-8."""


class Credentials(Struct, frozen=True):
    """User name and secret for HTTP Basic; its `repr` shows neither."""

    username: str
    secret: str

    def __repr__(self) -> str:
        """Return its name alone."""
        return "Credentials()"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show Rich nothing either."""
        return []


class NoCredentials(UsageError):
    """The environment has no credentials for an endpoint that needs some."""


class Endpoint(Struct, frozen=True):
    """The address of one Twilio Conversations API, and the credentials for it."""

    origin: str
    """What identifies the API: `scheme://host[:port]`, or `emulator`."""
    base_url: str
    """The URL up to the first `/Services`."""
    media_url: str
    """The same for uploads."""
    account_sid: str | None
    """The sid of the account (AC…); None if only an API key is known."""
    local: bool
    """Whether the server is on this machine."""
    credentials: Credentials | None
    """None if the environment has none, which only a local server accepts."""
    emulator_file: str | None = None
    """The data file of the emulator in this process; None for a server."""

    @classmethod
    def parse(
        cls, text: str, environ: Mapping[str, str], *, allow_insecure_host: str | None = None
    ) -> Endpoint:
        """Return what `--endpoint TEXT` means under *environ*.

        Credentials may go to `*.twilio.com` over TLS and to this machine. Any other host is refused
        unless it is *allow_insecure_host*. Raises `UsageError`, which never shows a credential.
        """
        if (file := emulator_file(text)) is not None:
            return _emulator(file)
        base_url = _twilio_url(environ) if text == TWILIO else _custom_url(text)
        parts = urlsplit(base_url)
        host = parts.hostname or ""
        local = is_loopback(host)
        if not (local or _is_twilio(parts) or host == (allow_insecure_host or "").lower()):
            raise UsageError(
                f"credentials are not sent to `{host}`: it is neither Twilio over TLS nor this machine",
                hint=f"if you trust it and the way to it, pass `--allow-insecure-endpoint {host}`",
            )
        credentials = _credentials(environ)
        if credentials is None and not local:
            raise NoCredentials("no credentials for Twilio", hint=_WAYS_ON)
        return cls(
            origin=origin_of(base_url),
            base_url=base_url,
            media_url=_media_url(parts, base_url),
            account_sid=_account_sid(environ),
            local=local,
            credentials=credentials,
        )


def emulator_file(text: str) -> str | None:
    """Return the data file of the emulator that `--endpoint TEXT` means, or None if that is a server."""
    if text == EMULATOR or text.startswith(EMULATOR + ":"):
        return text.removeprefix(EMULATOR).removeprefix(":") or DEFAULT_EMULATOR_FILE
    return None


def origin_of(url: str) -> str:
    """Return `scheme://host[:port]` of *url*, in lower case and without a default port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    if parts.port is None or parts.port == _DEFAULT_PORTS.get(parts.scheme):
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{parts.port}"


def is_loopback(host: str) -> bool:
    """Return whether *host* is this machine: `localhost`, `127.0.0.0/8` or `::1`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _emulator(file: str) -> Endpoint:
    # `localhost` is never resolved: requests are handed over inside the process.
    base_url = "http://localhost/v1"
    return Endpoint(
        origin=EMULATOR,
        base_url=base_url,
        media_url=base_url,
        account_sid=None,
        local=True,
        credentials=None,
        emulator_file=file,
    )


def _twilio_url(environ: Mapping[str, str]) -> str:
    region, edge = (_host_label(environ, name) for name in ("TWILIO_REGION", "TWILIO_EDGE"))
    if region is not None and region != "us1" and edge is None:
        raise UsageError(
            "TWILIO_REGION is set without TWILIO_EDGE: Twilio would send the requests to us1",
            hint="set TWILIO_EDGE too, for example TWILIO_REGION=ie1 with TWILIO_EDGE=dublin",
        )
    if edge is not None and region is None:
        region = "us1"
    return f"https://{'.'.join(filter(None, ('conversations', edge, region, 'twilio.com')))}/v1"


def _host_label(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name, "").lower()
    if value and not _HOST_LABEL.fullmatch(value):
        raise UsageError(
            f"{name} is not the name of a Twilio region or edge", hint="for example `ie1`, `dublin`"
        )
    return value or None


def _custom_url(text: str) -> str:
    example = "give `twilio`, `emulator`, `emulator:FILE` or an address such as `http://127.0.0.1:8080`"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError("`--endpoint` is no valid address", hint=example) from None
    if len(text) > _LONGEST:
        raise UsageError(
            f"`--endpoint` has {len(text):,} characters; the limit is {_LONGEST:,}", hint=example
        )
    if parts.username is not None or parts.password is not None:
        raise UsageError("`--endpoint` must not hold credentials", hint=_WAYS_ON)
    host = parts.hostname or ""
    if (
        parts.scheme not in _DEFAULT_PORTS
        or not _HOST.fullmatch(host)
        or _UNPRINTABLE.search(text)
        or _UNDECODABLE.search(parts.path)
        or parts.query
        or parts.fragment
        or port == 0
    ):
        # The value is not shown: a credential may have been pasted by mistake.
        raise UsageError("`--endpoint` is neither a known name nor an address", hint=example)
    return origin_of(text) + (parts.path.rstrip("/") or "/v1")


def _is_twilio(parts: SplitResult) -> bool:
    return parts.scheme == "https" and (parts.hostname or "").endswith(".twilio.com")


def _media_url(parts: SplitResult, base_url: str) -> str:
    """Return the base URL for uploads: Twilio has a host of its own for media."""
    prefix, _, rest = parts.netloc.lower().partition(".")
    if not _is_twilio(parts) or prefix != "conversations":
        return base_url
    return f"https://mcs.{'us1.twilio.com' if rest == 'twilio.com' else rest}/v1"


def _credentials(environ: Mapping[str, str]) -> Credentials | None:
    """Return the API key if there is one, else account sid and token, else None."""
    for username, secret, prefix in (
        ("TWILIO_API_KEY", "TWILIO_API_SECRET", _API_KEY),
        ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", _ACCOUNT),
    ):
        if environ.get(username) and environ.get(secret):
            _check(environ, username, prefix)
            if re.search(r"\s", environ[secret]):
                raise UsageError(f"{secret} contains white space", hint="copy it again from the console")
            if _UNDECODABLE.search(environ[secret]):
                raise UsageError(f"{secret} is not UTF-8", hint="copy it again from the console")
            return Credentials(canonical_sid(environ[username]), environ[secret])
        if environ.get(secret) or (username == "TWILIO_API_KEY" and environ.get(username)):
            missing = secret if environ.get(username) else username
            raise UsageError(f"{missing} is not set, but its counterpart is", hint=_WAYS_ON)
    return None


def _account_sid(environ: Mapping[str, str]) -> str | None:
    if not environ.get("TWILIO_ACCOUNT_SID"):
        return None
    _check(environ, "TWILIO_ACCOUNT_SID", _ACCOUNT)
    return canonical_sid(environ["TWILIO_ACCOUNT_SID"])


def _check(environ: Mapping[str, str], name: str, prefix: str) -> None:
    if not is_sid(environ[name], prefix):
        raise UsageError(
            f"{name} is malformed: it must be `{prefix}` and 32 hexadecimal digits",
            hint="copy it again from the console, without quotes or white space",
        )
