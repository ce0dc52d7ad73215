"""Whether a model was made for this board, as far as the file's name and the device tree say."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from appliance.engines.rkllm.failures import InitFailed
from appliance.models.rkllm_names import parse_name

_VENDOR = "rockchip,"


def check_board(model: Path, compatible: Iterable[str]) -> None:
    """Raises InitFailed for a model of another platform, which could crash the runtime.

    `compatible` is the device tree's list; without a chip of the vendor in it nothing is known.
    """
    chips = [name.removeprefix(_VENDOR) for name in compatible if name.startswith(_VENDOR)]
    wrong = [parse_name(model.name).wrong_platform(chip) for chip in chips]
    if chips and all(wrong):
        raise InitFailed(wrong[-1])
