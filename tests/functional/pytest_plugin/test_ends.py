"""Worlds are gone when their test, block or run ends, whatever happens."""

from __future__ import annotations

import pytest

from reconciler.emulator import Emulator
from reconciler.emulator.database import Start
from reconciler.emulator.fault_text import parse_fault
from tests.support.manifests import CHANGING, SUPPORT
from tests.support.suites import KILLED, passes, services


@pytest.mark.parametrize(
    ("fixture", "shared"), [("reconciled", False), ("reconciled_module", True), ("reconciled_session", True)]
)
def test_a_world_lasts_as_long_as_its_fixture(suite: pytest.Pytester, fixture: str, shared: bool) -> None:  # noqa: FBT001
    """Two tests see the same world if its fixture has a wider scope, and two worlds otherwise."""
    scope = {"reconciled": "function", "reconciled_module": "module", "reconciled_session": "session"}[
        fixture
    ]
    passes(
        suite,
        f"""
        import pytest

        seen = set()

        @pytest.fixture(scope="{scope}")
        def world({fixture}):
            return {fixture}("support.yaml")

        def test_first(world):
            seen.add(world.sid("support"))

        def test_second(world):
            seen.add(world.sid("support"))
            assert len(seen) == {1 if shared else 2}
        """,
        count=2,
    )


def test_a_world_ends_with_a_block_around_it(suite: pytest.Pytester) -> None:
    """The fixture's world is a context manager too, and its end comes once."""
    passes(
        suite,
        """
        def test(reconciled, reconciler_backend):
            services = reconciler_backend.client().conversations.v1.services
            with reconciled("support.yaml") as world:
                assert [one.sid for one in services.list()] == [world.sid("support")]
            assert services.list() == []
        """,
    )


def test_a_world_is_kept_where_its_block_failed(
    suite: pytest.Pytester, remote: Emulator, endpoint: str
) -> None:
    """`on-success` looks at the block too, though the test went on."""
    passes(
        suite,
        """
        import pytest

        def test(reconciled):
            with pytest.raises(ZeroDivisionError), reconciled("support.yaml"):
                1 / 0
        """,
        endpoint,
        "--reconciler-teardown=on-success",
    )

    assert len(services(remote)) == 1


@pytest.mark.parametrize(("teardown", "left"), [("on", 0), ("on-success", 1), ("off", 2)])
def test_teardown_is_a_choice(
    suite: pytest.Pytester, remote: Emulator, endpoint: str, teardown: str, left: int
) -> None:
    """Worlds go after each test, stay after a failed one, or stay."""
    suite.makepyfile(
        """
        def test_good(reconciled):
            reconciled("support.yaml")

        def test_bad(reconciled):
            reconciled("support.yaml")
            assert False
        """
    )

    suite.runpytest_inprocess(endpoint, f"--reconciler-teardown={teardown}").assert_outcomes(
        passed=1, failed=1
    )

    assert len(services(remote)) == left


@pytest.mark.parametrize(
    "fault",
    [
        "create_service:1:400",
        "create_service:1:reset_after",
        "create_conversation:1:400",
        "create_conversation:1:503_after",
        "create_message:2:400",
    ],
)
def test_nothing_is_left_when_making_a_world_fails(
    suite: pytest.Pytester, remote: Emulator, endpoint: str, fault: str
) -> None:
    """Whatever request fails or loses its reply, the service goes."""
    remote.faults.add(parse_fault(fault))
    suite.makepyfile("def test(reconciled): reconciled('support.yaml')")

    suite.runpytest_inprocess(endpoint)

    assert [one.kind for one in remote.requests].count("create_service") >= 1
    assert services(remote) == []


def test_nothing_is_left_when_a_worker_is_killed(
    suite: pytest.Pytester, remote: Emulator, endpoint: str
) -> None:
    """What a dead worker cannot throw away, the run does in the end."""
    suite.makepyfile(KILLED + "\ndef test_other(reconciled): reconciled('support.yaml')\n")

    result = suite.runpytest_subprocess("-n", "1", "--max-worker-restart=0", endpoint)

    result.stdout.fnmatch_lines(["*worker 'gw0' crashed*"])
    assert [one.kind for one in remote.requests].count("create_service") >= 1
    assert services(remote) == []


def test_nothing_is_left_when_a_run_is_killed_and_the_next_one_starts(
    suite: pytest.Pytester, remote: Emulator, endpoint: str
) -> None:
    """The next run throws away what is left of a dead one, and of no other workspace."""
    remote.store.services.create(
        {"FriendlyName": "Support [reconciler other 2026-01-01T00:00:00Z 0123456789ab.1]"}
    )
    remote.store.services.create({"FriendlyName": "Support"})
    suite.makepyfile(KILLED)
    suite.runpytest_subprocess(endpoint)
    assert len(services(remote)) == 3

    passes(suite, "def test(reconciled): pass", endpoint)

    assert [name[:25] for name in services(remote)] == ["Support [reconciler other", "Support"]


def test_a_teardown_that_fails_is_told_and_made_up_for(
    suite: pytest.Pytester, remote: Emulator, endpoint: str
) -> None:
    """A service that could not be deleted is an error of that test, and the next run deletes it."""
    remote.faults.add(parse_fault("delete_service:1:400"))
    suite.makepyfile("def test(reconciled): reconciled('support.yaml')")

    result = suite.runpytest_inprocess(endpoint)

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["E *ApplyError: the service IS* of a test could not be deleted*"])
    assert len(services(remote)) <= 1
    suite.runpytest_inprocess(endpoint).assert_outcomes(passed=1)
    assert services(remote) == []


def test_what_cannot_be_thrown_away_in_the_end_is_told(
    suite: pytest.Pytester, remote: Emulator, endpoint: str
) -> None:
    """The run's own result stands; what an earlier one left is told, and left to the next."""
    suite.makepyfile(KILLED)
    suite.runpytest_subprocess(endpoint)
    remote.faults.add(parse_fault("delete_service:1:403"))
    suite.makepyfile("def test(): pass")

    result = suite.runpytest_inprocess(endpoint)

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*error: the service IS* of a test could not be deleted*", "hint: *sweep*"])
    suite.runpytest_inprocess(endpoint).assert_outcomes(passed=1)
    assert services(remote) == []


def test_in_an_existing_service_only_what_was_made_goes(
    suite: pytest.Pytester, remote: Emulator, endpoint: str
) -> None:
    """With `allow_existing` the service stays, and so does what others have there."""
    store = remote.store
    sid = store.services.create({"FriendlyName": "Support"}).sid
    store.conversations.create(sid, {"UniqueName": "others"})
    manifest = SUPPORT.replace("friendly_name: Support", f"sid: {sid}").replace(
        "{key: welcome,", "{key: welcome, lifecycle: {prevent_destroy: true},"
    )
    suite.path.joinpath("support.yaml").write_text(manifest, encoding="utf-8")

    passes(
        suite,
        CHANGING
        + """
def test(reconciled):
    world = reconciled("support.yaml", allow_existing=True)
    assert len(change(world, "hello").messages()) == 4
""",
        endpoint,
    )

    assert ["others" in row for row in store.conversations.page(sid, {}, Start(), 10).rows] == [True]
