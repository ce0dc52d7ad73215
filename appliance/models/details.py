"""What clients want to know of a model before it is loaded, read from the metadata of its file."""

from __future__ import annotations

import re
from dataclasses import dataclass

from appliance.models import gguf
from appliance.models.folder import Entry
from appliance.models.rkllm_names import parse_name

# `general.file_type` of a GGUF file: enum llama_ftype of llama.h.
_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K",
    11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
    17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
    23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M",
    30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE",
    39: "NVFP4", 40: "Q1_0",
}  # fmt: skip
_FIM_KEYS = ("tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id")
_TOOLS = re.compile(r"\btools\b")
_THOUGHTS = re.compile(r"enable_thinking|</?think>|reasoning_content")


@dataclass(frozen=True, slots=True)
class Details:
    """A model's weights, and what it was made for.

    `tools` and `thinks` are what its chat template knows of; `fills_in` is whether it has tokens
    for filling in between two texts; `embeds` whether it gives vectors and no text.
    """

    quantization: str
    template: str
    tools: bool
    thinks: bool
    fills_in: bool
    embeds: bool


def details(entry: Entry) -> Details:
    """The details of a model; raises nothing, what is not known is left empty."""
    metadata = entry.metadata
    template = _template(entry)
    marks = metadata.get("tokenizer.ggml.tokens", ())
    return Details(
        quantization=_quantization(entry),
        template=template,
        tools=_TOOLS.search(template) is not None,
        thinks=_THOUGHTS.search(template) is not None,
        fills_in=any(key in metadata for key in _FIM_KEYS) or not gguf.FIM_MARKS.isdisjoint(marks),
        embeds=f"{entry.architecture}.pooling_type" in metadata,
    )


def _quantization(entry: Entry) -> str:
    """As the header tells it; files of the NPU have it in a name, if anywhere."""
    if entry.for_npu:
        names = (entry.path.name, entry.id)
        found = [parse_name(name).quantisation for name in names]
        return next(filter(None, found), "unknown")
    return _FILE_TYPES.get(entry.metadata.get("general.file_type", -1), "unknown")


def _template(entry: Entry) -> str:
    """The Jinja template of the manifest, else of the file."""
    if entry.manifest.template is not None:
        try:
            return (entry.path.parent / entry.manifest.template).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return ""  # loading the model will tell
    return str(entry.metadata.get("tokenizer.chat_template", ""))
