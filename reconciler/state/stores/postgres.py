"""A state in a PostgreSQL database: its address, and where credentials may go.

    postgresql://[USER[:PASSWORD]@]HOST[:PORT]/DATABASE[?schema=SCHEMA]
    postgresql:///DATABASE?host=/FOLDER/OF/THE/SOCKET[&schema=SCHEMA]

The database keeps the same objects as a bucket does, one a row, in a schema of their own: so a lease is a
row, a segment is a row that is only ever inserted, and `objects` is the protocol over both. The state is
kept by group of conversations (`grouped`). No call relies on the session before it, so it works behind a
pooler too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from msgspec import Struct

from reconciler.errors import UsageError
from reconciler.state.keys import Keys
from reconciler.state.stores.background import Remote
from reconciler.state.stores.grouped import ALL, Grouped
from reconciler.state.stores.sealed_blobs import SealedBlobs
from reconciler.state.stores.trust import check_host, is_loopback

if TYPE_CHECKING:
    from reconciler.state.stores.interface import Store

_FORM: Final = "postgresql://USER@HOST:PORT/DATABASE?schema=SCHEMA"
_HOST: Final = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,63}")
_SCHEMA: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class Database(Struct, frozen=True):
    """What an address names."""

    host: str
    """A name, an address, or the folder of a socket."""
    port: int | None
    """None: the usual one."""
    name: str
    """The name of the database."""
    schema: str
    """The schema that has the state."""
    user: str
    """Empty: from the environment."""
    password: str
    """Empty: from the environment."""

    @property
    def place(self) -> str:
        """The address as messages show it, without a user or a password."""
        port = f":{self.port}" if self.port else ""
        if self.is_socket:
            return f"postgresql:///{self.name}?host={self.host}&schema={self.schema}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"postgresql://{host}{port}/{self.name}?schema={self.schema}"

    @property
    def is_socket(self) -> bool:
        """Whether it is reached by a socket of this machine's file system."""
        return self.host.startswith("/")

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, so that it needs no TLS."""
        return self.is_socket or is_loopback(self.host)

    def parameters(self, environ: Mapping[str, str]) -> dict[str, str | int]:
        """Return those of libpq, which takes from the environment what the address leaves out.

        But on this machine, the server must show a certificate of its name.
        """
        given = {"host": self.host, "dbname": self.name, "user": self.user, "password": self.password}
        chosen: dict[str, str | int] = {name: value for name, value in given.items() if value}
        if self.port:
            chosen["port"] = self.port
        if not self.is_local:
            chosen["sslmode"] = "verify-full"
            if not environ.get("PGSSLROOTCERT"):
                chosen["sslrootcert"] = "system"
        return chosen

    def __repr__(self) -> str:
        return f"Database({self.place})"


def open_store(
    address: str,
    environ: Mapping[str, str],
    *,
    trusted: bool,
    keys: Keys,
    groups: frozenset[int] | None = None,
) -> Store:
    """Return the store of *groups* at *address*; nothing is sent yet. None are all groups.

    Raises UsageError for a wrong address, for a host that credentials may not go to and where the extra is
    missing.
    """
    database = located(address, trusted=trusted)
    check_host(database.host, environ, trusted=trusted)
    try:
        from reconciler.state.stores.adapters.postgres import TableBlobs  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            "a state at `postgresql:` needs a package that is not installed",
            hint='install the extra: `pip install "conversations-reconciler[postgres] @ …"`',
        ) from error
    blobs = TableBlobs(database.place, database.schema, database.parameters(environ))
    return Remote(Grouped(SealedBlobs(blobs, keys), ALL if groups is None else groups))


def located(address: str, *, trusted: bool) -> Database:
    """Return what *address* names; raises UsageError if it names no database, or more than one may.

    In an address that is not *trusted* there is no password and no socket.
    """
    try:
        parts = urlsplit(address)
        found = _parsed(parts)
    except ValueError:  # of a port or a bracket
        raise _wrong("it cannot be read") from None
    if found.password and not trusted:
        raise _wrong("a password does not belong into a file")
    if found.is_socket and not trusted:
        raise _wrong("a settings file cannot name a socket")
    return found


def _parsed(parts: SplitResult) -> Database:
    given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    schema = given.pop("schema", "reconciler")
    socket = given.pop("host", "")
    if given:
        raise _wrong("only `schema` and `host` may stand behind `?`")
    if socket and (parts.hostname or not socket.startswith("/") or "," in socket):
        raise _wrong("`host=` is the folder of a socket, and stands where no other host does")
    host = socket or (parts.hostname or "")
    name = parts.path.removeprefix("/")
    if parts.fragment or not (socket or _HOST.fullmatch(host)) or not _NAME.fullmatch(name):
        raise _wrong("it does not name one host and one database")
    if not _SCHEMA.fullmatch(schema):
        raise _wrong("a schema is named by small letters, digits and `_`")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Database(host, parts.port, name, schema, user, password)


def _wrong(why: str) -> UsageError:
    return UsageError(f"the address of the state is wrong: {why}", hint=f"write it as `{_FORM}`")
