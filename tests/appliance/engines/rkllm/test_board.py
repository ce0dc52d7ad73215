from __future__ import annotations

from pathlib import Path

import pytest

from appliance.engines.rkllm.board import check_board
from appliance.engines.rkllm.failures import InitFailed

MODEL = Path("/models/Qwen3-0.6B-w8a8-npu3-ctx4096-rk3588.rkllm")


@pytest.mark.parametrize(
    "compatible",
    [
        ("xunlong,orangepi-5", "rockchip,rk3588s", "rockchip,rk3588"),
        ("radxa,rock-5b", "rockchip,rk3588"),
        ("pc",),
        (),
    ],
)
def test_it_may_be_loaded(compatible: tuple[str, ...]) -> None:
    check_board(MODEL, compatible)
    check_board(Path("model.rkllm"), compatible)


def test_a_model_of_another_platform_is_refused() -> None:
    with pytest.raises(InitFailed, match="converted for rk3588, and this board is an rk3576"):
        check_board(MODEL, ("vendor,board", "rockchip,rk3576"))
