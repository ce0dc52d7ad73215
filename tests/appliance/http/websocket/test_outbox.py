from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.http.websocket.outbox import Outbox


def test_frames_come_out_in_order_and_whole() -> None:
    outbox = Outbox(100)
    for frame in (b"aaa", b"bb", b"c"):
        assert outbox.put(frame)
    assert outbox.held == 6
    assert outbox.take(4) == [b"aaa", b"bb"]
    assert outbox.take(4) == [b"c"]
    assert (outbox.take(4), outbox.held, bool(outbox)) == ([], 0, False)


def test_it_is_bounded_but_for_one_long_frame() -> None:
    outbox = Outbox(10)
    assert outbox.put(b"*" * 50)
    assert not outbox.put(b"*")
    outbox.clear()
    assert outbox.put(b"*" * 10)
    assert not outbox.put(b"*")
    assert (outbox.held, bool(outbox)) == (10, True)


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=30), st.integers(1, 40))))
def test_what_it_holds_is_what_was_put_and_not_taken(steps: list[bytes | int]) -> None:
    outbox, inside = Outbox(60), b""
    for step in steps:
        if isinstance(step, int):
            taken = b"".join(outbox.take(step))
            assert inside.startswith(taken)
            inside = inside[len(taken) :]
        elif outbox.put(step):
            inside += step
    assert outbox.held == len(inside) <= 60
