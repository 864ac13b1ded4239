"""The pytest plugin: worlds that are there when a test begins and gone when it ends, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.emulator import Emulator
from reconciler.emulator.database import Start
from reconciler.emulator.fault_text import parse_fault
from reconciler.emulator.server import running
from reconciler.testing import reconciled
from tests.support.manifests import CHANGING, SUPPORT
from tests.support.project import environ_of


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Use a world once: a suite in this process forgets what it imports, and would import parts anew."""
    manifest = tmp_path_factory.mktemp("imports") / "support.yaml"
    manifest.write_text(SUPPORT, encoding="utf-8")
    with reconciled(manifest) as world:
        world.faults.add("create_user:1:400")
        world.client().conversations.v1.services.list()


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A test suite of its own, with a manifest."""
    pytester.path.joinpath("support.yaml").write_text(SUPPORT, encoding="utf-8")
    return pytester


@pytest.fixture
def endpoint(remote: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The option that sends worlds to *remote*, over HTTP."""
    with running(remote) as url:
        for name, value in environ_of(url).items():
            monkeypatch.setenv(name, value)
        yield f"--reconciler-endpoint={url}"


def services(remote: Emulator) -> list[str]:
    """Return the friendly names of the services at an emulator."""
    return [row[2] for row in remote.store.services.page(Start(), 1000).rows]


def passes(suite: pytest.Pytester, source: str, *arguments: str, count: int = 1) -> None:
    """Run *source* as the suite's tests, all of which must pass."""
    suite.makepyfile(source)
    suite.runpytest_inprocess("-W", "error", *arguments).assert_outcomes(passed=count)


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
    suite.makepyfile(
        """
        import os, signal

        def test_killed(reconciled):
            reconciled("support.yaml")
            os.kill(os.getpid(), signal.SIGKILL)

        def test_other(reconciled):
            reconciled("support.yaml")
        """
    )

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
    suite.makepyfile(
        """
        import os, signal

        def test_killed(reconciled):
            reconciled("support.yaml")
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
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
    suite.makepyfile(
        """
        import os, signal

        def test_killed(reconciled):
            reconciled("support.yaml")
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    suite.runpytest_subprocess(endpoint)
    remote.faults.add(parse_fault("delete_service:1:403"))
    suite.makepyfile("def test(): pass")

    result = suite.runpytest_inprocess(endpoint)

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*error: the service IS* of a test could not be deleted*", "hint: *sweep*"])
    suite.runpytest_inprocess(endpoint).assert_outcomes(passed=1)
    assert services(remote) == []


def test_an_existing_service_is_refused(suite: pytest.Pytester) -> None:
    """A test does not write where others look, unless it says that it wants to."""
    sid = "IS0123456789abcdef0123456789abcdef"
    suite.path.joinpath("support.yaml").write_text(
        f"version: 1\nservices:\n  support:\n    sid: {sid}\n    conversations: {{}}\n", encoding="utf-8"
    )
    suite.makepyfile("def test(reconciled): reconciled('support.yaml')")

    result = suite.runpytest_inprocess()

    result.stdout.fnmatch_lines([f"E *UsageError: service `support` (*support.yaml:3)* it is {sid}*"])


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


def test_a_teardown_that_does_not_exist_is_refused(suite: pytest.Pytester) -> None:
    """A typing error in the setting is told with what can be said."""
    suite.makepyfile("def test(reconciled): pass")

    result = suite.runpytest_inprocess("--reconciler-teardown=never")

    result.stdout.fnmatch_lines(["*reconciler_teardown is `never`, but must be one of on, off, on-success*"])


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
