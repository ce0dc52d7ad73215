"""What is rkllm.h 1.2.1, 1.2.2 and 1.2.3's own: those three lay everything out alike."""

from __future__ import annotations

from ctypes import (
    POINTER,
    Structure,
    Union,
    c_bool,
    c_char_p,
    c_float,
    c_int,
    c_int32,
    c_size_t,
)

from appliance.engines.rkllm.abi import (
    INPUT_HEAD,
    Abi,
    RKLLMEmbedInput,
    RKLLMExtendParam,
    RKLLMLoraParam,
    RKLLMPromptCacheParam,
    RKLLMTokenInput,
)


class RKLLMParam(Structure):
    """208 bytes."""

    _fields_ = (
        ("model_path", c_char_p),
        ("max_context_len", c_int32),
        ("max_new_tokens", c_int32),
        ("top_k", c_int32),
        ("n_keep", c_int32),
        ("top_p", c_float),
        ("temperature", c_float),
        ("repeat_penalty", c_float),
        ("frequency_penalty", c_float),
        ("presence_penalty", c_float),
        ("mirostat", c_int32),
        ("mirostat_tau", c_float),
        ("mirostat_eta", c_float),
        ("skip_special_token", c_bool),
        ("is_async", c_bool),
        ("img_start", c_char_p),
        ("img_end", c_char_p),
        ("img_content", c_char_p),
        ("extend_param", RKLLMExtendParam),
    )


class RKLLMMultiModalInput(Structure):
    """48 bytes; spelt RKLLMMultiModelInput before 1.2.3."""

    _fields_ = (
        ("prompt", c_char_p),
        ("image_embed", POINTER(c_float)),
        ("n_image_tokens", c_size_t),
        ("n_image", c_size_t),
        ("image_width", c_size_t),
        ("image_height", c_size_t),
    )


class InputUnion(Union):
    """Which member holds is told by RKLLMInput.input_type."""

    _fields_ = (
        ("prompt_input", c_char_p),
        ("embed_input", RKLLMEmbedInput),
        ("token_input", RKLLMTokenInput),
        ("multimodal_input", RKLLMMultiModalInput),
    )


class RKLLMInput(Structure):
    """64 bytes; `role` is "user" or "tool"."""

    _anonymous_ = ("data",)
    _fields_ = (*INPUT_HEAD, ("data", InputUnion))


class RKLLMInferParam(Structure):
    """32 bytes."""

    _fields_ = (
        ("mode", c_int32),
        ("lora_params", POINTER(RKLLMLoraParam)),
        ("prompt_cache_params", POINTER(RKLLMPromptCacheParam)),
        ("keep_history", c_int),
    )


V12 = Abi(
    param=RKLLMParam,
    multimodal=RKLLMMultiModalInput,
    input=RKLLMInput,
    input_union=InputUnion,
    infer=RKLLMInferParam,
)
