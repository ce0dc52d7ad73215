from __future__ import annotations

from appliance.observe.feed import Feed


def test_who_listens_hears_until_he_leaves() -> None:
    feed: Feed[int] = Feed()
    feed.tell(0)
    first: list[int] = []
    second: list[int] = []
    leave = feed.listen(first.append)
    feed.listen(second.append)
    feed.tell(1)
    leave()
    leave()
    feed.tell(2)
    assert (first, second) == ([1], [1, 2])


def test_a_listener_may_leave_while_it_listens() -> None:
    feed: Feed[int] = Feed()
    heard: list[int] = []

    def once(item: int) -> None:
        heard.append(item)
        leave()

    leave = feed.listen(once)
    feed.tell(1)
    feed.tell(2)
    assert heard == [1]
