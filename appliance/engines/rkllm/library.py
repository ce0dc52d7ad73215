"""The vendor's library with the signatures of its own version: the only way to a binding."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path

from appliance.engines.rkllm.abi import Abi
from appliance.engines.rkllm.abi_v12 import V12
from appliance.engines.rkllm.abi_v13 import V13
from appliance.engines.rkllm.failures import LibraryRefused
from appliance.engines.rkllm.version import Generation, RuntimeVersion, read_version

_ABIS = {Generation.V1_2: V12, Generation.V1_3: V13}


def abi_of(version: RuntimeVersion) -> Abi:
    """The layout that a version has."""
    return _ABIS[version.generation]


@dataclass(frozen=True, slots=True)
class Library:
    """A loaded library; `calls` has the functions of `abi.functions` as attributes."""

    version: RuntimeVersion
    abi: Abi
    calls: ctypes.CDLL


class _Room(ctypes.Structure):
    """More than any version's RKLLMParam needs."""

    _fields_ = (("bytes", ctypes.c_uint8 * 1024),)


def open_library(path: Path, confirmed: str = "") -> Library:
    """Load the library, bound as the version found in its file wants it; raises LibraryRefused."""
    version = read_version(path, confirmed)
    abi = abi_of(version)
    try:
        calls = ctypes.CDLL(str(path), mode=os.RTLD_LOCAL | os.RTLD_NOW)
    except OSError as error:
        raise LibraryRefused(
            f"The NPU runtime cannot be loaded ({error}). Install the library for this machine "
            "(aarch64), and whatever other library that message names."
        ) from error
    _declare(calls, abi, path)
    if _is_laid_out_otherwise(calls, abi):
        raise LibraryRefused(
            f"{path} says that it is RKLLM {version.text}, but its structures are those of "
            "another version. Install the library again from the vendor's rknn-llm release."
        )
    return Library(version, abi, calls)


def _declare(calls: ctypes.CDLL, abi: Abi, path: Path) -> None:
    for name, (result, arguments) in abi.functions.items():
        try:
            function = getattr(calls, name)
        except AttributeError as error:
            raise LibraryRefused(
                f"{path} lacks the function {name}; install the library again from the vendor's "
                "rknn-llm release."
            ) from error
        function.restype = result
        function.argtypes = arguments


def _is_laid_out_otherwise(calls: ctypes.CDLL, abi: Abi) -> bool:
    """Whether the default parameters make sense for another version, and none for this one.

    A second opinion that needs no default values known beforehand: where a version keeps its
    CPU mask, the mask has as many bits as the number before it says.
    """
    default = calls["rkllm_createDefaultParam"]  # a fresh object: the declared one stays as it is
    default.restype = _Room
    raw = bytes(default().bytes)
    others = (other for other in _ABIS.values() if other is not abi)
    return not _makes_sense(raw, abi) and any(_makes_sense(raw, other) for other in others)


def _makes_sense(raw: bytes, abi: Abi) -> bool:
    extend = abi.param.from_buffer_copy(raw).extend_param
    cpus, mask = int(extend.enabled_cpus_num), int(extend.enabled_cpus_mask)
    return 1 <= cpus <= 8 and mask.bit_count() == cpus and 1 <= extend.n_batch <= 100
