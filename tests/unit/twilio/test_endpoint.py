"""Where requests go, who they are from, and who may see the credentials."""

from __future__ import annotations

import subprocess
import sys

import pytest

from reconciler.errors import UsageError
from reconciler.twilio.endpoint import Credentials, Endpoint, origin_of

ACCOUNT = "AC" + "0" * 31 + "a"
KEY = "SK" + "0" * 31 + "b"
TOKEN = "t0ken-that-nobody-may-see"
SECRET = "s3cret-that-nobody-may-see"
ENVIRON = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN}


def refusal(text: str, environ: dict[str, str], *, allow: str | None = None) -> UsageError:
    """Return the error of an endpoint that must be refused."""
    with pytest.raises(UsageError) as caught:
        Endpoint.parse(text, environ, allow_insecure_host=allow)
    return caught.value


def test_twilio_is_the_public_api() -> None:
    """Without region and edge, requests go to the plain host and media to its us1 host."""
    assert Endpoint.parse("twilio", ENVIRON) == Endpoint(
        origin="https://conversations.twilio.com",
        base_url="https://conversations.twilio.com/v1",
        media_url="https://mcs.us1.twilio.com/v1",
        account_sid=ACCOUNT,
        local=False,
        credentials=Credentials(ACCOUNT, TOKEN),
    )


@pytest.mark.parametrize(
    ("places", "host"),
    [
        ({"TWILIO_EDGE": "sydney"}, "sydney.us1"),
        ({"TWILIO_REGION": "ie1", "TWILIO_EDGE": "dublin"}, "dublin.ie1"),
        ({"TWILIO_REGION": "us1"}, "us1"),
        ({"TWILIO_REGION": "", "TWILIO_EDGE": "Ashburn"}, "ashburn.us1"),
    ],
)
def test_region_and_edge_are_part_of_the_host(places: dict[str, str], host: str) -> None:
    """`product.edge.region.twilio.com`, and an edge alone means us1."""
    endpoint = Endpoint.parse("twilio", ENVIRON | places)

    assert endpoint.base_url == f"https://conversations.{host}.twilio.com/v1"
    assert endpoint.media_url == f"https://mcs.{host}.twilio.com/v1"


def test_region_without_edge_is_refused() -> None:
    """Twilio would route to us1, where the region's keys do not count."""
    error = refusal("twilio", ENVIRON | {"TWILIO_REGION": "ie1"})

    assert "TWILIO_EDGE" in error.text


@pytest.mark.parametrize("value", ["evil.com/", "ie1.evil", "a b", "-", "x@y", "ie1\n"])
def test_region_cannot_change_the_host(value: str) -> None:
    """A region is one label of a host name, so the host stays Twilio's."""
    error = refusal("twilio", ENVIRON | {"TWILIO_REGION": value, "TWILIO_EDGE": "dublin"})

    assert "TWILIO_REGION" in error.text


def test_api_key_wins_over_the_token() -> None:
    """A key is meant whenever it is there; the account sid is still known."""
    endpoint = Endpoint.parse("twilio", ENVIRON | {"TWILIO_API_KEY": KEY, "TWILIO_API_SECRET": SECRET})

    assert endpoint.credentials == Credentials(KEY, SECRET)
    assert endpoint.account_sid == ACCOUNT


def test_api_key_alone_leaves_the_account_open() -> None:
    """No account sid is on the wire, so none is needed."""
    endpoint = Endpoint.parse("twilio", {"TWILIO_API_KEY": KEY, "TWILIO_API_SECRET": SECRET})

    assert endpoint.account_sid is None


def test_missing_credentials_name_both_ways_on() -> None:
    """The hint has the variables and the endpoint that needs none."""
    error = refusal("twilio", {"TWILIO_ACCOUNT_SID": "", "TWILIO_AUTH_TOKEN": ""})

    for way in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_API_KEY", "--endpoint emulator"):
        assert way in (error.hint or "")


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({"TWILIO_AUTH_TOKEN": TOKEN}, "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_API_KEY": KEY}, "TWILIO_API_SECRET"),
        ({"TWILIO_API_SECRET": SECRET}, "TWILIO_API_KEY"),
        (ENVIRON | {"TWILIO_API_KEY": KEY}, "TWILIO_API_SECRET"),
    ],
)
def test_half_a_credential_names_the_other_half(environ: dict[str, str], missing: str) -> None:
    """A variable that was forgotten is named, not passed over."""
    assert refusal("twilio", environ).text.startswith(missing)


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"TWILIO_ACCOUNT_SID": "AC123-secret", "TWILIO_AUTH_TOKEN": TOKEN}, "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_ACCOUNT_SID": TOKEN, "TWILIO_AUTH_TOKEN": ACCOUNT}, "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_ACCOUNT_SID": ACCOUNT + "\n", "TWILIO_AUTH_TOKEN": TOKEN}, "TWILIO_ACCOUNT_SID"),
        ({"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN + "\n"}, "TWILIO_AUTH_TOKEN"),
        ({"TWILIO_API_KEY": ACCOUNT, "TWILIO_API_SECRET": SECRET}, "TWILIO_API_KEY"),
    ],
)
def test_malformed_credential_is_named_and_not_shown(environ: dict[str, str], name: str) -> None:
    """The variable is named; no value of any variable is in the error."""
    error = refusal("twilio", environ)

    assert error.text.startswith(name)
    assert not any(value in f"{error!r} {error.hint}" for value in environ.values())


