"""Which models a repository holds, and which of them a device should take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from appliance.domain import model_size
from appliance.errors import BadRequest, NotFound
from appliance.models.folder import BESIDE
from appliance.models.hub.repository import RemoteFile, Repository
from appliance.models.rkllm_names import parse_name

_NPU = ".rkllm"
_PART = re.compile(r"(?P<stem>.+)-(?P<part>\d{5})-of-(?P<parts>\d{5})")
_QUANTISATION = re.compile(
    r"(?:^|[-_./])((?:UD-)?(?:I?Q[1-8](?:_[01KSMLX]|_NL|_XX?S|_XL)*|T?Q[12]_0|BF16|F16|FP16|F32|"
    r"MXFP4(?:_MOE)?|NVFP4))(?=$|[-_.])",
    re.IGNORECASE,
)
# Best first: what keeps most of a model in least room, then what is larger, then smaller.
_PREFERRED = (
    "Q4_K_M Q4_K_S IQ4_NL IQ4_XS Q4_0 Q4_1 MXFP4 Q5_K_M Q5_K_S Q5_0 Q6_K Q8_0 Q3_K_L Q3_K_M "
    "IQ3_M Q3_K_S Q2_K_L Q2_K IQ2_M F16 BF16 F32"
).split()


@dataclass(frozen=True, slots=True)
class Machine:
    """What a model has to fit: bytes of memory, 0 if not known, and the NPU's platform if any."""

    memory_bytes: int = 0
    npu: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model of a repository: `parts` in order, and `extras` by their path in its folder."""

    repo: str
    parts: tuple[RemoteFile, ...]
    extras: tuple[tuple[str, RemoteFile], ...] = ()

    @property
    def file(self) -> str:
        """What names it in its repository: the path of its first part."""
        return self.parts[0].path

    @property
    def stem(self) -> str:
        """The file's name without its ending and the number of the part."""
        return _stem(self.file)

    @property
    def for_npu(self) -> bool:
        """Whether it is made for the NPU."""
        return self.file.lower().endswith(_NPU)

    @property
    def files(self) -> tuple[tuple[str, RemoteFile], ...]:
        """Every file with its path in the model's own folder."""
        weights = ((PurePosixPath(part.path).name, part) for part in self.parts)
        return (*weights, *self.extras)

    @property
    def size(self) -> int:
        """Bytes of the weights."""
        return sum(part.size for part in self.parts)

    @property
    def quantisation(self) -> str:
        """Such as "Q4_K_M" or "w8a8", as the file's name tells it; "" if it does not."""
        return quantisation(self.file)


def offers(repository: Repository) -> tuple[Offer, ...]:
    """All models of a repository, those whose parts are all there, by name."""
    files = {file.path: file for file in repository.files}
    found = []
    for path, file in sorted(files.items()):
        if path.lower().endswith(_NPU):
            beside = ((n, files.get(_beside(path, n)) or files.get(n)) for n in BESIDE)
            extras = tuple((name, extra) for name, extra in beside if extra is not None)
            found.append(Offer(repository.name, (file,), extras))
        elif path.lower().endswith(".gguf") and not _is_helper(path):
            parts = [files.get(name) for name in _parts(path)]
            if parts and all(parts):
                found.append(Offer(repository.name, tuple(filter(None, parts))))
    return tuple(found)


def quantisation(path: str) -> str:
    """Such as "Q4_K_M" or "w8a8", as the name of a file tells it; "" if it does not."""
    stem = _stem(path)
    if path.lower().endswith(_NPU):
        return parse_name(PurePosixPath(path).name).quantisation
    found = _QUANTISATION.findall(stem) or _QUANTISATION.findall(str(PurePosixPath(path).parent))
    return found[-1].upper() if found else ""


def choose(found: Sequence[Offer], which: str, machine: Machine) -> Offer:
    """The offer that `which` means: a path, a name, a quantisation, or "" for the best that fits.

    Raises NotFound, or BadRequest if nothing fits.
    """
    named = [offer for offer in found if _means(offer, which)] if which else list(found)
    able = [offer for offer in named if not offer.for_npu or _converted_for(offer, machine.npu)]
    if not named:
        there = ", ".join(sorted({each.quantisation or each.file for each in found})) or "none"
        raise NotFound(f"There is no model '{which}' in this repository. There are: {there}.")
    if which and len(named) == 1:
        return named[0]
    if not able:
        raise BadRequest(
            "Its models are for an NPU that this machine does not have.", param="model"
        )
    memory = machine.memory_bytes
    fitting = [each for each in able if not memory or model_size.fits(each.size, memory)]
    if not fitting:
        least = min(able, key=lambda offer: offer.size)
        raise BadRequest(
            f"No model of it fits the memory of this device: '{least.file}' is the smallest and "
            f"needs {model_size.required_bytes(least.size) / 1e9:.1f} GB. Take a smaller model, "
            "or name a file to fetch it all the same.",
            param="model",
        )
    return min(fitting, key=_rank)


def _rank(offer: Offer) -> tuple[bool, int, int]:
    known = offer.quantisation.removeprefix("UD-")
    place = _PREFERRED.index(known) if known in _PREFERRED else len(_PREFERRED)
    return not offer.for_npu, place, offer.size


def _means(offer: Offer, which: str) -> bool:
    wanted = which.casefold()
    name = PurePosixPath(offer.file).name
    return wanted in (
        offer.file.casefold(),
        name.casefold(),
        offer.stem.casefold(),
        offer.quantisation.casefold(),
    )


def _converted_for(offer: Offer, npu: str) -> bool:
    return bool(npu) and not parse_name(PurePosixPath(offer.file).name).wrong_platform(npu)


def _is_helper(path: str) -> bool:
    """Whether it belongs to a model instead of being one: projectors, importance matrices."""
    name = PurePosixPath(path).name.lower()
    return "mmproj" in name or "imatrix" in name


def _parts(path: str) -> tuple[str, ...]:
    """All paths of the model whose first part is `path`; none for a later part."""
    place = PurePosixPath(path)
    split = _PART.fullmatch(place.stem)
    if split is None:
        return (path,)
    if int(split["part"]) != 1:
        return ()
    count = int(split["parts"])
    names = (f"{split['stem']}-{n:05}-of-{count:05}{place.suffix}" for n in range(1, count + 1))
    return tuple(str(place.with_name(name)) for name in names)


def _stem(path: str) -> str:
    stem = PurePosixPath(path).stem
    split = _PART.fullmatch(stem)
    return split["stem"] if split else stem


def _beside(path: str, name: str) -> str:
    return str(PurePosixPath(path).parent / name)
