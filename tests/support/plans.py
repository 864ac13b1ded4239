"""One plan and one outcome with everything in them, for the golden files."""

from __future__ import annotations

from msgspec import UNSET

from reconciler.model import MediaFile
from reconciler.plans.actions import Action, FieldChange, Reason, Verb
from reconciler.plans.outcome import Outcome, Result, Status
from reconciler.plans.plan import Parent, Plan, PlanWarning, Refusal
from reconciler.state.remembered import Intent

CONVERSATION = "support/order-4711"
_PHOTO = MediaFile("/desk/photos/car.jpg", "0123456789ab" + "c" * 52, 2048, "image/jpeg", "car.jpg")


def sid(prefix: str, number: int) -> str:
    """Return a sid of that kind."""
    return f"{prefix}{number:032x}"


def at(key: str) -> str:
    """Return the address of a message of the conversation."""
    return f"{CONVERSATION}/{key}"


CREATE_CONVERSATION = Action(
    CONVERSATION,
    Verb.CREATE,
    Reason.NOT_IN_STATE,
    after={"unique_name": "order-4711", "friendly_name": "Order 4711"},
)
CREATE = Action(
    at("welcome"),
    Verb.CREATE,
    Reason.NOT_IN_STATE,
    after={
        "author": "system",
        "body": "Welcome to support!\nHow can we help?",
        "attributes": '{"importance":"high","tags":["a",1]}',
        "date_created": "2026-01-05T09:00:00Z",
    },
    webhooks=True,
)
DRIFT = Action(
    at("status"),
    Verb.UPDATE,
    Reason.DRIFTED,
    sid=sid("IM", 1),
    index=3,
    before={"author": "system", "body": "On its way", "attributes": '{"importance":"low"}'},
    after={"author": "system", "body": "On its way", "attributes": '{"importance":"high"}'},
    send={"attributes": '{"importance":"high"}'},
    changes=(FieldChange(("attributes", "importance"), "low", "high"),),
)
BLANKS = Action(
    at("terms"),
    Verb.UPDATE,
    Reason.CHANGED_IN_MANIFEST,
    sid=sid("IM", 2),
    index=4,
    before={"author": "system", "body": "one\ntwo\nthree\nfour\nfive\n", "subject": "x"},
    after={"author": "system ", "body": "one\ntwo\nthree\nfour\nfive !\n", "subject": ""},
    reset=("subject",),
    changes=(
        FieldChange(("author",), "system", "system "),
        FieldChange(("body",), "one\ntwo\nthree\nfour\nfive\n", "one\ntwo\nthree\nfour\nfive !\n"),
        FieldChange(("subject",), UNSET, ""),
    ),
)
REPLACE = Action(
    at("photo"),
    Verb.REPLACE,
    Reason.IMMUTABLE_FIELD,
    sid=sid("IM", 3),
    index=5,
    before={"author": "alice"},
    after={"author": "alice", "media": _PHOTO.sha256},
    changes=(FieldChange(("media",), UNSET, _PHOTO.sha256),),
    replace_paths=("media",),
    file=_PHOTO,
)
MOVE = Action(
    at("goodbye"),
    Verb.MOVE,
    Reason.RENAMED,
    sid=sid("IM", 4),
    index=6,
    before={"body": "Bye"},
    after={"body": "Bye"},
    previous_address=at("bye"),
)
MOVED_AND_CHANGED = Action(
    at("closing"),
    Verb.UPDATE,
    Reason.CHANGED_IN_MANIFEST,
    sid=sid("IM", 5),
    index=7,
    before={"body": "Bye"},
    after={"body": "Goodbye"},
    changes=(FieldChange(("body",), "Bye", "Goodbye"),),
    previous_address=at("end"),
)
ADOPT = Action(
    at("hello"),
    Verb.ADOPT,
    Reason.IDENTICAL_EXISTS,
    sid=sid("IM", 6),
    index=8,
    before={"body": "Hello"},
    after={"body": "Hello"},
)
FORGET = Action(at("gone"), Verb.FORGET, Reason.MISSING_REMOTELY, sid=sid("IM", 7))
DELETE = Action(
    at("old"),
    Verb.DELETE,
    Reason.REMOVED_FROM_MANIFEST,
    sid=sid("IM", 8),
    index=9,
    before={"author": "bob", "body": "x" * 150 + "y" * 150},
)
PLAN = Plan(
    actions=(
        CREATE_CONVERSATION,
        CREATE,
        DRIFT,
        BLANKS,
        REPLACE,
        MOVE,
        MOVED_AND_CHANGED,
        ADOPT,
        FORGET,
        DELETE,
    ),
    parents=(Parent("support", sid("IS", 1), found=True), Parent(CONVERSATION, None, found=False)),
    warnings=(PlanWarning("webhooks_on", CONVERSATION, "1 of the changes call the service's webhooks"),),
    no_ops=209,
    lineage="6d0f0c6f2f3b4c1d9a8e7f6a5b4c3d2e",
    serial=7,
    manifest_digest="sha256:" + "5" * 64,
    settlements=((Intent(at("lost"), opened_at="2026-01-05T09:00:00Z"), sid("IM", 9)),),
    requests_read=12,
)
REFUSED = Plan(
    actions=(DELETE,),
    refusals=(
        Refusal(
            "max_delete",
            "34 of 36 messages in `support/order-4711` would be deleted (limit: 30%)",
            "check that the manifest path is right; to delete them anyway, pass `--max-delete 100%`",
        ),
    ),
)
EMPTY = Plan(actions=(), parents=(Parent("support", sid("IS", 1), found=True),), no_ops=1000)
DONE = Outcome(
    results=(
        Result(at("welcome"), Verb.CREATE, Status.DONE, sid("IM", 10)),
        Result(at("photo"), Verb.REPLACE, Status.DONE, sid("IM", 11)),
        Result(at("status"), Verb.UPDATE, Status.DONE, sid("IM", 1)),
    ),
    read=2,
    write=4,
)
PARTLY = Outcome(
    results=(
        Result(at("welcome"), Verb.CREATE, Status.DONE, sid("IM", 10)),
        Result(
            at("status"),
            Verb.UPDATE,
            Status.FAILED,
            sid("IM", 1),
            kind="remote",
            code=20429,
            text="Twilio answered 429 five times in 31 s",
        ),
        Result(at("photo"), Verb.CREATE, Status.UNKNOWN, kind="outcome_unknown", text="the reply was lost"),
        Result(at("later"), Verb.CREATE, Status.NOT_REACHED),
    ),
    warnings=(PlanWarning("rewritten_by_server", at("welcome"), "`body` differs from what was sent"),),
    read=2,
    write=3,
    retried=4,
)
