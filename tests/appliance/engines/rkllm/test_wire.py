"""Messages survive being cut anywhere; nonsense is an error of our own kind."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.sampling import Sampling
from appliance.engines.rkllm.values import Load, Run
from appliance.engines.rkllm.wire import (
    Decoder,
    Ended,
    Failed,
    Message,
    Order,
    Rows,
    Said,
    decode_load,
    encode,
    encode_load,
)
from appliance.errors import EngineError

MESSAGES: list[Message] = [
    Said((5,), b"half \xc3"),
    Rows(1, 2, array("f", [1.0, -1.0]).tobytes()),
    Ended(7, stopped=True, limited=False, context=0, prompt_tokens=1, prompt_ms=1, generated_ms=2),
    Failed("No.", "caller"),
]
ORDERS = [
    Order(1, Run("text", sampling=Sampling(temperature=0.5), save_cache=Path("/a/b"))),
    Order(2, Run((1, 2, 3), lora="x"), resumes=3, cache=Path("/c"), lora_file=Path("/d")),
]


@given(st.lists(st.sampled_from(MESSAGES), max_size=8), st.integers(1, 50))
def test_messages_survive_being_cut_anywhere(messages: list[Message], size: int) -> None:
    data = b"".join(map(encode, messages))
    decoder: Decoder[Message] = Decoder(Message)
    found = [m for at in range(0, len(data), size) for m in decoder.feed(data[at : at + size])]
    assert found == messages


def test_orders_survive() -> None:
    decoder: Decoder[Order] = Decoder(Order)
    assert decoder.feed(b"".join(map(encode, ORDERS))) == ORDERS


def test_a_load_survives() -> None:
    load = Load(Path("/models/ü.rkllm"), 4096, 100, Sampling(top_k=1), frozenset({1, 2}), 3)
    assert decode_load(encode_load(load)) == load


@given(st.binary(max_size=60))
def test_nonsense_is_an_engine_error(data: bytes) -> None:
    decoder: Decoder[Message] = Decoder(Message)
    try:
        decoder.feed(data)
    except EngineError:
        return


def test_a_frame_that_is_too_long_is_not_waited_for() -> None:
    with pytest.raises(EngineError):
        Decoder[Message](Message).feed(b"\xff\xff\xff\xff")
