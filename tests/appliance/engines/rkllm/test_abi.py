"""Our ctypes structs beside C++: every size, offset and signature, in both generations."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.engines.rkllm.abi import Abi, CallbackReturn, LLMCallState, RKLLMInferMode
from appliance.engines.rkllm.abi_v12 import V12
from appliance.engines.rkllm.abi_v13 import V13
from tests.rkllm_sim.build import COMPILER, SOURCES

ABIS = {12: V12, 13: V13}
SIZES = {  # of the vendor's headers, in bytes
    "RKLLMExtendParam": (120, 120),
    "RKLLMLoraAdapter": (24, 24),
    "RKLLMEmbedInput": (16, 16),
    "RKLLMTokenInput": (16, 16),
    "RKLLMLoraParam": (8, 8),
    "RKLLMPromptCacheParam": (16, 16),
    "RKLLMCrossAttnParam": (40, 40),
    "RKLLMResultLastHiddenLayer": (16, 16),
    "RKLLMResultLogits": (16, 16),
    "RKLLMPerfStat": (20, 20),
    "RKLLMResult": (72, 72),
    "RKLLMParam": (208, 184),
    "RKLLMMultiModalInput": (48, 144),
    "RKLLMInput": (64, 160),
    "RKLLMInferParam": (32, 40),
    "RKLLMSamplingParam": (None, 36),
    "RKLLMCallback": (None, 48),
}
CPP = {
    ctypes.c_int: "int",
    ctypes.c_char_p: "const char*",
    ctypes.c_void_p: "void*",
    ctypes.POINTER(ctypes.c_int): "int*",
    ctypes.POINTER(ctypes.c_void_p): "void**",
}


def flat(kind: Any, abi: Abi, offset: int = 0, path: str = "") -> Iterator[tuple[str, int, int]]:
    """Path, offset and size of each field; what the header has no name for is looked into."""
    for name, field, *_ in kind._fields_:
        at = offset + getattr(kind, name).offset
        nested = isinstance(field, type) and issubclass(field, ctypes.Structure | ctypes.Union)
        if not nested or field in abi.structs:
            yield path + name, at, ctypes.sizeof(field)
        elif name in getattr(kind, "_anonymous_", ()):
            yield from flat(field, abi, at, path)
        else:
            yield from flat(field, abi, at, f"{path}{name}.")


def layout(abi: Abi) -> dict[str, tuple[int, int]]:
    """Offset and size of everything, by its name in C++."""
    found = {struct.__name__: (0, ctypes.sizeof(struct)) for struct in abi.structs}
    for struct in abi.structs:
        for path, at, size in flat(struct, abi):
            found[f"{struct.__name__}.{path}"] = (at, size)
    return found


def spelt(kind: Any, abi: Abi) -> str:
    """A type of our signatures as C++ writes it."""
    if kind in CPP:
        return CPP[kind]
    if kind in abi.structs:
        return str(kind.__name__)
    if issubclass(kind, ctypes._Pointer):
        return f"{kind._type_.__name__}*"
    return "LLMResultCallback"


def source(abi: Abi) -> str:
    """A program that prints the layout, and compiles only where the signatures agree."""
    lines = ['#include "rkllm_sim.h"', "#include <cstdio>", "#include <type_traits>"]
    for name, (result, arguments) in abi.functions.items():
        wanted = f"{spelt(result, abi)}({', '.join(spelt(each, abi) for each in arguments)})"
        lines.append(f'static_assert(std::is_same_v<decltype({name}), {wanted}>, "{name}");')
    lines.append("int main() {")
    for name in layout(abi):
        struct, _, path = name.partition(".")
        at = f"offsetof({struct}, {path})" if path else "size_t(0)"
        size = f"sizeof({struct}::{path})" if path and "." not in path else f"sizeof({struct})"
        if "." in path:
            size = f"sizeof((({struct}*)nullptr)->{path})"
        lines.append(f'printf("{name} %zu %zu\\n", {at}, {size});')
    return "\n".join([*lines, "}"])


@pytest.mark.needs("g++")
@pytest.mark.parametrize("number", sorted(ABIS))
def test_layout_and_signatures_are_those_of_cpp(number: int, tmp_path: Path) -> None:
    abi = ABIS[number]
    program = tmp_path / "layout.cpp"
    program.write_text(source(abi), "utf-8")
    options = [f"-I{SOURCES}", f"-DRKLLM_SIM_ABI={number}", "-o", str(tmp_path / "layout")]
    subprocess.run([*COMPILER, *options, str(program)], check=True)
    printed = subprocess.run([str(tmp_path / "layout")], capture_output=True, text=True, check=True)
    theirs = {
        name: (int(at), int(size)) for name, at, size in map(str.split, printed.stdout.splitlines())
    }
    assert theirs == layout(abi)
    assert len(theirs) > 80


@pytest.mark.parametrize("generation", [0, 1])
def test_sizes_are_those_of_the_vendors_headers(generation: int) -> None:
    abi = (V12, V13)[generation]
    ours = {struct.__name__: ctypes.sizeof(struct) for struct in abi.structs}
    assert ours == {name: sizes[generation] for name, sizes in SIZES.items() if sizes[generation]}


def test_offsets_that_moved_in_1_3_0() -> None:
    old, new = layout(V12), layout(V13)
    moved = {"is_async": (57, 58), "extend_param": (88, 60)}
    for name, offsets in moved.items():
        assert (old[f"RKLLMParam.{name}"][0], new[f"RKLLMParam.{name}"][0]) == offsets
    assert new["RKLLMParam.ignore_eos_token"] == (57, 1)
    assert new["RKLLMInferParam.max_new_tokens"] == (36, 4)
    assert new["RKLLMMultiModalInput.video.video_embed"] == (72, 8)
    assert old["RKLLMInput.prompt_input"][0] == new["RKLLMInput.prompt_input"][0] == 16


@pytest.mark.parametrize("abi", ABIS.values())
def test_top_k_is_an_integer(abi: Abi) -> None:
    # Bindings in the wild have it as a float: 40 then arrives as a thousand million.
    fields = {name: kind for name, kind, *_ in abi.param._fields_}
    assert fields["top_k"] is ctypes.c_int32


@pytest.mark.parametrize("abi", ABIS.values())
def test_there_are_15_functions(abi: Abi) -> None:
    assert len(abi.functions) == 15


def test_numbers_of_the_header() -> None:
    assert [state.name for state in sorted(LLMCallState)] == [
        "NORMAL",
        "WAITING",
        "FINISH",
        "ERROR",
    ]
    assert [mode.name for mode in sorted(RKLLMInferMode)] == [
        "GENERATE",
        "GET_LAST_HIDDEN_LAYER",
        "GET_LOGITS",
    ]
    assert (CallbackReturn.PAUSE, CallbackReturn.RELEASE) == (1, 2)
