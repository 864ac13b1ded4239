"""What a person must be able to see in a plan, beyond what the golden files hold."""

from __future__ import annotations

import re

import pytest

from reconciler.errors import ManifestError, Problem, UsageError
from reconciler.model import Desired
from reconciler.plans.actions import Action, FieldChange, Reason, Verb
from reconciler.plans.outcome import Outcome, Result, Status
from reconciler.plans.plan import Parent, Plan, PlanWarning
from reconciler.report.disclosure import Bodies
from reconciler.report.errors import render_error
from reconciler.report.github import plan_annotations
from reconciler.report.outcome import failure, render_outcome
from reconciler.report.text import render_plan
from reconciler.state.digests import field_digest
from tests.support.plans import CONVERSATION, DONE, PARTLY, PLAN, at


def change(before: object, after: object, *path: str | int) -> str:
    """Return the lines that a plan shows of one changed field."""
    action = Action(
        at("a"), Verb.UPDATE, Reason.DRIFTED, changes=(FieldChange(path or ("body",), before, after),)
    )
    block = render_plan(Plan(actions=(action,))).partition('~ message "a" {\n')[2]
    return block.partition("    }\n")[0]


def test_change_inside_of_a_list_names_its_position() -> None:
    """Positions stand in brackets, names that are no plain words in quotes."""
    shown = change(1, 2, "attributes", "a b", "tags", 0)

    assert shown == '      ~ attributes["a b"].tags[0]: 1 -> 2\n'


def test_boolean_is_told_from_number_and_text() -> None:
    """Values are shown as JSON."""
    assert change(1, True, "attributes", "x") == "      ~ attributes.x: 1 -> true\n"  # noqa: FBT003
    assert change("1", 1, "attributes", "x") == '      ~ attributes.x: "1" -> 1\n'


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("a b", "a  b", '"a·b" -> "a··b"'),
        ("a b", "a\tb", '"a·b" -> "a→b"'),
        ("a b", "a\u00a0b", '"a·b" -> "a\\xa0b"'),
        ("a", " a", '"a" -> "·a"'),
    ],
)
def test_change_in_white_space_alone_is_visible(before: str, after: str, shown: str) -> None:
    """Each kind of blank has its own mark."""
    assert change(before, after) == f"      ~ body: {shown} # white space only\n"


def test_lost_newline_at_the_end_is_visible() -> None:
    """A newline more or less at the end of a text shows as a mark."""
    assert change("a\n", "a").splitlines()[1:] == ["          - | a⏎", "          - |", "          + | a"]


def test_blanks_that_change_in_one_line_among_others_are_visible() -> None:
    """A changed line that differs in blanks alone shows them, whatever else changed."""
    shown = change("one\ntwo\nthree\nfour\nfive\nsix", "ONE\ntwo\nthree\nfour\nfive\nsix ")

    assert "          + | ONE\n" in shown
    assert "          + | six·\n" in shown


def test_long_texts_are_cut_where_they_are_equal() -> None:
    """However long two texts are, where they differ is shown."""
    before = "x" * 5000 + "left" + "x" * 5000
    shown = change(before, before.replace("left", "right"))

    assert "left" in shown
    assert "right" in shown
    assert len(shown) < 400


def test_full_bodies_are_never_cut() -> None:
    """`--bodies full` shows all of a long text."""
    action = Action(at("a"), Verb.CREATE, Reason.NOT_IN_STATE, after={"body": "x" * 5000})

    assert "x" * 5000 in render_plan(Plan(actions=(action,)), bodies=Bodies.FULL)


def test_hashed_bodies_are_keyed_by_what_no_report_says() -> None:
    """`--bodies hash` shows digests under a key; the lineage is none, and without a key there are none."""
    same = [
        Action(at(key), Verb.CREATE, Reason.NOT_IN_STATE, after={"body": text})
        for key, text in {"a": "1234", "b": "1234", "c": "4321"}.items()
    ]
    shown = render_plan(Plan(actions=tuple(same), lineage="l"), bodies=Bodies.HASH, hash_key="k")
    first, second, third = re.findall('body: "hash:([0-9a-f]{12})"', shown)

    assert first == second == field_digest("k", "body", "1234")[:12]
    assert first not in {third, field_digest("l", "body", "1234")[:12]}
    assert "hash:" not in render_plan(Plan(actions=tuple(same), lineage="l"), bodies=Bodies.HASH)


@pytest.mark.parametrize("bodies", [Bodies.HASH, Bodies.NONE])
def test_hidden_bodies_are_in_no_line(bodies: Bodies) -> None:
    """Neither values nor the names inside of attributes are shown."""
    texts = {name: f"private-{name}" for name in ("author", "body", "subject", "friendly_name")}
    texts |= {"attributes": '{"private-key":"private-value"}', "content_variables": '{"1":"private-1"}'}
    changes = (FieldChange(("attributes", "private-key"), "private-value", "private-other"),)
    plan = Plan(
        actions=(
            Action(at("a"), Verb.CREATE, Reason.NOT_IN_STATE, after=texts),
            Action(at("b"), Verb.UPDATE, Reason.DRIFTED, before=texts, after=texts, changes=changes),
            Action(at("c"), Verb.DELETE, Reason.UNMANAGED, before=texts),
        )
    )

    assert "private" not in render_plan(plan, bodies=bodies)


def test_many_parents_are_listed_only_where_something_happens() -> None:
    """Of a thousand conversations, the one that changes is named and the others counted."""
    parents = tuple(Parent(f"desk/order-{number}", f"CH{number}", found=True) for number in range(1000))
    action = Action("desk/order-7/a", Verb.CREATE, Reason.NOT_IN_STATE)
    shown = render_plan(Plan(actions=(action,), parents=parents))

    assert "  desk/order-7: found (CH7)\n  # (999 more hidden)\n" in shown


