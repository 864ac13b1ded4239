"""The hostile corpus, and what it is replayed through; `judges` looks at what came out."""

from __future__ import annotations

import json
from io import BytesIO, StringIO
from itertools import count
from pathlib import Path
from typing import Any

from msgspec import UNSET

from reconciler.errors import ManifestError, Problem, RemoteError
from reconciler.export.representable import LeftOut, representable
from reconciler.manifest.dump import dump
from reconciler.model import (
    Conversation,
    Desired,
    MediaFile,
    Message,
    Remote,
    RemoteConversation,
    RemoteMedia,
    RemoteMessage,
    RemoteParticipant,
    RemoteService,
    Service,
)
from reconciler.model.canonical import canonical_attributes
from reconciler.plans.actions import Action, FieldChange, Reason, Verb
from reconciler.plans.outcome import Outcome, Result, Status
from reconciler.plans.plan import Drift, Parent, Plan, PlanWarning, Refusal
from reconciler.plans.seen import Seen
from reconciler.report.disclosure import Bodies
from reconciler.report.errors import render_error
from reconciler.report.github import plan_annotations, problem_annotations
from reconciler.report.json import encode, plan_document
from reconciler.report.json_outcome import outcome_document
from reconciler.report.jsonl import EventStream
from reconciler.report.markdown import outcome_markdown, plan_markdown
from reconciler.report.outcome import render_outcome
from reconciler.report.page import plan_page
from reconciler.report.progress import LineProgress, StatusProgress
from reconciler.report.text import render_plan
from reconciler.report.transcript import Live, transcript_json
from reconciler.report.transcript_text import transcript_markdown, transcript_text
from reconciler.state.remembered import Intent
from reconciler.text.inert import escape

CORPUS: dict[str, list[str]] = json.loads(
    (Path(__file__).parent.parent / "corpus" / "hostile.json").read_text("utf-8")
)
CONVERSATION = "support/order-4711"
_SHA = "ab" * 32


def plan_of(text: str) -> Plan:
    """Return a plan in which a stranger wrote *text* wherever strangers write."""
    attributes = json.dumps({text: text, "list": [text]})
    fields = {"author": text, "body": text, "attributes": attributes, "subject": text}
    named = f"{CONVERSATION}/{text.replace('/', '_')}"
    return Plan(
        actions=(
            Action(f"{CONVERSATION}/new", Verb.CREATE, Reason.NOT_IN_STATE, after=fields),
            Action(
                f"{CONVERSATION}/edited",
                Verb.UPDATE,
                Reason.DRIFTED,
                sid=text,
                before=fields,
                after={**fields, "body": text + "!"},
                changes=(
                    FieldChange(("attributes", text), text, text + "!"),
                    FieldChange(("attributes", "list"), [text], {text: [text]}),
                    FieldChange(("author",), text, UNSET),
                    FieldChange(("body",), f"first\n{text}", f"first\n{text}!"),
                    FieldChange(("subject",), UNSET, text),
                ),
            ),
            Action(
                f"{CONVERSATION}/photo",
                Verb.REPLACE,
                Reason.IMMUTABLE_FIELD,
                sid="IM2",
                after={"media": _SHA},
                changes=(FieldChange(("media",), UNSET, _SHA),),
                replace_paths=("media",),
                file=MediaFile("/photo", _SHA, 1, "image/png", text),
            ),
            Action(named, Verb.DELETE, Reason.UNMANAGED, sid="IM3", before=fields),
        ),
        parents=(Parent(CONVERSATION, text, found=True),),
        settlements=((Intent(named), text),),
        warnings=(PlanWarning("delivers_externally", named, text),),
        refusals=(Refusal("max_delete", text, text),),
    )


def outcome_of(text: str) -> Outcome:
    """Return an outcome in which the server answered with *text*."""
    return Outcome(
        results=(
            Result(f"{CONVERSATION}/a", Verb.CREATE, Status.FAILED, kind="remote", text=text),
            Result(text, Verb.UPDATE, Status.UNKNOWN, text, text=text),
        ),
        warnings=(PlanWarning("rewritten_by_server", text, text),),
    )


