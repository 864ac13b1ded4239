"""The schema of the settings file: the names that it may hold, and no others.

The file comes with a pull request. So nothing in it names a command, a host of the API or an output file,
relaxes a guard, or holds a credential.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic_core.core_schema import (
    dict_schema,
    float_schema,
    int_schema,
    list_schema,
    literal_schema,
    str_schema,
    tagged_union_schema,
)

from reconciler.manifest.schema.fields import ANYTHING, FLAG, TEXT, VARIABLE_NAME, MappingSchema, field
from reconciler.model import NAME
from reconciler.model.sids import sid_pattern

_ONE: Final = "<one>"


_SEVERAL: Final = "<several>"


BRANCHES: Final = frozenset((_ONE, _SEVERAL))
"""Branches of `manifests` and `var_files`. Pydantic puts them into the location of an error."""


def _branch(value: Any) -> str:
    return _ONE if isinstance(value, str) else _SEVERAL


_PATHS: Final = tagged_union_schema({_ONE: TEXT, _SEVERAL: list_schema(TEXT, min_length=1)}, _branch)


_FIELDS: Final = {
    "manifests": field(
        _PATHS,
        "Files and folders of manifests, relative to this file and inside its folder (default: `manifests`).",
    ),
    "state": field(
        TEXT,
        "Path of the state, relative to this file and inside its folder, or an address.",
        examples=["states/production.json"],
    ),
    "account": field(
        str_schema(pattern=f"^{sid_pattern('AC')}$"),
        "The only account (`AC…`) that these settings may be used with.",
    ),
    "variables": field(
        dict_schema(VARIABLE_NAME, ANYTHING),
        "Values of variables that the manifests declare. They win over those of `var_files`.",
    ),
    "var_files": field(
        _PATHS, "YAML or JSON files with values of variables, relative to this file and inside its folder."
    ),
    "endpoint": field(literal_schema(["twilio", "emulator"]), "Where requests go."),
    "protected": field(
        FLAG,
        "Ask for the environment's name before a change; without a terminal, apply saved plans only.",
    ),
    "parallelism": field(int_schema(ge=1), "Requests in flight at most."),
    "rate": field(float_schema(gt=0, allow_inf_nan=False), "Changes per second and conversation at most."),
    "lock_timeout": field(
        float_schema(ge=0, allow_inf_nan=False), "Seconds to wait for another run to finish."
    ),
    "comment_key": field(
        str_schema(min_length=1, max_length=100), "Tells the Markdown comments of several targets apart."
    ),
    "encryption": field(literal_schema(["required"]), "`required` refuses clear files."),
}


ENVIRONMENT: Final = MappingSchema(
    "Environment", "What differs in one environment; the rest holds for it too.", _FIELDS
)


SETTINGS: Final = MappingSchema(
    "Settings",
    "Defaults of options, for all who work with these manifests. Command line and environment variables win.",
    {
        **_FIELDS,
        "environments": field(
            dict_schema(str_schema(pattern=f"^{NAME}$"), ENVIRONMENT.schema),
            "Environments by name; `--env NAME` chooses one.",
        ),
    },
    title="reconciler settings",
)
