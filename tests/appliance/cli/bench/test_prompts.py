from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.cli.bench.prompts import Measure, measure, prompt
from appliance.cli.client import Client
from tests.helpers.canned import CannedServer, http


@given(st.integers(1, 500), st.text())
def test_a_prompt_has_its_words_and_its_seed_decides(words: int, seed: str) -> None:
    assert len(prompt(words, seed).split()) == words
    assert prompt(words, seed) == prompt(words, seed)


def test_prompts_differ_from_the_first_word_on() -> None:
    firsts = [prompt(10, f"seed {number}").split()[0] for number in range(100)]
    assert len(set(firsts)) == 100


def test_words_for_a_length_in_tokens() -> None:
    assert Measure(per_word=2.0, overhead=10.0).words(210) == 100
    assert Measure(per_word=2.0, overhead=10.0).words(5) == 1


def test_a_server_that_counts_nothing_is_survived() -> None:
    with CannedServer(http(b'{"usage":{"prompt_tokens":0}}')) as server:
        assert measure(Client(server.url), "m").words(100) > 0
