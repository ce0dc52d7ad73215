from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.models.rkllm_names import RkllmName, parse_name


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("Qwen_Qwen3-0.6B-w8a8-opt0-hybrid0-npu3-ctx16384-rk3588.rkllm",
         RkllmName("Qwen_Qwen3-0.6B", 600_000_000, "w8a8", 0, 0.0, 3, 16384, "rk3588")),
        ("Qwen2.5-3B-Instruct-rk3588-w8a8_g128-opt-1-hybrid-ratio-0.5.rkllm",
         RkllmName("Qwen2.5-3B-Instruct", 3_000_000_000, "w8a8_g128", 1, 0.5, 0, 0, "rk3588")),
        ("Llama-3.2-1B-Instruct_W8A8_RK3576.RKLLM",
         RkllmName("Llama-3.2-1B-Instruct", 1_000_000_000, "w8a8", platform="rk3576")),
        ("gemma-3-270m-it_w4a16_g64_npu2_ctx8k_rk3562.rkllm",
         RkllmName("gemma-3-270m-it", 270_000_000, "w4a16_g64", None, None, 2, 8192, "rk3562")),
        ("facebook_opt-1.3b-w8a8-rk3588s.rkllm",
         RkllmName("facebook_opt-1.3b", 1_300_000_000, "w8a8", platform="rk3588s")),
        ("model.rkllm", RkllmName("model")),
        ("w8a8.rkllm", RkllmName("w8a8", quantisation="w8a8")),
        (".rkllm", RkllmName("")),
        ("tiny-rv1126b", RkllmName("tiny", platform="rv1126b")),
        ("a-ctx4096-rk3588-ctx2048.rkllm", RkllmName("a", context=4096, platform="rk3588")),
        ("Model-5G-w8a8x-rk35888.rkllm", RkllmName("Model-5G-w8a8x-rk35888")),
    ],
)  # fmt: skip
def test_names_are_read(filename: str, name: RkllmName) -> None:
    assert parse_name(filename) == name


def test_a_wrong_platform_is_told() -> None:
    name = parse_name("Qwen3-0.6B-w8a8-rk3576.rkllm")
    assert name.wrong_platform("RK3588") == (
        "The model was converted for rk3576, and this board is an rk3588: "
        "get the file that was converted for rk3588."
    )


@pytest.mark.parametrize(
    ("filename", "board"),
    [("a-rk3588", "rk3588s"), ("a-rk3588s", "rk3588"), ("a-RK3588", "rk3588"), ("a", "rk3588")],
)
def test_a_right_platform_is_not(filename: str, board: str) -> None:
    assert parse_name(filename).wrong_platform(board) == ""


@given(
    st.from_regex(r"[A-Z][a-z]{2,8}[1-9](-[A-Z][a-z]{5})?", fullmatch=True),
    st.integers(1, 999),
    st.permutations(range(6)),
    st.sampled_from(["w8a8", "w4a16", "w8a8_g128"]),
    st.integers(0, 9),
    st.integers(1, 3),
    st.sampled_from(range(1024, 16385, 32)),
    st.sampled_from(["rk3588", "rk3576"]),
)
def test_every_order_of_terms_says_the_same(
    base: str, size: int, order: list[int], bits: str, hybrid: int, cores: int, context: int,
    platform: str,
) -> None:  # fmt: skip
    share = hybrid / 10
    terms = [bits, "opt1", f"hybrid{share}", f"npu{cores}", f"ctx{context}", platform]
    text = "-".join([f"{base}-{size}M", *(terms[at] for at in order)])
    expected = RkllmName(
        f"{base}-{size}M", size * 1_000_000, bits, 1, share, cores, context, platform
    )
    assert parse_name(f"{text}.rkllm") == expected
    assert parse_name(text.replace(f"hybrid{share}", f"hybrid-ratio-{share}")) == expected


@given(st.text() | st.text("rk3588wactxnpuopthybrid0123-_.", max_size=40))
def test_any_text_is_a_name(text: str) -> None:
    name = parse_name(text)
    assert name == parse_name(f"{text}.rkllm") or text.lower().endswith(".rkllm")
    assert name.base or not text.strip("-_") or text.lower().endswith(".rkllm")
    assert name.cores in range(10)
    assert name.context >= 0
