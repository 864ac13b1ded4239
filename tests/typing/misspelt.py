"""A misspelt name is an error: both comments silence one, and are errors themselves where there is none."""

from __future__ import annotations

import reconciler
import reconciler.testing

reconciler.aplly()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
reconciler.testing.reconcilled()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
