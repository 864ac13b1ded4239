"""The shapes of the blocks `import`, `moved` and `removed`: which address stands for what."""

from __future__ import annotations

from typing import Final

from pydantic_core.core_schema import list_schema, str_schema

from reconciler.manifest.declare import Shape, field
from reconciler.model import ADDRESS_PART

ADDRESS_PATTERN: Final = f"^{ADDRESS_PART}(/{ADDRESS_PART}(/(participants/)?{ADDRESS_PART})?)?$"
BOUND_SID_PATTERN: Final = "^(IS|CH|IM)[0-9a-fA-F]{32}$"

_ADDRESS: Final = str_schema(pattern=ADDRESS_PATTERN, metadata={"examples": ["support/order-4711/welcome"]})

IMPORT: Final = Shape(
    "Import",
    "An existing object, and the address that is to stand for it.",
    {
        "to": field(_ADDRESS, "Address of a message, conversation or service.", required=True),
        "sid": field(str_schema(pattern=BOUND_SID_PATTERN), "Its SID: `IM…`, `CH…` or `IS…`.", required=True),
    },
)
MOVED: Final = Shape(
    "Moved",
    "An address that was renamed.",
    {
        "from": field(_ADDRESS, "Address before, which no manifest declares any more.", required=True),
        "to": field(_ADDRESS, "Address from now on; what is inside moves along.", required=True),
    },
)
REMOVED: Final = Shape(
    "Removed",
    "An address that is forgotten.",
    {
        "from": field(
            _ADDRESS, "Address to forget with what is inside; on Twilio it all stays.", required=True
        ),
    },
)
BLOCKS: Final = {
    "import": field(
        list_schema(IMPORT.schema), "Existing objects to manage from now on, and their addresses."
    ),
    "moved": field(list_schema(MOVED.schema), "Addresses that were renamed here; on Twilio nothing changes."),
    "removed": field(list_schema(REMOVED.schema), "Addresses to forget; what they stood for is not deleted."),
}
"""The fields of a manifest that hold them."""
