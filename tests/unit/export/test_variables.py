"""The names of variables that hold sensitive fields."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from reconciler.export.variables import variables_of
from reconciler.manifest.dump import dump
from reconciler.manifest.yaml.reader import read
from reconciler.model import Conversation, Message, Service


def services(*conversations: Conversation) -> tuple[Service, ...]:
    """Return a service with *conversations*."""
    return (Service("desk", "", 0, friendly_name="desk", conversations=conversations),)


def conversation(name: str, *messages: Message, **fields: Any) -> Conversation:
    """Return a conversation with a unique name."""
    return Conversation(name, "", 0, unique_name=name, messages=messages, **fields)


def test_names_are_those_of_environment_variables() -> None:
    """They have no hyphens, begin with no digit, and are short enough; no two are equal, in any case."""
    long = "k" * 120
    made = variables_of(
        services(
            conversation(
                "order-1",
                Message("a-b", 0, body="x", sensitive=("body",)),
                Message("a_b", 0, body="x", sensitive=("body",)),
                Message("A.B", 0, body="x", subject="y", sensitive=("body", "subject")),
                Message(long, 0, body="x", sensitive=("body",)),
            ),
            conversation("4711", attributes="[1]", sensitive=("attributes",)),
        )
    )

    assert list(made.values()) == [
        "order_1_a_b_body",
        "order_1_a_b_body_2",
        "order_1_A_B_body_3",
        "order_1_A_B_subject",
        f"{'k' * 51}_body",
        "_4711_attributes",
    ]


def test_a_manifest_declares_the_variables_that_it_needs() -> None:
    """Each with its type, and the value nowhere; what looks like a reference in a text is none."""
    texts = {
        "attributes": ('{"pin":4711}', "map"),
        "author": ("4711 ${var.x}", "string"),
        "body": ("4711", "string"),
        "subject": ("4711", "string"),
    }
    message = replace(Message("code", 0, sensitive=tuple(texts)), **{name: texts[name][0] for name in texts})
    numbers = [
        Message(f"n{kind}", 0, attributes=text, body="x", sensitive=("attributes",))
        for kind, text in (("number", "4711"), ("bool", "true"), ("list", "[4711]"), ("string", '"4711"'))
    ]
    wanted = services(conversation("o", message, *numbers))
    names = variables_of(wanted)

    text = dump(wanted, variables=names)

    assert "4711" not in text
    assert read(text).value["variables"] == {
        **{f"o_code_{name}": {"type": kind, "sensitive": True} for name, (_, kind) in texts.items()},
        **{
            f"o_n{kind}_attributes": {"type": kind, "sensitive": True}
            for kind in ("number", "bool", "list", "string")
        },
    }


def test_a_manifest_of_one_conversation_declares_its_own() -> None:
    """Two files that declared one variable would be refused."""
    wanted = services(
        conversation("a", Message("m", 0, body="x", sensitive=("body",))),
        conversation("b", Message("m", 0, body="x", sensitive=("body",))),
        conversation("c", Message("m", 0, body="x")),
    )
    names = variables_of(wanted)

    declared = ["variables:" in dump(services(one), variables=names) for one in wanted[0].conversations]

    assert declared == [True, True, False]
