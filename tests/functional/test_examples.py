"""The examples run as they are shown."""

from __future__ import annotations

import re
import shutil

import pytest

from tests.functional.conftest import ROOT

BOT = ROOT / "examples" / "pytest"
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def example(pytester: pytest.Pytester) -> pytest.Pytester:
    """A copy of the example, to run in a process of its own."""
    shutil.copytree(BOT, pytester.path, dirs_exist_ok=True)
    return pytester


def test_the_example_of_tests_passes(example: pytest.Pytester) -> None:
    """`pytest examples/pytest` needs nothing but the package and the SDK."""
    example.runpytest_subprocess("-W", "error").assert_outcomes(passed=2)


def test_the_test_in_the_readme_passes(example: pytest.Pytester) -> None:
    """What the README shows is a whole test, with the example's bot."""
    shown = re.search(r"## In tests\n.*?```python\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    example.path.joinpath("test_bot.py").unlink()
    example.makepyfile(test_readme=f"from bot import answer\n\n{shown[1]}")

    example.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)