def test_no_repr_shows_a_credential() -> None:
    """Neither the endpoint nor its credentials can be logged by accident."""
    endpoint = Endpoint.parse("twilio", ENVIRON)

    shown = f"{endpoint!r} {endpoint} {endpoint.credentials!r}"
    assert TOKEN not in shown


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10", "[::1]", "localhost", "LOCALHOST", "127.0.0.1:8080"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_this_machine_needs_no_credentials(scheme: str, host: str) -> None:
    """A loopback server is local, may be asked without credentials, and may see them."""
    address = f"{scheme}://{host}"

    assert Endpoint.parse(address, {}).local
    assert Endpoint.parse(address, {}).credentials is None
    assert Endpoint.parse(address, ENVIRON).credentials == Credentials(ACCOUNT, TOKEN)


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com",
        "http://conversations.twilio.com",
        "https://twilio.com.evil.com",
        "https://eviltwilio.com",
        "http://0.0.0.0:8080",
        "http://10.0.0.1",
        "http://127.0.0.1.evil.com",
        "http://localhost.evil.com",
        "http://127.1",
        "http://2130706433",
        "https://conversations.twilio.com.",
    ],
)
def test_other_hosts_are_refused(address: str) -> None:
    """Credentials go to Twilio over TLS and to this machine, and nowhere else."""
    error = refusal(address, ENVIRON)

    assert "credentials are not sent to" in error.text
    assert "--allow-insecure-endpoint" in (error.hint or "")


def test_other_host_can_be_allowed_by_name() -> None:
    """Only the very host that was named is allowed."""
    endpoint = Endpoint.parse("http://Proxy.internal:8080", ENVIRON, allow_insecure_host="proxy.INTERNAL")

    assert endpoint.origin == "http://proxy.internal:8080"
    assert not endpoint.local
    refusal("http://proxy2.internal", ENVIRON, allow="proxy.internal")


def test_allowed_host_still_needs_credentials() -> None:
    """Only a server on this machine may be asked without them."""
    assert "no credentials" in refusal("http://proxy.internal", {}, allow="proxy.internal").text


@pytest.mark.parametrize(
    ("text", "base_url"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/v1"),
        ("http://127.0.0.1:80/v1/", "http://127.0.0.1/v1"),
        ("https://[::1]:8443/twilio/v1", "https://[::1]:8443/twilio/v1"),
    ],
)
def test_address_ends_before_the_first_resource(text: str, base_url: str) -> None:
    """`/v1` is added where no path is given; a path is taken as it is."""
    assert Endpoint.parse(text, {}).base_url == base_url


def test_twilio_host_given_as_an_address_has_its_media_host() -> None:
    """Uploads of a region follow the address."""
    endpoint = Endpoint.parse("https://conversations.dublin.ie1.twilio.com", ENVIRON)

    assert endpoint.media_url == "https://mcs.dublin.ie1.twilio.com/v1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "twillio",
        "127.0.0.1:8080",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:0",
        "http://[::1",
        "http://127.0.0.1/v1?x=1",
        "http://127.0.0.1/v1#x",
        "http://local host",
    ],
)
def test_endpoint_that_is_no_address_is_refused(text: str) -> None:
    """The hint shows what may be given."""
    assert "emulator:FILE" in (refusal(text, ENVIRON).hint or "")


@pytest.mark.parametrize("prefix", ["http://", "", "http://x\\\\"])
def test_credentials_in_an_address_are_refused_unseen(prefix: str) -> None:
    """They belong to the environment, and are not repeated in the error."""
    error = refusal(f"{prefix}{ACCOUNT}:{TOKEN}@127.0.0.1", {})

    assert TOKEN not in f"{error!r} {error.hint}"


@pytest.mark.parametrize(
    ("text", "file"), [("emulator", ".reconciler/emulator.db"), ("emulator:demo.db", "demo.db")]
)
def test_emulator_needs_nothing(text: str, file: str) -> None:
    """The emulator in this process has a file and no credentials, whatever the environment holds."""
    endpoint = Endpoint.parse(text, ENVIRON)

    assert endpoint.emulator_file == file
    assert endpoint.local
    assert endpoint.credentials is None


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTPS://Conversations.Twilio.com:443/v1", "https://conversations.twilio.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:443/", "http://localhost:443"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
    ],
)
def test_origin_is_normal(url: str, origin: str) -> None:
    """Case and default ports do not make another origin."""
    assert origin_of(url) == origin


def test_pure_modules_do_not_load_the_network() -> None:
    """`version` and `validate` may import these without paying for httpx or asyncio."""
    code = (
        "import sys, reconciler.twilio.endpoint, reconciler.twilio.wire;"
        "print(sorted({'httpx', 'asyncio', 'anyio', 'stamina'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"


def test_credentials_compare_by_value() -> None:
    """Hiding them from `repr`, also that of Rich, does not hide them from use."""
    credentials = Credentials("a", "b")

    assert credentials == Credentials("a", "b")
    assert credentials != Credentials("a", "c")
    assert (repr(credentials), credentials.__rich_repr__()) == ("Credentials()", [])


def test_a_credential_that_is_no_text_is_refused() -> None:
    """It could not be sent, and the error does not show it."""
    error = refusal("http://127.0.0.1:8010", ENVIRON | {"TWILIO_AUTH_TOKEN": f"{TOKEN}\udcff"})

    assert error.text == "TWILIO_AUTH_TOKEN is not UTF-8"
    assert TOKEN not in str(error.hint)


def test_an_address_that_is_no_text_is_refused() -> None:
    """No request could be sent there."""
    assert "neither a known name nor an address" in refusal("http://127.0.0.1:8010/\udcff", ENVIRON).text
