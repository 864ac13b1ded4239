"""What differs has a change to show for it."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.model.canonical import canonical_json
from reconciler.planner.changes import field_changes

LEAVES = st.none() | st.booleans() | st.sampled_from((0, 1, -1, 1.5, 2**53, "", "1", "a", "é", "True"))
NAMES = st.sampled_from(("a", "b", "__c", "d.e", "[0]", "root", "1"))
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def lookalike(value: Any) -> Any:
    """Return *value* with what Python takes for equal, but JSON does not, in every place."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, dict):
        return {name: lookalike(item) for name, item in value.items()}
    if isinstance(value, list):
        return [lookalike(item) for item in value]
    return bool(value) if value in {0, 1} else value


@given(before=JSON, after=JSON, alike=st.booleans())
def test_attributes_that_differ_have_a_change(before: Any, after: Any, alike: bool) -> None:  # noqa: FBT001
    """Whatever DeepDiff takes for equal."""
    old, new = canonical_json(before), canonical_json(lookalike(before) if alike else after)
    assume(old != new)

    assert field_changes({"attributes": old}, {"attributes": new})
