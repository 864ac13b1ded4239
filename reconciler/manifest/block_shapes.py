"""The shapes of the blocks `import`, `moved` and `removed`: which address stands for what."""

from typing import Annotated, Final, Required

from pydantic import Field, with_config
from typing_extensions import TypedDict

from reconciler.manifest.scalar_shapes import SHAPE
from reconciler.model import ADDRESS_PART

ADDRESS_PATTERN: Final = f"^{ADDRESS_PART}(/{ADDRESS_PART}(/(participants/)?{ADDRESS_PART})?)?$"
BOUND_SID_PATTERN: Final = "^(IS|CH|IM)[0-9a-fA-F]{32}$"

Address = Annotated[str, Field(pattern=ADDRESS_PATTERN, examples=["support/order-4711/welcome"])]
BoundSid = Annotated[str, Field(pattern=BOUND_SID_PATTERN)]


@with_config(SHAPE)
class Import(TypedDict, total=False):
    """An existing object, and the address that is to stand for it."""

    to: Required[Annotated[Address, Field(description="Address of a message, conversation or service.")]]
    sid: Required[Annotated[BoundSid, Field(description="Its SID: `IM…`, `CH…` or `IS…`.")]]


# `from` and `import` are keywords of Python, so these cannot be written as classes.
Moved = TypedDict(
    "Moved",
    {
        "from": Annotated[Address, Field(description="Address before, which no manifest declares any more.")],
        "to": Annotated[Address, Field(description="Address from now on; what is inside moves along.")],
    },
)
Removed = TypedDict(
    "Removed",
    {
        "from": Annotated[
            Address, Field(description="Address to forget with what is inside; on Twilio it all stays.")
        ],
    },
)
Blocks = TypedDict(
    "Blocks",
    {
        "import": Annotated[
            list[Import], Field(description="Existing objects to manage from now on, and their addresses.")
        ],
        "moved": Annotated[
            list[Moved], Field(description="Addresses that were renamed here; on Twilio nothing changes.")
        ],
        "removed": Annotated[
            list[Removed], Field(description="Addresses to forget; what they stood for is not deleted.")
        ],
    },
    total=False,
)
for shape in (Moved, Removed, Blocks):
    with_config(SHAPE)(shape)
