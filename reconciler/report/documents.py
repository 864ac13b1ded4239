"""The shapes of the JSON documents; `schemas/plan.schema.json` is made from them."""

from inspect import cleandoc
from typing import Any, Final, Literal, NotRequired, TypedDict

import msgspec

from reconciler.model import ResourceType
from reconciler.report.diagnostics import Diagnostic

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


ActionWord = Literal["no-op", "create", "update", "delete", "forget"]


Actions = list[ActionWord]


Summary = TypedDict(
    "Summary",
    {
        "import": int,
        "add": int,
        "change": int,
        "destroy": int,
        "move": int,
        "forget": int,
        "no_op": int,
        "drift": NotRequired[int],
        "pending": NotRequired[int],
    },
)


OutcomeSummary = TypedDict(
    "OutcomeSummary",
    {
        "import": int,
        "add": int,
        "change": int,
        "destroy": int,
        "move": int,
        "forget": int,
        "failed": int,
        "unknown": int,
        "not_reached": int,
    },
)


class Importing(TypedDict):
    """The existing object that is taken over."""

    id: str


class Change(TypedDict):
    """What happens to one object; *before* is null where it does not exist yet, *after* where it will not."""

    actions: Actions
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    after_unknown: dict[str, bool]
    replace_paths: list[list[str]]
    before_sensitive: NotRequired[dict[str, bool]]
    after_sensitive: NotRequired[dict[str, bool]]
    importing: NotRequired[Importing]


class Field(TypedDict):
    """One difference; the parts of *path* are names and list positions."""

    path: list[str | int]
    before: Any
    after: Any


class ResourceChange(TypedDict):
    """One action; *action_reason* is from a closed set."""

    address: str
    previous_address: NotRequired[str]
    mode: Literal["managed"]
    type: ResourceType
    name: str
    provider_name: str
    sid: str | None
    change: Change
    action_reason: str
    fields: list[Field]


class PlannedResource(TypedDict):
    """One managed object as it will be; *values* are its declared fields, as far as they are known."""

    address: str
    mode: Literal["managed"]
    type: ResourceType
    name: str
    provider_name: str
    schema_version: int
    values: dict[str, Any]
    sensitive_values: dict[str, bool]


class PlannedModule(TypedDict):
    """All managed objects, parents before what is in them."""

    resources: NotRequired[list[PlannedResource]]


class PlannedValues(TypedDict):
    """What will be managed once the plan is applied."""

    root_module: PlannedModule


class ConfiguredModule(TypedDict):
    """Nothing: manifests are no Terraform configuration."""


class Configuration(TypedDict):
    """A Terraform configuration without resources, as readers look for one."""

    root_module: ConfiguredModule


class Warned(TypedDict):
    """Something to know; *code* is stable."""

    code: str
    address: str
    text: str


class Refused(TypedDict):
    """Why the plan must not be applied as it is; *hint* names the way out."""

    code: str
    text: str
    hint: str


class ParentFound(TypedDict):
    """How a service or conversation was resolved; *sid* is null where apply will create it."""

    address: str
    type: ResourceType
    sid: str | None
    found: bool


class Settlement(TypedDict):
    """An earlier create without a reply, and the message that it made, if any."""

    address: str
    sid: str | None


class PlanState(TypedDict):
    """The state that the plan was made against."""

    lineage: str
    serial: int


class PlanRequests(TypedDict):
    """How many requests making the plan took."""

    read: int


class PlanDocument(TypedDict):
    """What `plan --format json` prints; more fields may come, readers ignore those they do not know.

    `drift` and a refresh-only plan have *resource_drift* and no changes: what was changed remotely, with the
    earlier values as far as they are known; the summary then counts it as *drift*, and as *pending* what the
    manifests still want.

    *planned_values* have what the plan creates and changes and, where *unchanged_listed* is true, every other
    declared object too. *diagnostics* are the reasons why it is not applyable.
    """

    format_version: str
    terraform_version: str
    reconciler_version: str
    timestamp: str
    applyable: bool
    complete: bool
    errored: bool
    state: PlanState
    manifest_digest: str
    summary: Summary
    parents: list[ParentFound]
    resource_drift: NotRequired[list[ResourceChange]]
    resource_changes: list[ResourceChange]
    planned_values: PlannedValues
    unchanged_listed: bool
    configuration: Configuration
    settlements: list[Settlement]
    warnings: list[Warned]
    refusals: list[Refused]
    diagnostics: NotRequired[list[Diagnostic]]
    requests: PlanRequests


class ResultError(TypedDict):
    """Why an action is not done; *code* is Twilio's, where it gave one."""

    kind: str
    code: int | None
    text: str


class ActionResult(TypedDict):
    """What became of one action."""

    address: str
    action: str
    status: Literal["done", "failed", "unknown", "not_reached"]
    sid: str | None
    error: ResultError | None


class OutcomeRequests(TypedDict):
    """How many requests the apply took; *retried* ones are counted in the others too."""

    read: int
    write: int
    retried: int


class OutcomeDocument(TypedDict):
    """What `apply --format json` prints; *diagnostics* are the reasons why not everything is done."""

    format_version: str
    summary: OutcomeSummary
    results: list[ActionResult]
    warnings: list[Warned]
    diagnostics: NotRequired[list[Diagnostic]]
    requests: OutcomeRequests


def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema of `plan --format json`."""
    schema = msgspec.json.schema(PlanDocument)
    for definition in schema["$defs"].values():
        if "description" in definition:
            definition["description"] = cleandoc(definition["description"])
    return {
        "$schema": _DIALECT,
        "$id": "urn:conversations-reconciler:schema:plan:1",
        "title": "reconciler plan",
        **schema,
    }
