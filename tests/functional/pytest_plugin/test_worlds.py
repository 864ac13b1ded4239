"""What a test finds in the world that it asks the plugin for."""

from __future__ import annotations

import pytest

from tests.support.manifests import CHANGING, SUPPORT
from tests.support.suites import passes


def test_the_messages_are_there(suite: pytest.Pytester) -> None:
    """One line seeds a conversation; its sids and its transcript are at hand."""
    passes(
        suite,
        """
        def test(reconciled):
            world = reconciled("support.yaml")
            conversation = world.conversation("support/order-1")
            conversation.assert_transcript(
                [("system", "Welcome!"), ("alice", "Where is my order?"), ("bob", "Let me look.")]
            )
            assert [m.sid for m in conversation.messages()][0] == conversation.sid("welcome")
            assert world.sid("support").startswith("IS")
        """,
    )


def test_another_transcript_is_shown_as_a_difference(suite: pytest.Pytester) -> None:
    """A failure shows what was expected and what is there, message by message, with nothing live in it."""
    suite.makepyfile(
        r"""
        def test(reconciled):
            reconciled("support.yaml").conversation("support/order-1").assert_transcript(
                [("system", "Welcome!"), ("alice", "Where is my\x1b[2J parcel?"), ("bob", "Let me look.")]
            )
        """
    )

    result = suite.runpytest_inprocess()

    result.stdout.fnmatch_lines(
        [
            "E * the transcript of `support/order-1` is another one (- expected, + live):",
            'E *   system: "Welcome!"',
            'E *   - alice: "Where is my\\x1b[[]2J parcel?"',
            'E *   + alice: "Where is my order?"',
            'E *     bob: "Let me look."',
        ],
        consecutive=True,
    )


def test_a_difference_does_not_show_what_is_sensitive(suite: pytest.Pytester) -> None:
    """Neither the live text nor, where it is expected, the same one."""
    text = SUPPORT.replace("version: 1\n", "version: 1\nvariables: {pin: {sensitive: true}}\n")
    suite.path.joinpath("support.yaml").write_text(text.replace("Welcome!", "'Pin ${var.pin}'"), "utf-8")
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("body", ["Let me look.", "Let me see."])
        def test(reconciled, body):
            pin = "".join(["47", "11"])
            world = reconciled("support.yaml", variables={"pin": pin})
            expected = [("system", "Pin " + pin), ("alice", "Where?"), ("bob", body)]
            world.conversation("support/order-1").assert_transcript(expected[body != "Let me look.":])
        """
    )

    result = suite.runpytest_inprocess()

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["E *   system: (sensitive value)", "E *   + system: (sensitive value)"])
    result.stdout.no_fnmatch_line("*4711*")


def test_paths_are_relative_to_the_file_that_calls(suite: pytest.Pytester) -> None:
    """A fixture beside the manifest serves tests in other folders, wherever pytest is started."""
    suite.makeconftest(
        "import pytest\n@pytest.fixture(scope='session')\n"
        "def world(reconciled_session): return reconciled_session('support.yaml')\n"
    )
    folder = suite.mkdir("deeper")
    folder.joinpath("test_deeper.py").write_text("def test(world): world.sid('support')\n", encoding="utf-8")

    suite.runpytest_inprocess(str(folder)).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "environ", [{}, {"RECONCILER_VAR_name": "Bob"}], ids=["alone", "over the environment"]
)
def test_variables_are_given_where_the_world_is_made(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    """One manifest serves many tests; what a test says wins over the environment."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    manifest = SUPPORT.replace("Welcome!", "'Welcome, ${var.name}!'")
    suite.path.joinpath("support.yaml").write_text(
        manifest.replace("version: 1\n", "version: 1\nvariables: {name: {type: string}}\n"), encoding="utf-8"
    )

    passes(
        suite,
        """
        import pytest
        from reconciler.testing import reconciled as outside

        @pytest.mark.parametrize("name", ["Ann", "Zoë: {}"])
        def test(reconciled, name):
            for world in reconciled("support.yaml", variables={"name": name}), outside(
                "support.yaml", variables={"name": name}
            ):
                with world as made:
                    messages = made.conversation("support/order-1").messages()
                    assert messages[0].body == f"Welcome, {name}!"
        """,
        count=2,
    )


def test_worlds_of_one_test_do_not_see_each_other(suite: pytest.Pytester) -> None:
    """The same manifest twice is two conversations."""
    passes(
        suite,
        CHANGING
        + """
def test(reconciled):
    first, second = reconciled("support.yaml"), reconciled("support.yaml")
    assert len(change(first, "hello").messages()) == 4
    assert len(second.conversation("support/order-1").messages()) == 3
""",
    )


def test_the_official_sdk_works_in_a_world(suite: pytest.Pytester) -> None:
    """The client reaches the world, and what is not Conversations is refused rather than sent to Twilio."""
    passes(
        suite,
        """
        import pytest
        from reconciler.errors import UsageError

        def test(reconciled):
            world = reconciled("support.yaml")
            client = world.client()
            service = client.conversations.v1.services(world.sid("support"))
            service.conversations(world.sid("support/order-1")).messages.create(author="app", body="Hi")
            assert world.conversation("support/order-1").messages()[-1].body == "Hi"
            with pytest.raises(UsageError, match="Conversations alone"):
                client.messages.create(to="+15005550006", from_="+15005550001", body="Hi")
        """,
    )


def test_async_tests_can_ask_too(suite: pytest.Pytester) -> None:
    """Inside a running loop the world answers as anywhere else."""
    passes(
        suite,
        """
        import asyncio

        def test(reconciled):
            async def inside():
                return reconciled("support.yaml").conversation("support/order-1").messages()
            assert len(asyncio.run(inside())) == 3
        """,
    )
