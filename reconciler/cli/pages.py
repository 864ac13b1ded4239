"""Pages of chats: what a run saw is kept for them, and the files of the manifests are read."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler._version import __version__
from reconciler.runtime.regular_file import read_regular

if TYPE_CHECKING:
    from reconciler.cli.formats import Policy
    from reconciler.model import MediaFile
    from reconciler.plans.outcome import Outcome
    from reconciler.plans.plan import Plan
    from reconciler.plans.seen import Seen


class Pages:
    """Renders plans and outcomes as HTML, from more than the plan where more was seen."""

    def __init__(self) -> None:
        self._seen: Seen | None = None
        self._plan: Plan | None = None

    def see(self, seen: Seen) -> None:
        """Keep what a plan was made from."""
        self._seen = seen

    def begin(self, plan: Plan) -> None:
        """Keep the plan that is carried out."""
        self._plan = plan

    def plan(self, plan: Plan, policy: Policy, *, now: str) -> str:
        """Return *plan* as a page, made at *now*."""
        from reconciler.plans.seen import Seen  # noqa: PLC0415
        from reconciler.report.page import plan_page  # noqa: PLC0415  # Jinja2

        return plan_page(plan, self._seen or Seen(), made_by=_made_by(now), read=read_media, **policy)

    def outcome(self, outcome: Outcome, policy: Policy, *, destroy: bool, now: str) -> str:
        """Return what became of the plan that was carried out as a page, made at *now*."""
        from reconciler.plans.plan import Plan  # noqa: PLC0415
        from reconciler.plans.seen import Seen  # noqa: PLC0415
        from reconciler.report.page import outcome_page  # noqa: PLC0415  # Jinja2

        return outcome_page(
            outcome,
            self._plan or Plan(()),
            self._seen or Seen(),
            made_by=_made_by(now),
            destroy=destroy,
            read=read_media,
            **policy,
        )


def read_media(file: MediaFile) -> bytes | None:
    """Return the content of *file*; None if it cannot be read, or is not what the manifest was read with."""
    try:
        data = read_regular(Path(file.path), most=file.size)
    except (OSError, ValueError):
        return None
    return data if sha256(data).hexdigest() == file.sha256 else None


def _made_by(now: str) -> str:
    return f"reconciler {__version__}, {now}"
