"""The bodies that llama.cpp's clients send."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from appliance.http.dialects.openai.requests import ChatMessage, TemplateArguments, Tool
from appliance.http.options import Adapter, Count, Int32, Limit, Number, Options

Token = Annotated[int, Meta(ge=0, lt=2**31)]
Seed = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Bias = Annotated[list[Token | str | Number | bool], Meta(min_length=2, max_length=2)]
Biases = dict[str, Number | bool] | Annotated[list[Bias], Meta(max_length=4096)]


Adapters = Annotated[list[Adapter], Meta(max_length=64)]
"""POST /lora-adapters."""


class PromptObject(Struct, frozen=True):
    """A prompt with media, of which this device's engines read the text only."""

    prompt_string: str
    multimodal_data: list[str] = []


Sequence = list[Token | str]
Prompts = str | PromptObject | list[Token | str | PromptObject | Sequence]


class GenerationBody(Options, frozen=True, kw_only=True):
    """What completion and infill share; `n_predict` -1 means up to the end of the context."""

    model: str | None = None
    n_predict: Annotated[int, Meta(ge=-2, lt=2**31)] | None = None
    max_tokens: Limit | None = None
    stream: bool | None = None
    stop: Annotated[list[str], Meta(max_length=64)] | str | None = None
    temperature: Number | None = None
    top_k: Int32 | None = None
    top_p: Number | None = None
    min_p: Number | None = None
    repeat_penalty: Annotated[float, Meta(ge=0, le=1e6)] | None = None
    presence_penalty: Number | None = None
    frequency_penalty: Number | None = None
    seed: Seed | None = None
    ignore_eos: bool | None = None
    logit_bias: Biases | None = None
    n_probs: Annotated[int, Meta(ge=0, le=1000)] | None = None
    post_sampling_probs: bool | None = None
    return_tokens: bool | None = None
    return_progress: bool | None = None
    response_fields: Annotated[list[str], Meta(max_length=100)] | None = None


class CompletionBody(GenerationBody, frozen=True, kw_only=True):
    """POST /completion: a prompt is text, tokens, or both in one list; several make a list."""

    prompt: Prompts


class ExtraFile(Struct, frozen=True):
    """A file that the model should know of."""

    text: str
    filename: str = ""


class InfillBody(GenerationBody, frozen=True, kw_only=True):
    """POST /infill: what stands between prefix and suffix; `prompt` is where it begins."""

    input_prefix: str
    input_suffix: str
    prompt: str = ""
    input_extra: Annotated[list[ExtraFile], Meta(max_length=1000)] | None = None


class TokenizeBody(Struct, frozen=True, kw_only=True):
    """POST /tokenize: text, or text and tokens in one list."""

    content: str | list[Token | str]
    add_special: bool = False
    parse_special: bool = True
    with_pieces: bool = False
    model: str | None = None


class DetokenizeBody(Struct, frozen=True, kw_only=True):
    """POST /detokenize."""

    tokens: list[Token]
    model: str | None = None


class TemplateBody(Struct, frozen=True, kw_only=True):
    """POST /apply-template: what of a chat request the template sees."""

    messages: Annotated[list[ChatMessage], Meta(min_length=1)]
    tools: list[Tool | str] | None = None
    chat_template_kwargs: TemplateArguments | None = None
    model: str | None = None


class EmbeddingBody(Struct, frozen=True, kw_only=True):
    """POST /embedding: `content`, or `input` as OpenAI calls it."""

    content: Prompts | None = None
    input: Prompts | None = None
    model: str | None = None


class RerankBody(Struct, frozen=True, kw_only=True):
    """POST /rerank: documents, or `texts` for the answer in the shape of another server (TEI)."""

    query: str
    documents: Annotated[list[str], Meta(min_length=1, max_length=1000)] | None = None
    texts: Annotated[list[str], Meta(min_length=1, max_length=1000)] | None = None
    top_n: Count | None = None
    return_text: bool = False
    model: str | None = None


class SlotBody(Struct, frozen=True, kw_only=True):
    """POST /slots/{id}: the file to save to or restore from, in the slots folder."""

    filename: str | None = None
    model: str | None = None
