"""Names of throw-away services: what they tell, and what does not look like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import UsageError
from reconciler.model import Desired, Service
from reconciler.operations.ephemeral import Label, check_workspace, throw_away

LABEL = Label("checkout", "2026-03-01T12:00:00Z", "gw0-0123456789ab", 7)


def world(**service: str | bool) -> Desired:
    """Return a world of one service."""
    return Desired(services=(Service("support", "support.yaml", 3, **service),), digest="")  # type: ignore[arg-type]


@given(st.text(max_size=300))
def test_the_mark_is_read_back_from_any_name(friendly_name: str) -> None:
    """However long a name is, the whole label fits in, within Twilio's 256 characters."""
    desired = throw_away(world(friendly_name=friendly_name), LABEL, allow_existing=False)

    marked = desired.services[0].friendly_name
    assert marked is not None
    assert len(marked) <= 256
    assert Label.of(marked) == LABEL


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "Support",
        "[reconciler]",
        f"Support{LABEL} copy",
        f"Support{LABEL}]",
        str(LABEL).replace(".7", ""),
    ],
)
def test_other_names_have_no_mark(name: str | None) -> None:
    """Only a whole label at the very end counts."""
    assert Label.of(name) is None


def test_a_name_within_a_name_is_not_believed() -> None:
    """A service called after another one's label still tells its own."""
    assert Label.of(f"Support{LABEL}{Label('billing', LABEL.made_at, 'abc', 1)}") == Label(
        "billing", LABEL.made_at, "abc", 1
    )


@pytest.mark.parametrize("service", [{"sid": "IS" + "0" * 32}, {"default": True}])
def test_existing_services_are_refused(service: dict[str, str | bool]) -> None:
    """The error names the place and the way out; allowed, the service stays as it is."""
    with pytest.raises(UsageError, match=r"service `support` \(support.yaml:3\)") as raised:
        throw_away(world(**service), LABEL, allow_existing=False)

    assert "allow_existing=True" in (raised.value.hint or "")
    assert throw_away(world(**service), LABEL, allow_existing=True) == world(**service)


@pytest.mark.parametrize("name", ["", "a b", "a]", "-a", "ä", "a" * 65, "a\n"])
def test_names_of_workspaces_are_checked(name: str) -> None:
    """What could not be read back is refused."""
    with pytest.raises(UsageError, match="name of a workspace"):
        check_workspace(name)
