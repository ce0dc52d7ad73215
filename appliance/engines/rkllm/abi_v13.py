"""What is rkllm.h 1.3.0's own: it moved nearly everything that a run is given."""

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
    c_void_p,
)

from appliance.engines.rkllm.abi import (
    INPUT_HEAD,
    Abi,
    LLMGetEmbedCallback,
    LLMResultCallback,
    LLMTokenizerCallback,
    RKLLMEmbedInput,
    RKLLMExtendParam,
    RKLLMLoraParam,
    RKLLMPromptCacheParam,
    RKLLMTokenInput,
)


class RKLLMParam(Structure):
    """184 bytes."""

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
        ("ignore_eos_token", c_bool),
        ("is_async", c_bool),
        ("extend_param", RKLLMExtendParam),
    )


class Image(Structure):
    """The part of RKLLMMultiModalInput for pictures; 64 bytes."""

    _fields_ = (
        ("image_embed", POINTER(c_float)),
        ("n_image_tokens", c_size_t),
        ("n_image", c_size_t),
        ("image_start", c_char_p),
        ("image_end", c_char_p),
        ("image_content", c_char_p),
        ("image_width", c_size_t),
        ("image_height", c_size_t),
    )


class Video(Structure):
    """The part of RKLLMMultiModalInput for films; 72 bytes."""

    _fields_ = (
        ("video_embed", POINTER(c_float)),
        ("n_frame_tokens", c_size_t),
        ("n_frame_per_video", c_size_t),
        ("n_video", c_size_t),
        ("video_start", c_char_p),
        ("video_end", c_char_p),
        ("video_content", c_char_p),
        ("frame_width", c_size_t),
        ("frame_height", c_size_t),
    )


class RKLLMMultiModalInput(Structure):
    """144 bytes."""

    _fields_ = (("prompt", c_char_p), ("image", Image), ("video", Video))


class InputUnion(Union):
    """Which member holds is told by RKLLMInput.input_type."""

    _fields_ = (
        ("prompt_input", c_char_p),
        ("embed_input", RKLLMEmbedInput),
        ("token_input", RKLLMTokenInput),
        ("multimodal_input", RKLLMMultiModalInput),
    )


class RKLLMInput(Structure):
    """160 bytes; `role` is "user" or "tool"."""

    _anonymous_ = ("data",)
    _fields_ = (*INPUT_HEAD, ("data", InputUnion))


class RKLLMSamplingParam(Structure):
    """36 bytes; the fields of the same names in RKLLMParam, for one run."""

    _fields_ = (
        ("top_k", c_int32),
        ("top_p", c_float),
        ("temperature", c_float),
        ("repeat_penalty", c_float),
        ("frequency_penalty", c_float),
        ("presence_penalty", c_float),
        ("mirostat", c_int32),
        ("mirostat_tau", c_float),
        ("mirostat_eta", c_float),
    )


class RKLLMInferParam(Structure):
    """40 bytes; `max_new_tokens` up to 0 means the value given at init."""

    _fields_ = (
        ("mode", c_int32),
        ("lora_params", POINTER(RKLLMLoraParam)),
        ("prompt_cache_params", POINTER(RKLLMPromptCacheParam)),
        ("sampling_params", POINTER(RKLLMSamplingParam)),
        ("keep_history", c_int),
        ("max_new_tokens", c_int32),
    )


class RKLLMCallback(Structure):
    """48 bytes; the tokenizer and embedding callbacks are for models that lack these parts."""

    _fields_ = (
        ("result_callback", LLMResultCallback),
        ("result_userdata", c_void_p),
        ("tokenizer_callback", LLMTokenizerCallback),
        ("tokenizer_userdata", c_void_p),
        ("embed_callback", LLMGetEmbedCallback),
        ("embed_userdata", c_void_p),
    )


V13 = Abi(
    param=RKLLMParam,
    multimodal=RKLLMMultiModalInput,
    input=RKLLMInput,
    input_union=InputUnion,
    infer=RKLLMInferParam,
    sampling=RKLLMSamplingParam,
    callback=RKLLMCallback,
    releases=True,
)
