"""Calls of one moment share a request, and each gets its own result."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.state.stores.primitives import Unheard
from reconciler.state.stores.shared_calls import SharedCalls
from tests.support.jumping import run_jumping


class Asked:
    """Requests that were sent, and a delay before each is answered."""

    def __init__(self, *, most: int = 100, delay: float = 0.1) -> None:
        self.requests: list[list[str]] = []
        self.delay = delay
        self.call = SharedCalls(self._ask, name=lambda text: text[0], size=len, most=most)

    async def _ask(self, calls: list[str]) -> list[str | Exception]:
        self.requests.append(calls)
        await asyncio.sleep(self.delay)
        if "!" in calls:
            raise Unheard("no answer")
        return [KeyError(one) if one.endswith("?") else one.upper() for one in calls]


def test_what_is_called_in_one_turn_goes_together() -> None:
    """The next request takes what was called meanwhile."""

    async def main() -> None:
        asked = Asked()
        first = asyncio.gather(*map(asked.call, ("a", "b", "c")))
        await asyncio.sleep(0.05)
        second = asyncio.gather(*map(asked.call, ("d", "e")))
        assert await first == ["A", "B", "C"]
        assert await second == ["D", "E"]
        assert asked.requests == [["a", "b", "c"], ["d", "e"]]

    run_jumping(main())


def test_one_object_is_in_a_request_once_and_a_request_has_a_size() -> None:
    """Two creates of one name must not both succeed; what is too large goes alone."""

    async def main() -> None:
        asked = Asked(most=4)
        texts = ("a1", "a2", "b1", "cccccccc", "d")
        assert await asyncio.gather(*map(asked.call, texts)) == [text.upper() for text in texts]
        assert asked.requests == [["a1", "b1"], ["a2", "d"], ["cccccccc"]]

    run_jumping(main())


def test_an_error_is_that_of_its_call_or_of_all_in_the_request() -> None:
    """Those after it are answered."""

    async def main() -> None:
        asked = Asked()
        one, two = await asyncio.gather(asked.call("a?"), asked.call("b"), return_exceptions=True)
        assert (type(one), two) == (KeyError, "B")
        lost = await asyncio.gather(asked.call("!"), asked.call("c"), return_exceptions=True)
        assert [type(one) for one in lost] == [Unheard, Unheard]
        assert await asked.call("d") == "D"

    run_jumping(main())


def test_who_waits_for_a_turn_waits_no_longer_than_a_call_may_take() -> None:
    """And what nobody waits for any more is not sent."""

    async def main() -> None:
        asked = Asked(delay=25)
        first = asyncio.create_task(asked.call("a"))
        await asyncio.sleep(1)
        second = asyncio.create_task(asked.call("b"))
        for waiting in (first, second):
            with pytest.raises(Unheard, match="did not answer within 20 s"):
                await waiting
        asked.delay = 0
        assert await asked.call("c") == "C"
        assert asked.requests == [["a"], ["c"]]

    run_jumping(main())
