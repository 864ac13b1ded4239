"""What a test and its configuration may ask the plugin for, and what is refused."""

from __future__ import annotations

import pytest

from reconciler.emulator import Emulator
from tests.support.manifests import CHANGING, SUPPORT
from tests.support.suites import passes, services


def test_settings_can_stand_in_the_configuration_file(
    suite: pytest.Pytester, remote: Emulator, endpoint: str
) -> None:
    """What an option says for one run, the project can say for all."""
    where = endpoint.partition("=")[2]
    suite.makeini(
        f"""
        [pytest]
        reconciler_endpoint = {where}
        reconciler_teardown = off
        reconciler_workspace = checkout
        """
    )

    passes(suite, "def test(reconciled): reconciled('support.yaml')")

    (name,) = services(remote)
    assert name.startswith("Support [reconciler checkout 2")


def test_a_teardown_that_does_not_exist_is_refused(suite: pytest.Pytester) -> None:
    """A typing error in the setting is told with what can be said."""
    suite.makepyfile("def test(reconciled): pass")

    result = suite.runpytest_inprocess("--reconciler-teardown=never")

    result.stdout.fnmatch_lines(["*reconciler_teardown is `never`, but must be one of on, off, on-success*"])


def test_an_existing_service_is_refused(suite: pytest.Pytester) -> None:
    """A test does not write where others look, unless it says that it wants to."""
    sid = "IS0123456789abcdef0123456789abcdef"
    suite.path.joinpath("support.yaml").write_text(
        f"version: 1\nservices:\n  support:\n    sid: {sid}\n    conversations: {{}}\n", encoding="utf-8"
    )
    suite.makepyfile("def test(reconciled): reconciled('support.yaml')")

    result = suite.runpytest_inprocess()

    result.stdout.fnmatch_lines([f"E *UsageError: service `support` (*support.yaml:3)* it is {sid}*"])


def test_an_address_that_is_not_there_is_told_with_those_that_are(suite: pytest.Pytester) -> None:
    """A typing error is seen at once."""
    passes(
        suite,
        """
        import pytest
        from reconciler.errors import UsageError

        def test(reconciled):
            world = reconciled("support.yaml")
            with pytest.raises(UsageError, match="`support/order-2` is not in this world") as raised:
                world.sid("support/order-2")
            assert "`support/order-1`" in raised.value.hint
            with pytest.raises(UsageError, match="is no conversation"):
                world.conversation("support")
        """,
    )


def test_a_wrong_manifest_fails_with_its_problems(suite: pytest.Pytester) -> None:
    """The failure shows place and hint, not the way through our code."""
    suite.path.joinpath("support.yaml").write_text(SUPPORT.replace("author: alice", "autor: alice"))
    suite.makepyfile("def test(reconciled): reconciled('support.yaml')")

    result = suite.runpytest_inprocess()

    result.stdout.fnmatch_lines(
        [
            "E *support.yaml:9:*: unknown field `autor` in message `question`",
            "E *hint: did you mean `author`?",
        ]
    )
    result.stdout.no_fnmatch_line("*backend.py*")


def test_faults_hit_the_application_and_end_with_the_world(suite: pytest.Pytester) -> None:
    """A lost reply can be scripted in one line, and the next test has its peace."""
    passes(
        suite,
        CHANGING
        + """
import pytest

def test_trouble(reconciled):
    world = reconciled("support.yaml")
    world.faults.add("create_message:1:reset_after", "create_message:2:503")
    with pytest.raises(ConnectionResetError):
        change(world, "lost?")
    assert world.conversation("support/order-1").messages()[-1].body == "lost?"

def test_peace(reconciled):
    change(reconciled("support.yaml"), "hello")
""",
        count=2,
    )


def test_no_faults_at_a_real_api(suite: pytest.Pytester, endpoint: str) -> None:
    """Where the API is not ours, asking for faults says what to do."""
    passes(
        suite,
        """
        import pytest
        from reconciler.errors import UsageError

        def test(reconciled):
            with pytest.raises(UsageError, match="no faults can be scripted at http"):
                reconciled("support.yaml").faults
        """,
        endpoint,
    )
