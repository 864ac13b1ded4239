"""Lists: pages, tokens, sizes, order, and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.api import Api


def fill(api: Api, service: str, count: int) -> None:
    """Create that many messages without a request each."""
    store, sid = api.emulator.store, service.rpartition("/")[2]
    with store.transaction():
        for number in range(count):
            store.messages.create(sid, "order-1", {"Body": f"message {number}"})


def pages(api: Api, url: str, *, link: str = "next_page_url") -> list[dict[str, Any]]:
    """Follow the pages of a list to its end."""
    found = [api.get(url)]
    while (following := found[-1]["meta"][link]) is not None:
        found.append(api.get(following))
    return found


def indexes(found: list[dict[str, Any]]) -> list[list[int]]:
    """Return what was listed, page by page."""
    return [[message["index"] for message in page["messages"]] for page in found]


def test_page_has_the_meta_of_the_reference(api: Api, conversation: str) -> None:
    """Absolute urls on the origin that was asked, null at both ends."""
    url = api.get(conversation)["links"]["messages"]

    assert api.get(f"{conversation}/Messages") == {
        "meta": {
            "page": 0,
            "page_size": 50,
            "first_page_url": f"{url}?PageSize=50&Page=0",
            "previous_page_url": None,
            "url": f"{url}?PageSize=50&Page=0",
            "next_page_url": None,
            "key": "messages",
        },
        "messages": [],
    }


def test_pages_follow_the_index(api: Api, service: str, conversation: str) -> None:
    """The last page may be short; a page that just holds the rest is the last."""
    fill(api, service, 5)

    assert indexes(pages(api, f"{conversation}/Messages?PageSize=2")) == [[0, 1], [2, 3], [4]]
    assert indexes(pages(api, f"{conversation}/Messages?PageSize=5")) == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize("order", ["desc", "DESC", "Desc"])
def test_descending_order_starts_at_the_newest(api: Api, service: str, conversation: str, order: str) -> None:
    """Order is matched whatever its case, and following pages keep it."""
    fill(api, service, 5)

    assert indexes(pages(api, f"{conversation}/Messages?Order={order}&PageSize=2")) == [[4, 3], [2, 1], [0]]


def test_previous_pages_lead_back(api: Api, service: str, conversation: str) -> None:
    """From the last page to the first, each as it was on the way there."""
    fill(api, service, 5)
    there = pages(api, f"{conversation}/Messages?PageSize=2")
    back = pages(api, there[-1]["meta"]["url"], link="previous_page_url")

    assert indexes(back) == indexes(there)[::-1]
    assert [page["meta"]["page"] for page in back] == [2, 1, 0]


def test_messages_that_come_and_go_do_not_shift_pages(api: Api, service: str, conversation: str) -> None:
    """A token stays good when its message is deleted, and an append is met at the end."""
    fill(api, service, 4)
    first = api.get(f"{conversation}/Messages?PageSize=2")
    api("DELETE", first["messages"][1]["url"])
    fill(api, service, 1)

    assert indexes(pages(api, first["meta"]["next_page_url"])) == [[2, 3], [4]]


def test_page_size_above_the_maximum_is_granted_as_the_maximum(make_api: Callable[..., Api]) -> None:
    """The maximum can be set; other lists have their own."""
    api = make_api(max_page_size=60)
    conversation = f"/v1/Conversations/{api.post('/v1/Conversations')['sid']}"

    def granted(url: str) -> int:
        return int(api.get(url, PageSize="1000")["meta"]["page_size"])

    assert [granted(f"{conversation}/Messages"), granted("/v1/Services"), granted("/v1/Users")] == [
        60,
        60,
        50,
    ]


def test_page_size_above_the_maximum_can_be_refused(make_api: Callable[..., Api]) -> None:
    """As a service may that takes its maximum for a rule."""
    api = make_api(max_page_size=100, refuse_large_pages=True)
    messages = f"/v1/Conversations/{api.post('/v1/Conversations')['sid']}/Messages"

    assert api.refusal("GET", f"{messages}?PageSize=101") == (400, 20001)
    assert api.get(f"{messages}?PageSize=100")["meta"]["page_size"] == 100


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("Page=1", 70002),
        ("PageSize=0", 20001),
        ("PageSize=many", 20001),
        ("PageSize=" + "9" * 30, 20001),
        ("Page=-1", 20001),
        ("Order=random", 20001),
        ("PageToken=PTnope", 20001),
        ("PageToken=PT%2B%2B", 20001),
        ("PageToken=", 20001),
        ("PageToken=PTWzk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTksZmFsc2Vd", 20001),
        ("PageSize=%FF", 20001),
    ],
)
def test_refuses_to_list(api: Api, conversation: str, query: str, code: int) -> None:
    """Wrong sizes, numbers, orders and tokens are refused, a page number without a token among them."""
    assert api.refusal("GET", f"{conversation}/Messages?{query}") == (400, code)


@pytest.mark.parametrize(
    ("path", "key", "make"),
    [
        ("/v1/Services", "services", {"FriendlyName": "s{}"}),
        ("{service}/Conversations", "conversations", {"UniqueName": "c{}"}),
        ("{service}/Users", "users", {"Identity": "u{}"}),
        ("{conversation}/Participants", "participants", {"Identity": "p{}"}),
    ],
)
def test_every_list_has_pages(
    api: Api, service: str, conversation: str, path: str, key: str, make: dict[str, str]
) -> None:
    """Each resource is met exactly once, and each list says its own key."""
    path = path.format(service=service, conversation=conversation)
    made = {item["sid"] for item in api.get(path)[key]} | {
        api.post(path, **{name: value.format(number) for name, value in make.items()})["sid"]
        for number in range(5)
    }
    found = pages(api, f"{path}?PageSize=2")
    listed = [item["sid"] for page in found for item in page[key]]

    assert {page["meta"]["key"] for page in found} == {key}
    assert (set(listed), len(listed)) == (made, len(made))


def test_the_last_page_costs_no_more_than_the_first(api: Api, service: str, conversation: str) -> None:
    """SQLite takes as many steps for each of 20 pages, so that a long conversation is read in its length."""
    fill(api, service, 20_000)
    steps: list[int] = []

    def step() -> None:
        steps[-1] += 1

    api.emulator.store._database._connection.set_progress_handler(step, 100)
    url, found = f"{conversation}/Messages?PageSize=1000", []
    while url is not None:
        steps.append(0)
        found.append(api.get(url))
        url = found[-1]["meta"]["next_page_url"]

    assert [index for page in indexes(found) for index in page] == list(range(20_000))
    assert len(steps) == 20
    assert 0 < max(steps) <= 1.1 * min(steps)
