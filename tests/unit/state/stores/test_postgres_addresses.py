"""Addresses of states in PostgreSQL: what they may name, and where credentials go."""

from __future__ import annotations

import pytest

from reconciler.errors import UsageError
from reconciler.state.keys import NO_KEYS
from reconciler.state.stores.postgres import Database, located, open_store


@pytest.mark.parametrize(
    ("address", "database", "place"),
    [
        (
            "postgresql://db.example.com/prod",
            Database("db.example.com", None, "prod", "reconciler", "", ""),
            "postgresql://db.example.com/prod?schema=reconciler",
        ),
        (
            "postgresql://ann:s%40crt@db:6432/prod?schema=desk",
            Database("db", 6432, "prod", "desk", "ann", "s@crt"),
            "postgresql://db:6432/prod?schema=desk",
        ),
        (
            "postgresql://[::1]/prod",
            Database("::1", None, "prod", "reconciler", "", ""),
            "postgresql://[::1]/prod?schema=reconciler",
        ),
        (
            "postgresql://ann@/prod?host=/run/postgresql",
            Database("/run/postgresql", None, "prod", "reconciler", "ann", ""),
            "postgresql:///prod?host=/run/postgresql&schema=reconciler",
        ),
    ],
)
def test_an_address_names_one_database(address: str, database: Database, place: str) -> None:
    """An address names a host or a socket, a database and a schema; what is shown has no password."""
    found = located(address, trusted=True)
    assert found == database
    assert found.place == place
    assert "crt" not in repr(found)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://",
        "postgresql:///prod",
        "postgresql://db",
        "postgresql://db/",
        "postgresql://db/prod/more",
        "postgresql://one,two/prod",
        "postgresql://db:port/prod",
        "postgresql://[::1/prod",
        "postgresql://db/prod#part",
        "postgresql://db/prod?sslmode=disable",
        "postgresql://db/prod?service=other",
        "postgresql://db/prod?schema=Desk",
        'postgresql://db/prod?schema="x"',
        "postgresql://db/prod?schema=",
        "postgresql://db/prod?host=/run",
        "postgresql:///prod?host=elsewhere",
        "postgresql:///prod?host=/run,elsewhere",
        "postgresql://db/prod%20password=x",
    ],
)
def test_anything_else_is_refused(address: str) -> None:
    """More hosts than one, options of the client and odd names are refused."""
    with pytest.raises(UsageError, match="the address of the state is wrong"):
        located(address, trusted=True)


@pytest.mark.parametrize(
    "address",
    ["postgresql://ann:s3cr3t@db/prod", "postgresql:///prod?host=/run/postgresql", "postgresql://db/prod"],
)
def test_a_file_names_no_password_no_socket_and_no_host_that_is_not_trusted(address: str) -> None:
    """An address of a settings file sends credentials only where the environment says so."""
    with pytest.raises(UsageError) as refused:
        open_store(address, {"RECONCILER_STATE_HOST": "other"}, trusted=False, keys=NO_KEYS)
    assert "s3cr3t" not in f"{refused.value} {refused.value.hint}"


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("localhost", True),
        ("127.0.0.5", True),
        ("::1", True),
        ("/run", True),
        ("db", False),
        ("10.0.0.1", False),
    ],
)
def test_only_this_machine_needs_no_tls(host: str, *, is_local: bool) -> None:
    """A socket and the loopback addresses are this machine; a private address is not."""
    database = Database(host, None, "prod", "desk", "", "")
    assert database.is_local is is_local
    tls = {} if is_local else {"sslmode": "verify-full", "sslrootcert": "system"}
    assert database.parameters({}) == {"host": host, "dbname": "prod", **tls}
    assert "sslrootcert" not in database.parameters({"PGSSLROOTCERT": "ours.pem"})
