from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.domain.cancel import CancelToken
from appliance.domain.requests import ChatRequest, Generation
from appliance.engines.extras import Extras, Properties, extras_of
from appliance.engines.scripted import Scripted, always
from appliance.errors import Unsupported

NEVER = CancelToken()
REQUEST = ChatRequest(Generation("m"), ())


@pytest.mark.parametrize(
    ("verb", "what"),
    [
        (lambda e: e.apply_template(REQUEST, NEVER), "prompt of a conversation"),
        (lambda e: e.pieces("a", NEVER, add_special=False, parse_special=True), "bytes of single"),
        (lambda e: e.slot_states(), "show its slots"),
        (lambda e: e.save_slot(0, "a", NEVER), "save slots"),
        (lambda e: e.restore_slot(0, "a", NEVER), "restore slots"),
        (lambda e: e.erase_slot(0, NEVER), "erase slots"),
        (lambda e: e.rerank("a", ("b",), NEVER), "rank documents"),
    ],
)
def test_an_engine_without_extras_says_what_it_cannot(
    verb: Callable[[Extras], object], what: str
) -> None:
    extras = extras_of(Scripted(always(b"x")))
    with pytest.raises(Unsupported, match=f"cannot .*{what}"):
        verb(extras)


def test_nothing_is_known_of_such_a_model() -> None:
    assert extras_of(object()).properties() == Properties()


def test_an_engines_own_extras_are_found() -> None:
    class Engine:
        extras = Extras()

    assert extras_of(Engine) is Engine.extras
