"""The random model: its bytes, its size, and that the real engine talks with it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import gguf
import pytest

from tests.helpers import random_model
from tests.helpers.random_vocabulary import CONTROL, train

# The engine is native code: a child process keeps its crashes away from the test run.
ASK_ENGINE = """
import json, sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx, params.n_parallel, params.cpuparams.n_threads = 512, 1, 1
params.embedding, params.pooling_type = True, xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
server = xllamacpp.Server(params)
tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
question = {"role": "user", "content": "What time is it? \\U0001f319"}
call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
past = [
    question,
    {"role": "assistant", "content": None, "tool_calls": [call]},
    {"role": "tool", "tool_call_id": "1", "content": "noon"},
]
def chat(messages, **more):
    usual = {"messages": messages, "max_tokens": 8, "temperature": 0}
    return server.handle_chat_completions({**usual, **more})
plain = chat([question])
shown = chat([question], tools=[tool])
called = chat(past, tools=[tool])
bound = chat([question], grammar='root ::= "yes" | "no"')
embedded = server.handle_embeddings({"input": "moon"})
answers = {"plain": plain, "shown": shown, "called": called, "bound": bound, "embedded": embedded}
json.dump(answers, sys.stdout)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model.tiny(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture(scope="module")
def answers(model: Path) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-c", ASK_ENGINE, str(model)], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr[-2000:]
    answers: dict[str, Any] = json.loads(run.stdout)
    return answers


@pytest.mark.needs("engine")
def test_chat_runs_to_the_length_that_was_asked_for(answers: dict[str, Any]) -> None:
    assert answers["plain"]["usage"]["completion_tokens"] == 8
    assert answers["plain"]["choices"][0]["finish_reason"] == "length"


@pytest.mark.needs("engine")
def test_the_template_shows_tools_calls_and_results(answers: dict[str, Any]) -> None:
    plain, shown, called = (
        answers[key]["usage"]["prompt_tokens"] for key in ("plain", "shown", "called")
    )
    assert plain + 50 < shown < called - 20


@pytest.mark.needs("engine")
def test_a_grammar_binds_it(answers: dict[str, Any]) -> None:
    assert answers["bound"]["choices"][0]["message"]["content"] in {"yes", "no"}


@pytest.mark.needs("engine")
def test_embeddings_have_the_dimension_of_the_model(answers: dict[str, Any]) -> None:
    assert len(answers["embedded"]["data"][0]["embedding"]) == random_model.TINY.dim


def test_the_same_seed_gives_the_same_bytes(model: Path, tmp_path: Path) -> None:
    again = random_model.tiny(tmp_path / "again.gguf")
    other = random_model.tiny(tmp_path / "other.gguf", seed=1)
    assert again.read_bytes() == model.read_bytes() != other.read_bytes()


def test_tiny_is_tiny_and_names_its_fill_in_the_middle_tokens(model: Path) -> None:
    assert model.stat().st_size < 500_000
    fields = gguf.GGUFReader(model).fields
    middle = fields["tokenizer.ggml.fim_mid_token_id"].contents()
    assert fields["tokenizer.ggml.tokens"].contents()[middle] == "<|fim_middle|>"


def test_q8_0_weights_are_stored_as_such(tmp_path: Path) -> None:
    path = random_model.write(tmp_path / "q8.gguf", random_model.TINY, "q8_0")
    kinds = {tensor.name: tensor.tensor_type for tensor in gguf.GGUFReader(path).tensors}
    assert kinds["blk.0.ffn_down.weight"] == gguf.GGMLQuantizationType.Q8_0
    assert kinds["output_norm.weight"] == gguf.GGMLQuantizationType.F32


def test_the_command_line_writes_the_model_asked_for(model: Path, tmp_path: Path) -> None:
    random_model.main(["--size", "tiny", "--out", str(tmp_path / "made.gguf")])
    assert (tmp_path / "made.gguf").read_bytes() == model.read_bytes()


def test_the_benchmark_model_has_a_hundred_million_parameters() -> None:
    total = 0
    for _, size in random_model.HUNDRED_MILLION.tensors():
        total += size[0] * (size[1] if len(size) > 1 else 1)
    assert 95_000_000 < total < 105_000_000


def test_a_vocabulary_has_every_byte_and_the_size_asked() -> None:
    vocabulary = train(2048)
    assert len(vocabulary.tokens) == len(set(vocabulary.tokens)) == 2048
    assert sum(len(token) == 1 for token in vocabulary.tokens) == 256
    assert [vocabulary.tokens[i] for i in sorted(vocabulary.control)] == list(CONTROL)


def test_a_vocabulary_too_small_for_the_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 265"):
        train(256)
