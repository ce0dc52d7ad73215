from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.requests import CompletionRequest
from appliance.errors import BadRequest, Unsupported
from appliance.http.bodies import decode
from appliance.http.dialects.llamacpp import parse
from appliance.http.dialects.llamacpp.requests import CompletionBody, InfillBody


def tokenize(text: str) -> tuple[int, ...]:
    return tuple(text.encode())


def completions(prompt: Any, **more: Any) -> tuple[CompletionRequest, ...]:
    body = json.dumps({"prompt": prompt} | more).encode()
    return parse.completions(decode(body, CompletionBody), tokenize)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("ab", ["ab"]),
        ("", [""]),
        ([1, 2], [(1, 2)]),
        ([1, "ab", 2], [(1, 97, 98, 2)]),
        (["ab", "c"], ["ab", "c"]),
        (["ab", [1, 2]], ["ab", (1, 2)]),
        ([[1], ["ab", 2]], [(1,), (97, 98, 2)]),
        ({"prompt_string": "ab"}, ["ab"]),
        (["a", {"prompt_string": "b"}], ["a", "b"]),
    ],
)
def test_what_prompts_a_list_means(sent: Any, read: list[Any]) -> None:
    assert [request.prompt for request in completions(sent)] == read


@pytest.mark.parametrize("sent", [[], [[]], [1, [2]], [1, {"prompt_string": "a"}], ["a"] * 65])
def test_prompts_that_make_no_sense(sent: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        completions(sent)
    assert caught.value.param == "prompt"


def test_media_cannot_be_read() -> None:
    with pytest.raises(Unsupported, match="text only"):
        completions({"prompt_string": "a", "multimodal_data": ["aGk="]})


def test_settings_go_where_they_belong() -> None:
    (request,) = completions(
        "a",
        model="m",
        n_predict=5,
        stop=["x", ""],
        seed=7,
        temperature=0.5,
        n_probs=3,
        mirostat=2,
        id_slot=1,
        cache_prompt=False,
        logit_bias=[[5, False], ["the", -1.5]],
        post_sampling_probs=True,
    )
    wanted = request.generation
    assert (wanted.model, wanted.max_tokens, wanted.stop) == ("m", 5, ("x",))
    assert (wanted.sampling.seed, wanted.sampling.temperature) == (7, 0.5)
    assert wanted.logprobs == 3
    assert wanted.options == {
        "mirostat": 2,
        "id_slot": 1,
        "cache_prompt": False,
        "logit_bias": [[5, False], ["the", -1.5]],
        "post_sampling_probs": True,
    }


@pytest.mark.parametrize(
    ("sent", "limit"),
    [
        ({}, None),
        ({"n_predict": -1}, None),
        ({"n_predict": -2}, None),
        ({"n_predict": 0}, 0),
        ({"max_tokens": 3}, 3),
        ({"n_predict": 2, "max_tokens": 3}, 2),
    ],
)
def test_how_long_an_answer_may_be(sent: dict[str, int], limit: int | None) -> None:
    assert completions("a", **sent)[0].generation.max_tokens == limit


@pytest.mark.parametrize(("sent", "seed"), [(-1, None), (2**32 - 1, None), (3, 3), (None, None)])
def test_seeds(sent: int | None, seed: int | None) -> None:
    assert completions("a", seed=sent)[0].generation.sampling.seed == seed


def test_infill_carries_the_other_files() -> None:
    body = {
        "input_prefix": "a",
        "input_suffix": "b",
        "prompt": "p",
        "input_extra": [{"filename": "f", "text": "t"}],
    }
    request = parse.infill(decode(json.dumps(body).encode(), InfillBody))
    assert (request.prompt, request.suffix) == ("a", "b")
    assert request.generation.options == {
        "prompt": "p",
        "input_extra": [{"filename": "f", "text": "t"}],
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)
FIELDS = CompletionBody.__struct_fields__


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=5))
def test_any_body_is_read_or_refused(body: dict[str, Any]) -> None:
    with suppress(BadRequest):
        completions(body.pop("prompt", "a"), **body)