def logs_of(text: str) -> dict[str, str]:
    """Return what a terminal or the log of a CI run shows, by the name of the format."""
    plan, outcome = plan_of(text), outcome_of(text)
    lines, status = StringIO(), StringIO()
    shown = StatusProgress(status, width=lambda: 10_000, clock=count().__next__, later=lambda *_: None)
    shown.apply(total=2)
    for progress in (LineProgress(lines), shown):
        for result in outcome.results:
            progress.finished(result)
    problem = Problem(text, 3, 7, text, snippet=text, hint=text)
    return {
        "text": render_plan(plan, bodies=Bodies.FULL),
        "text short": render_plan(plan),
        "outcome": render_outcome(outcome),
        "error": render_error(RemoteError(text, hint=text)),
        "problem": render_error(ManifestError((problem,))),
        "progress": lines.getvalue(),
        "status": status.getvalue().replace("\r\x1b[K", "\n"),
        "markdown": plan_markdown(plan) + outcome_markdown(outcome),
        "json": documents_of(text).decode(),
        "jsonl": events_of(text).decode(),
        "drift": render_plan(drift_of(text)) + plan_markdown(drift_of(text)),
        "export": exported(text),
        "transcript": transcript_text([live_of(text)], columns=60, attributes=True),
    }


def drift_of(text: str) -> Plan:
    """Return what was found of a message that a stranger changed to say *text*."""
    fields = {"author": text, "body": text, "attributes": json.dumps({text: text})}
    changes = tuple(FieldChange((name,), UNSET, value) for name, value in fields.items())
    item = Action(f"{CONVERSATION}/a", Verb.UPDATE, Reason.DRIFTED, text, after=fields, changes=changes)
    return Plan((), drift=Drift((item,), pending=1))


def captured(text: str) -> tuple[Service, list[LeftOut]]:
    """Return a service in which a stranger wrote *text*, as far as a manifest can say it."""
    one = Conversation(
        "order",
        "",
        0,
        unique_name="order",
        friendly_name=text,
        attributes=_canonical({text: [text]}),
        messages=(
            Message("body", 0, body=text),
            Message("author", 0, body="x", author=text),
            Message("attributes", 0, body="x", attributes=_canonical({"a": text, text: {"b": [text]}})),
            Message("long", 0, body=f"{text} and more, so that it is too long for one line " * 3),
        ),
    )
    kept, left_out = representable(one)
    return Service("support", "", 0, friendly_name="support", conversations=(kept,)), left_out


def exported(text: str) -> str:
    """Return what `export` prints of what a stranger wrote, and of what it leaves out."""
    service, left_out = captured(text)
    return dump((service,)) + "".join(f"note: {escape(one.reason)}\n" for one in left_out)


def _canonical(value: Any) -> str:
    try:
        return canonical_attributes(json.dumps(value, ensure_ascii=False))
    except ValueError:  # half a surrogate pair
        return "{}"


def comments_of(text: str) -> list[str]:
    """Return the Markdown comments."""
    return [
        plan_markdown(plan_of(text), bodies=Bodies.FULL),
        outcome_markdown(outcome_of(text)),
        transcript_markdown([live_of(text)], attributes=True),
    ]


def live_of(text: str) -> Live:
    """Return a live conversation in which others wrote *text* wherever they can."""
    message = RemoteMessage(
        "IM9", 9, text, text, json.dumps({text: text}), media=(RemoteMedia("ME1", 1, text, text),)
    )
    person = RemoteParticipant("MB1", text, messaging_binding={"address": text, "proxy_address": text})
    return Live(
        RemoteService("IS1", text),
        RemoteConversation("CH1", text, text, state=text),
        {"IM9": message},
        {"MB1": person},
    )


def page_of(text: str) -> str:
    """Return the page of the plan, in a chat in which others wrote *text* too."""
    live = live_of(text)
    remote = Remote({"support": live.service}, {CONVERSATION: live.view})
    return plan_page(plan_of(text), Seen(remote=remote), made_by="reconciler 1")


def documents_of(text: str) -> bytes:
    """Return the JSON documents, one a line."""
    plan = plan_document(plan_of(text), timestamp="2026-01-05T09:00:00Z", version="1")
    return encode(plan) + encode(outcome_document(outcome_of(text))) + transcript_json([live_of(text)])


def events_of(text: str) -> bytes:
    """Return the event stream of a plan and its apply."""
    stream = BytesIO()
    events = EventStream(stream, version="1", timestamp=lambda: "2026-01-05T09:00:00Z", seconds=lambda: 0.0)
    events.plan(plan_of(text))
    for result in outcome_of(text).results:
        events.finished(result)
    events.outcome(outcome_of(text))
    return stream.getvalue()


def annotations_of(text: str) -> list[str]:
    """Return the GitHub annotations for a problem, a warning and a refusal."""
    desired = Desired((Service("support", text, 1, conversations=(Conversation("order", text, 2),)),), "")
    plan = Plan(
        (), warnings=(PlanWarning(text, "support/order", text),), refusals=(Refusal(text, text, text),)
    )
    error = ManifestError((Problem(text, 3, 7, text, hint=text),))
    return [*problem_annotations(error), *plan_annotations(plan, desired)]
