"""What the name of a `.rkllm` file tells: converters write how they made it into the name.

`Qwen_Qwen3-0.6B-w8a8-opt0-hybrid0-npu3-ctx16384-rk3588.rkllm`, for example: first the model, then
terms in any order, with `-` or `_` between them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TERMS = {
    "platform": re.compile(r"(rk3\d{3}s?|rv11\d{2}b?)", re.IGNORECASE | re.ASCII),
    "bits": re.compile(r"(w\d{1,2}a\d{1,2})", re.IGNORECASE | re.ASCII),
    "group": re.compile(r"(g\d{2,4})", re.IGNORECASE | re.ASCII),
    "optimisation": re.compile(r"opt(\d)", re.IGNORECASE | re.ASCII),
    "hybrid": re.compile(r"hybrid(\d(?:\.\d{1,3})?)", re.IGNORECASE | re.ASCII),
    "cores": re.compile(r"npu([1-9])", re.IGNORECASE | re.ASCII),
    "context": re.compile(r"ctx(\d{1,6}k?)", re.IGNORECASE | re.ASCII),
}
_SIZE = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)([bm])", re.IGNORECASE | re.ASCII)
_UNITS = {"b": 1_000_000_000, "m": 1_000_000}
# Some converters part a term from its value: `opt-1`, `hybrid-ratio-0.5`. A model is called OPT.
_PARTED = re.compile(
    r"(?<=[-_])(?:(opt)[-_](?=\d(?:[-_]|$))|(hybrid)[-_](?:ratio[-_])?(?=\d(?:\.\d+)?(?:[-_]|$)))",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class RkllmName:
    """`base` names the model; what the name does not tell is "", 0 or None.

    `parameters` is the number of weights, `context` in tokens, `cores` those of the NPU, `hybrid`
    the part of the weights that is quantised more finely.
    """

    base: str
    parameters: int = 0
    quantisation: str = ""
    optimisation: int | None = None
    hybrid: float | None = None
    cores: int = 0
    context: int = 0
    platform: str = ""

    def wrong_platform(self, board: str) -> str:
        """Why a `board` such as "rk3588" cannot run it; "" if nothing speaks against it.

        An S at the end of a Rockchip's name means fewer pins, not another NPU.
        """
        here = board.lower()
        if not self.platform or self.platform.removesuffix("s") == here.removesuffix("s"):
            return ""
        return (
            f"The model was converted for {self.platform}, and this board is an {here}: "
            f"get the file that was converted for {here}."
        )


def parse_name(filename: str) -> RkllmName:
    """Read a file's name, with or without its ending; a name without terms is all `base`."""
    stem = _PARTED.sub(r"\1\2", re.sub(r"\.rkllm\Z", "", filename, flags=re.IGNORECASE))
    found: dict[str, str] = {}
    end = len(stem)
    for part in re.finditer(r"[^-_]+", stem):
        for term, pattern in _TERMS.items():
            if match := pattern.fullmatch(part[0]):
                found.setdefault(term, match[1].lower())
                end = min(end, part.start())
    base = stem[:end].rstrip("-_")
    return RkllmName(
        base=base or stem,
        parameters=_parameters(base),
        quantisation="_".join(found[term] for term in ("bits", "group") if term in found),
        optimisation=int(found["optimisation"]) if "optimisation" in found else None,
        hybrid=float(found["hybrid"]) if "hybrid" in found else None,
        cores=int(found.get("cores", 0)),
        context=_context(found),
        platform=found.get("platform", ""),
    )


def _parameters(base: str) -> int:
    for part in re.split(r"[-_ ]", base):
        if match := _SIZE.fullmatch(part):
            return round(float(match[1]) * _UNITS[match[2].lower()])
    return 0


def _context(found: Mapping[str, str]) -> int:
    text = found.get("context", "0")
    return int(text.removesuffix("k")) * (1024 if text.endswith("k") else 1)
