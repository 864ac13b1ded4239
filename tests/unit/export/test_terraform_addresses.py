"""Addresses in Terraform, the keys that are made from them, and the commands that name them."""

from __future__ import annotations

import shlex

import pytest

from reconciler.export.terraform_addresses import address_of, is_address, key_of, removal

KIND = "twilio_conversations_conversations_messages_v1"


@pytest.mark.parametrize(
    ("module", "index", "address", "key"),
    [
        ("", None, f"{KIND}.welcome", "welcome"),
        ("", 0, f"{KIND}.welcome[0]", "welcome-0"),
        ("", "eu", f'{KIND}.welcome["eu"]', "welcome-eu"),
        ("module.desk", None, f"module.desk.{KIND}.welcome", "desk.welcome"),
        (
            'module.shop.module.desk["eu west"]',
            1,
            f'module.shop.module.desk["eu west"].{KIND}.welcome[1]',
            "shop.desk-eu west.welcome-1",
        ),
        ("module.desk[12]", None, f"module.desk[12].{KIND}.welcome", "desk-12.welcome"),
        ('module.a["x.module.y"]', None, f'module.a["x.module.y"].{KIND}.welcome', "a-x.module.y.welcome"),
        (r'module.a["q\"]"]', None, rf'module.a["q\"]"].{KIND}.welcome', r"a-q\"].welcome"),
    ],
)
def test_an_address_and_its_key(module: str, index: str | int | None, address: str, key: str) -> None:
    """The key has every part of the path that tells two apart."""
    assert is_address(module, "welcome")
    assert address_of(module, KIND, "welcome", index) == address
    assert key_of(module, "welcome", index) == key


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ('say "hi"', r'["say \"hi\""]'),
        ("a\\b", r'["a\\b"]'),
        ("${x}%{y}", '["$${x}%%{y}"]'),
        ("tab\there\nand\r", r'["tab\there\nand\r"]'),
        ("Grüße 👋", '["Grüße 👋"]'),
        ("\x1b[31m\u200b", r'["\u001b[31m\u200b"]'),
        ("\U000e0001", r'["\U000e0001"]'),
    ],
)
def test_keys_are_quoted_as_in_terraforms_language(key: str, written: str) -> None:
    """No key ends the address, moves the cursor, or means something else."""
    assert address_of("", KIND, "a", key) == f"{KIND}.a{written}"


@pytest.mark.parametrize("address", [f"{KIND}.a", f'{KIND}.a["it\'s"]', f'module.x["$(id)"].{KIND}.a["a b"]'])
def test_a_shell_gives_terraform_the_address_as_it_is(address: str) -> None:
    """One argument, whatever is in it."""
    assert shlex.split(removal(address)) == ["terraform", "state", "rm", address]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("", ""),
        ("", "a b"),
        ("", "a\n"),
        ("desk", "a"),
        ("module.", "a"),
        ('module.a["', "a"),
        ("module.a\n", "a"),
    ],
)
def test_what_terraform_cannot_have_is_no_address(module: str, name: str) -> None:
    """A forged state puts nothing else into the commands."""
    assert not is_address(module, name)


def test_the_innermost_names_of_a_long_path_stay() -> None:
    """A key has a limit, and what tells two apart is at its end."""
    module = ".".join(f"module.{'m' * 20}{number}" for number in range(8))

    assert (
        key_of(module, "welcome", "eu")
        == ".".join(f"{'m' * 20}{number}" for number in (4, 5, 6, 7)) + ".welcome-eu"
    )
