from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.history import shortened
from appliance.domain.messages import Message, Role
from appliance.domain.requests import ChatRequest, Generation
from appliance.errors import ContextTooLong

ROLES = st.lists(st.sampled_from(Role), min_size=1, max_size=12)


def request(*roles: Role, size: int = 1) -> ChatRequest:
    said = [Message(role, str(index) * size) for index, role in enumerate(roles)]
    return ChatRequest(Generation("m"), tuple(said))


def without_system(messages: tuple[Message, ...]) -> list[Message]:
    begin = next((i for i, m in enumerate(messages) if m.role is not Role.SYSTEM), len(messages))
    return list(messages[begin:])


@given(ROLES, st.integers(0, 5000), st.integers(0, 5000))
def test_it_gets_shorter_until_only_the_last_question_is_left(
    roles: list[Role], tokens: int, room: int
) -> None:
    error = ContextTooLong("Too long.", prompt_tokens=tokens, context=room)
    current = request(*roles)
    whole = without_system(request(*roles).messages)
    for _ in roles:
        kept = without_system(current.messages)
        assert kept == whole[len(whole) - len(kept) :]
        shorter = shortened(current, error)
        if shorter is None:
            assert Role.USER not in [message.role for message in kept[1:]]
            return
        assert len(shorter.messages) < len(current.messages)
        assert shorter.messages[-1] == current.messages[-1]
        current = shorter
    pytest.fail("it never ends")


def test_what_the_system_says_first_stays() -> None:
    error = ContextTooLong("", prompt_tokens=9, context=5)
    shorter = shortened(request(Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.USER), error)
    assert shorter is not None
    assert [message.content for message in shorter.messages] == ["0", "3"]


@pytest.mark.parametrize(("tokens", "room", "left"), [(2000, 1000, 5), (2000, 1900, 9), (0, 0, 9)])
def test_about_as_much_goes_as_was_too_much(tokens: int, room: int, left: int) -> None:
    error = ContextTooLong("", prompt_tokens=tokens, context=room)
    shorter = shortened(request(*[Role.USER] * 10, size=100), error)
    assert shorter is not None
    assert len(shorter.messages) == left
