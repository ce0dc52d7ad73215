from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.messages import Message, Role
from appliance.errors import BadRequest
from appliance.http.dialects.ollama import context

ROLES = st.sampled_from([Role.SYSTEM, Role.USER, Role.ASSISTANT])
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TURNS = st.lists(st.builds(Message, ROLES, TEXT), max_size=4)


@given(TURNS, TEXT)
def test_what_was_said_comes_back(turns: list[Message], answer: str) -> None:
    numbers = context.encode(turns, answer)
    assert all(0 <= number < 256 for number in numbers)
    assert context.decode(numbers) == (*turns, Message(Role.ASSISTANT, answer))


@given(st.lists(st.integers(), min_size=1) | st.binary(min_size=1).map(list))
def test_other_numbers_are_refused(numbers: list[int]) -> None:
    with suppress(BadRequest):
        assert all(isinstance(each, Message) for each in context.decode(numbers))


@pytest.mark.parametrize(
    "numbers", [[1, 2, 3], [151643], [-1], list(b'[["tool","x"]]'), list(b"[" * 9999)]
)
def test_tokens_of_another_server_are_refused(numbers: list[int]) -> None:
    with pytest.raises(BadRequest, match="leave it out"):
        context.decode(numbers)


def test_no_context_is_no_turns() -> None:
    assert context.decode([]) == ()
