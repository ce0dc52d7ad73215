"""LoRA adapters of a model: the files in `lora/` beside it, chosen by a request's number of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.errors import BadRequest

FOLDER = "lora"
OPTION = "lora"
_STEP, _STRONGEST = 0.25, 2.0


@dataclass(frozen=True, slots=True)
class Adapter:
    """A file, and how strongly it is mixed in."""

    path: Path
    scale: float

    @property
    def name(self) -> str:
        """What the runtime calls it: another scale is another adapter."""
        return f"{self.path.stem}@{self.scale:g}"


def chosen(options: Mapping[str, Any], folder: Path | None) -> Adapter | None:
    """The adapter that `options["lora"]` asks for, as llama.cpp's clients write it.

    That is a list of `{"id": NUMBER, "scale": SHARE}`; the number is the file's place in the order
    of names, and a share of 0 asks for nothing. Raises BadRequest: the NPU takes one at a time.
    """
    wanted = [each for each in options.get(OPTION, ()) if each["scale"] != 0]
    if not wanted:
        return None
    files = sorted((folder / FOLDER).glob("*.rkllm")) if folder is not None else []
    if len(wanted) > 1:
        raise BadRequest("The NPU takes one LoRA adapter at a time; ask for one.", param=OPTION)
    number = int(wanted[0]["id"])
    if number >= len(files):
        there = ", ".join(f"{at}: {file.stem}" for at, file in enumerate(files)) or "none"
        raise BadRequest(
            f"There is no LoRA adapter {number}. These are there: {there}. They are files in "
            f"'{FOLDER}' in the model's folder.",
            param=OPTION,
        )
    scale = float(wanted[0]["scale"])
    if not 0 < scale <= _STRONGEST or (scale / _STEP) % 1:
        raise BadRequest(
            f"The NPU keeps an adapter in memory once for each strength: its scale must be "
            f"{_STEP}, {2 * _STEP} and so on up to {_STRONGEST}.",
            param=OPTION,
        )
    return Adapter(files[number], scale)
