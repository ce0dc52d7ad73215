"""What rkllm.h 1.2.1 to 1.3.0 have in common: enums, callbacks, structs and the 15 functions.

The names are the vendor's. LP64 only: the library exists for 64-bit systems alike on AArch64.
"""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    Union,
    c_bool,
    c_char_p,
    c_float,
    c_int,
    c_int8,
    c_int32,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

LLMHandle = c_void_p


class LLMCallState(IntEnum):
    """What a result callback is told; WAITING: a character of several tokens is not whole yet."""

    NORMAL = 0
    WAITING = 1
    FINISH = 2
    ERROR = 3


class RKLLMInputType(IntEnum):
    """Which member of RKLLMInput's union holds."""

    PROMPT = 0
    TOKEN = 1
    EMBED = 2
    MULTIMODAL = 3


class RKLLMInferMode(IntEnum):
    """What a run is for."""

    GENERATE = 0
    GET_LAST_HIDDEN_LAYER = 1
    GET_LOGITS = 2


class CallbackReturn(IntEnum):
    """What a result callback answers; RELEASE frees the buffer it was given, from 1.3.0 on."""

    CONTINUE = 0
    PAUSE = 1
    RELEASE = 2


class RKLLMExtendParam(Structure):
    """120 bytes. `enabled_cpus_mask` has bit n for CPU n; `n_batch` 0 is refused."""

    _fields_ = (
        ("base_domain_id", c_int32),
        ("embed_flash", c_int8),
        ("enabled_cpus_num", c_int8),
        ("enabled_cpus_mask", c_uint32),
        ("n_batch", c_uint8),
        ("use_cross_attn", c_int8),
        ("reserved", c_uint8 * 104),
    )


class RKLLMLoraAdapter(Structure):
    """24 bytes."""

    _fields_ = (
        ("lora_adapter_path", c_char_p),
        ("lora_adapter_name", c_char_p),
        ("scale", c_float),
    )


class RKLLMEmbedInput(Structure):
    """16 bytes; `embed` is `n_tokens` rows of the model's width."""

    _fields_ = (("embed", POINTER(c_float)), ("n_tokens", c_size_t))


class RKLLMTokenInput(Structure):
    """16 bytes."""

    _fields_ = (("input_ids", POINTER(c_int32)), ("n_tokens", c_size_t))


class RKLLMLoraParam(Structure):
    """8 bytes."""

    _fields_ = (("lora_adapter_name", c_char_p),)


class RKLLMPromptCacheParam(Structure):
    """16 bytes."""

    _fields_ = (("save_prompt_cache", c_int), ("prompt_cache_path", c_char_p))


class RKLLMCrossAttnParam(Structure):
    """40 bytes."""

    _fields_ = (
        ("encoder_k_cache", POINTER(c_float)),
        ("encoder_v_cache", POINTER(c_float)),
        ("encoder_mask", POINTER(c_float)),
        ("encoder_pos", POINTER(c_int32)),
        ("num_tokens", c_int),
    )


class RKLLMResultLastHiddenLayer(Structure):
    """16 bytes; `num_tokens` rows of `embd_size` floats."""

    _fields_ = (("hidden_states", POINTER(c_float)), ("embd_size", c_int), ("num_tokens", c_int))


class RKLLMResultLogits(Structure):
    """16 bytes; `num_tokens` rows of `vocab_size` floats."""

    _fields_ = (("logits", POINTER(c_float)), ("vocab_size", c_int), ("num_tokens", c_int))


class RKLLMPerfStat(Structure):
    """20 bytes; milliseconds, tokens and MB (the process's peak), filled in at FINISH only."""

    _fields_ = (
        ("prefill_time_ms", c_float),
        ("prefill_tokens", c_int),
        ("generate_time_ms", c_float),
        ("generate_tokens", c_int),
        ("memory_usage_mb", c_float),
    )


class RKLLMResult(Structure):
    """72 bytes; `text` may be NULL."""

    _fields_ = (
        ("text", c_char_p),
        ("token_id", c_int32),
        ("last_hidden_layer", RKLLMResultLastHiddenLayer),
        ("logits", RKLLMResultLogits),
        ("perf", RKLLMPerfStat),
    )


LLMResultCallback = CFUNCTYPE(c_int, POINTER(RKLLMResult), c_void_p, c_int)
LLMTokenizerCallback = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int32, POINTER(c_int32), c_int32)
LLMGetEmbedCallback = CFUNCTYPE(c_int, c_void_p, POINTER(c_int32), c_uint64, c_void_p, c_uint64)

SHARED = (
    RKLLMExtendParam,
    RKLLMLoraAdapter,
    RKLLMEmbedInput,
    RKLLMTokenInput,
    RKLLMLoraParam,
    RKLLMPromptCacheParam,
    RKLLMCrossAttnParam,
    RKLLMResultLastHiddenLayer,
    RKLLMResultLogits,
    RKLLMPerfStat,
    RKLLMResult,
)

# What stands before the union in RKLLMInput, in every version here.
INPUT_HEAD = (("role", c_char_p), ("enable_thinking", c_bool), ("input_type", c_int32))

Signature = tuple[Any, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Abi:
    """One generation of the header: its own structs, and what its library can do.

    `callback` is the struct that rkllm_init wants instead of a bare function. `sampling` is the
    struct of one run; without it sampling and the limit of new tokens are those given at init.
    `releases`: a result callback may answer CallbackReturn.RELEASE.
    """

    param: type[Structure]
    multimodal: type[Structure]
    input: type[Structure]
    input_union: type[Union]
    infer: type[Structure]
    sampling: type[Structure] | None = None
    callback: type[Structure] | None = None
    releases: bool = False

    @property
    def structs(self) -> tuple[type[Structure], ...]:
        """Every struct of the header."""
        own = (self.param, self.multimodal, self.input, self.infer, self.sampling, self.callback)
        return SHARED + tuple(struct for struct in own if struct is not None)

    @property
    def functions(self) -> Mapping[str, Signature]:
        """Result and arguments of every function of the header."""
        handle, text = LLMHandle, c_char_p
        run = (handle, POINTER(self.input), POINTER(self.infer), c_void_p)
        callback = POINTER(self.callback) if self.callback else LLMResultCallback
        init = (POINTER(handle), POINTER(self.param), callback)
        clear = (handle, c_int, POINTER(c_int), POINTER(c_int))
        return {
            "rkllm_createDefaultParam": (self.param, ()),
            "rkllm_init": (c_int, init),
            "rkllm_load_lora": (c_int, (handle, POINTER(RKLLMLoraAdapter))),
            "rkllm_load_prompt_cache": (c_int, (handle, text)),
            "rkllm_release_prompt_cache": (c_int, (handle,)),
            "rkllm_destroy": (c_int, (handle,)),
            "rkllm_run": (c_int, run),
            "rkllm_run_async": (c_int, run),
            "rkllm_abort": (c_int, (handle,)),
            # Its answer changed its meaning between versions without a word: never call it.
            "rkllm_is_running": (c_int, (handle,)),
            "rkllm_clear_kv_cache": (c_int, clear),
            "rkllm_get_kv_cache_size": (c_int, (handle, POINTER(c_int))),
            "rkllm_set_chat_template": (c_int, (handle, text, text, text)),
            "rkllm_set_function_tools": (c_int, (handle, text, text, text)),
            "rkllm_set_cross_attn_params": (c_int, (handle, POINTER(RKLLMCrossAttnParam))),
        }
