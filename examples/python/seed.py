"""Seed, look before you apply, and clean up, from Python: run `python examples/python/seed.py`.

The emulator of this process stands for Twilio; `api.settings("twilio", state=…)` reaches the real one.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from reconciler import api

MANIFEST = Path(__file__).with_name("desk.yaml")


def seed(settings: api.Settings) -> None:
    """Plan, and apply exactly that plan unless it would delete anything."""
    made = api.plan(api.load(MANIFEST, variables={"city": "Lisbon"}), settings)
    print(f"{made.plan.counts.add} to add, {made.plan.counts.destroy} to destroy")
    if not made.plan.counts.destroy:
        outcome = api.apply(made, settings)
        print(f"{len(outcome.results)} done, with {outcome.write} requests")
    api.destroy(settings)


async def seed_side_by_side(places: dict[str, api.Settings]) -> None:
    """Do the same for many places at once, each with a state of its own."""
    outcomes = await asyncio.gather(
        *(
            api.aapply(api.load(MANIFEST, variables={"city": city}), settings)
            for city, settings in places.items()
        )
    )
    print(f"{sum(len(outcome.results) for outcome in outcomes)} done in {len(outcomes)} cities")
    await asyncio.gather(*(api.adestroy(settings) for settings in places.values()))


def main() -> None:
    """Seed one city, then three."""
    with TemporaryDirectory() as folder, closing(api.Emulator()) as emulator:
        places = {
            city: api.settings(emulator, state=Path(folder) / f"{city}.json")
            for city in ("Lisbon", "Porto", "Faro")
        }
        seed(places["Lisbon"])
        asyncio.run(seed_side_by_side(places))


if __name__ == "__main__":
    main()
