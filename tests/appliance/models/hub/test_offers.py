from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import BadRequest, NotFound
from appliance.models.hub.names import HubName, hub_names, parse_hub_name
from appliance.models.hub.offers import Machine, Offer, choose, offers, quantisation
from appliance.models.hub.repository import RemoteFile, Repository

GB = 10**9
EVERY = {"m-Q2_K.gguf": 1, "m-Q4_K_M.gguf": 2, "m-Q8_0.gguf": 4, "m-F16.gguf": 8}


def repository(files: dict[str, int]) -> Repository:
    return Repository("ann/m", "c0", tuple(RemoteFile(p, gb * GB) for p, gb in files.items()))


def found(*extra: str) -> tuple[Offer, ...]:
    return offers(repository(EVERY | dict.fromkeys(extra, 1)))


def test_only_whole_models_are_offered() -> None:
    names = ["README.md", "mmproj-m-F16.gguf", "m.imatrix.gguf", "cut-00001-of-00002.gguf"]
    assert [offer.file for offer in found(*names)] == sorted(EVERY)


def test_parts_belong_together() -> None:
    names = [f"q/big-Q4_0-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    (big,) = (offer for offer in found(*names) if offer.file.startswith("q/"))
    assert [part.path for part in big.parts] == names
    assert (big.stem, big.quantisation, big.size) == ("big-Q4_0", "Q4_0", 3 * GB)
    assert [path for path, _ in big.files] == [name.removeprefix("q/") for name in names]


def test_a_model_of_the_npu_takes_its_tokenizer_along() -> None:
    names = ["sub/m-w8a8-rk3588.rkllm", "sub/tokenizer.json", "tokenizer_config.json", "x.json"]
    (npu,) = (offer for offer in found(*names) if offer.for_npu)
    assert {path: file.path for path, file in npu.files} == {
        "m-w8a8-rk3588.rkllm": "sub/m-w8a8-rk3588.rkllm",
        "tokenizer.json": "sub/tokenizer.json",
        "tokenizer_config.json": "tokenizer_config.json",
    }
    assert npu.quantisation == "w8a8"


@pytest.mark.parametrize(
    ("memory", "file"),
    [(0, "m-Q4_K_M.gguf"), (16 * GB, "m-Q4_K_M.gguf"), (3 * GB, "m-Q2_K.gguf")],
)
def test_the_best_is_the_usual_one_that_fits(memory: int, file: str) -> None:
    assert choose(found(), "", Machine(memory)).file == file


def test_where_nothing_fits_that_is_told() -> None:
    with pytest.raises(BadRequest, match="m-Q2_K"):
        choose(found(), "", Machine(GB))
    assert choose(found(), "Q8_0", Machine(GB)).file == "m-Q8_0.gguf"


@pytest.mark.parametrize("which", ["q8_0", "Q8_0", "m-Q8_0", "m-q8_0.gguf", "m-Q8_0.gguf"])
def test_one_is_named_in_many_ways(which: str) -> None:
    assert choose(found(), which, Machine()).file == "m-Q8_0.gguf"


def test_what_is_not_there_is_named_with_what_is() -> None:
    with pytest.raises(NotFound, match="Q2_K, Q4_K_M, Q8_0"):
        choose(found(), "Q9", Machine())
    with pytest.raises(NotFound, match="none"):
        choose((), "", Machine())


def test_the_npu_comes_first_where_there_is_that_one() -> None:
    both = found("m-w8a8-rk3588.rkllm", "m-w8a8-rk3576.rkllm")
    assert choose(both, "", Machine(npu="rk3588")).file == "m-w8a8-rk3588.rkllm"
    assert choose(both, "", Machine()).file == "m-Q4_K_M.gguf"
    only = offers(repository({"m-rk3576.rkllm": 1, "n-rk3576.rkllm": 1}))
    with pytest.raises(BadRequest, match="NPU"):
        choose(only, "", Machine(npu="rk3588"))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Qwen2.5-0.5B-Instruct-Q4_K_M.gguf", "Q4_K_M"),
        ("qwen2.5-0.5b-instruct-q4_k_m.gguf", "Q4_K_M"),
        ("mistral-7b-v0.1.Q4_0.gguf", "Q4_0"),
        ("m/Q8_0/big-00001-of-00002.gguf", "Q8_0"),
        ("m-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("m-IQ3_XXS.gguf", "IQ3_XXS"),
        ("gpt-oss-20b-MXFP4.gguf", "MXFP4"),
        ("plain.gguf", ""),
    ],
)
def test_quantisations_are_read_from_names(path: str, name: str) -> None:
    assert quantisation(path) == name


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("ann/m", HubName("ann/m")),
        ("hf.co/ann/m:Q4_K_M", HubName("ann/m", "Q4_K_M")),
        ("hf.co/ann/m:latest", HubName("ann/m")),
        ("https://huggingface.co/ann/m", HubName("ann/m")),
        ("https://huggingface.co/ann/m/tree/main", HubName("ann/m")),
        ("https://huggingface.co/ann/m/blob/v2/a/b%20c.gguf", HubName("ann/m", "a/b c.gguf", "v2")),
        ("ann/m:a/b.gguf", HubName("ann/m", "a/b.gguf")),
    ],
)
def test_names_of_models_on_the_hub(name: str, meaning: HubName) -> None:
    assert parse_hub_name(name) == meaning


@pytest.mark.parametrize("name", ["", "m", "m:Q4_0", "hf.co/m", "a/b/c", "http://evil/a/b", "../a"])
def test_names_that_mean_nothing_on_the_hub(name: str) -> None:
    with pytest.raises(BadRequest, match="owner/repository"):
        parse_hub_name(name)


@given(st.text())
def test_any_text_is_a_name_or_refused(name: str) -> None:
    with suppress(BadRequest):
        assert "/" in parse_hub_name(name).repo


def test_a_fetched_model_answers_to_the_names_that_it_was_fetched_by() -> None:
    names = hub_names("Ann/M", "q/m-Q4_K_M.gguf")
    assert {"ann/m", "hf.co/ann/m:q4_k_m", "ann/m:q/m-q4_k_m.gguf", "q/m-q4_k_m.gguf"} <= names