def test_equal_warnings_are_said_once() -> None:
    """A warning about many messages names the first five and counts the rest."""
    warnings = tuple(PlanWarning("assumed_equal", at(str(number)), "assumed") for number in range(1000))
    shown = render_plan(Plan(actions=(), warnings=warnings))

    assert shown.count("warning: assumed (assumed_equal)") == 1
    assert shown.count("-->") == 5
    assert "  ... and 995 more\n" in shown


def test_message_that_goes_with_its_conversation_says_so() -> None:
    """Such a message needs no request of its own."""
    action = Action(at("a"), Verb.DELETE, Reason.REMOVED_FROM_MANIFEST, with_parent=True)

    assert "it goes with its conversation)" in render_plan(Plan(actions=(action,)))


def test_conversations_of_other_fields_are_not_grouped() -> None:
    """Only what is equal but for the names is printed once."""
    actions = tuple(
        Action(f"desk/order-{number}/a", Verb.CREATE, Reason.NOT_IN_STATE, after={"body": str(number)})
        for number in range(5)
    )

    assert render_plan(Plan(actions=actions)).count("will be created") == 5


def test_same_plan_has_the_same_text() -> None:
    """Nothing in a text depends on when it was made."""
    assert render_plan(PLAN) == render_plan(PLAN)


def test_destroy_counts_what_is_gone() -> None:
    """`destroy` ends in Terraform's line."""
    outcome = Outcome(results=(Result(at("a"), Verb.DELETE, Status.DONE),) * 3)

    assert render_outcome(outcome, destroy=True) == "Destroy complete! Resources: 3 destroyed.\n"


def test_import_and_forget_are_counted_where_there_are_any() -> None:
    """As in Terraform and OpenTofu, they stand in the line only if they are not zero."""
    outcome = Outcome(
        results=(Result(at("a"), Verb.ADOPT, Status.DONE), Result(at("b"), Verb.FORGET, Status.DONE))
    )
    line = "Apply complete! Resources: 1 imported, 0 added, 0 changed, 0 destroyed, 1 forgotten.\n"

    assert render_outcome(outcome) == line


def test_finished_apply_is_no_failure() -> None:
    """Where everything is done there is no error."""
    assert failure(DONE) is None


def test_failure_says_what_went_wrong_and_how_to_go_on() -> None:
    """The first error, how many more, how much is saved, and the next command."""
    error = failure(PARTLY)

    assert error is not None
    assert render_error(error) == (
        "error: update of `support/order-4711/status` failed: Twilio answered 429 five times in 31 s "
        "(code 20429) (and 1 more failed or are unknown)\n"
        "hint: 1 of 4 actions were applied and saved; run `reconciler apply` again to continue from there; "
        "if that cannot tell, say which message it is: `reconciler import support/order-4711/photo SID`, "
        "or that there is none: `reconciler state rm support/order-4711/photo`\n"
    )


def test_failed_destroy_is_gone_on_with_by_another_destroy() -> None:
    """An `apply` would create again what is deleted already."""
    error = failure(PARTLY, "destroy")

    assert error is not None
    assert "run `reconciler destroy` again" in str(error.hint)


def test_interrupted_apply_is_a_failure() -> None:
    """Not to have reached an action is no success, though nothing went wrong."""
    error = failure(Outcome(results=(Result(at("a"), Verb.CREATE, Status.NOT_REACHED),), interrupted=True))

    assert error is not None
    assert error.text == "interrupted before every action was reached"


def test_manifest_problems_show_place_line_and_hint() -> None:
    """Every problem has its position, the line it is in, and what was probably meant."""
    problem = Problem("a.yaml", 14, 7, "unknown field `bdoy`", "      bdoy: Hi", "did you mean `body`?")

    assert render_error(ManifestError((problem,))) == (
        "error: unknown field `bdoy`\n"
        "  --> a.yaml:14:7\n"
        "   |       bdoy: Hi\n"
        "hint: did you mean `body`?\n"
        "\n"
        "error: 1 problem in the manifests\n"
    )


def test_error_without_hint_is_one_line() -> None:
    """No advice is better than empty advice."""
    assert render_error(UsageError("no such file"), color=True) == "\x1b[31merror:\x1b[0m no such file\n"


def test_conversation_of_the_plan_is_named() -> None:
    """The header of every action names its address."""
    assert render_plan(PLAN).count(f"  # {CONVERSATION}") == len(PLAN.actions)


def test_warning_about_no_address_has_no_empty_place() -> None:
    """What concerns the plan as a whole is said without an arrow to nowhere."""
    plan = Plan((), warnings=(PlanWarning("whole", "", "it is late"),))

    assert "warning: it is late (whole)\n\n" in render_plan(plan)
    assert list(plan_annotations(plan, Desired((), ""))) == ["::warning title=whole::it is late"]


@pytest.mark.parametrize(
    ("verb", "meaning"),
    [
        (Verb.ADOPT, "an `import:` block names it"),
        (Verb.REPLACE, "`--replace` or `--reset` asks for it"),
        (Verb.DELETE, "everything that is managed is to go"),
    ],
)
def test_what_was_requested_is_said(verb: Verb, meaning: str) -> None:
    """Each verb is requested in another way."""
    assert f"(requested: {meaning})" in render_plan(Plan((Action(at("a"), verb, Reason.REQUESTED),)))
