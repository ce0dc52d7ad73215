"""The bodies that llama.cpp's clients read, of this year and of 2024."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from appliance.domain.events import Timings


class TimingsBody(Struct, frozen=True):
    """Tokens, milliseconds and speeds of reading the prompt and of generating."""

    cache_n: int = 0
    prompt_n: int = 0
    prompt_ms: float = 0.0
    prompt_per_token_ms: float = 0.0
    prompt_per_second: float = 0.0
    predicted_n: int = 0
    predicted_ms: float = 0.0
    predicted_per_token_ms: float = 0.0
    predicted_per_second: float = 0.0


class OldProbability(Struct, frozen=True):
    """A token and its probability, as the server of 2024 told it."""

    tok_str: str
    prob: float


class ProbabilityBody(Struct, frozen=True):
    """A token: with its logarithm, or its probability after sampling; `probs` is the old form."""

    id: int
    token: str
    bytes: list[int]
    logprob: float | UnsetType = UNSET
    prob: float | UnsetType = UNSET
    top_logprobs: list[ProbabilityBody] | UnsetType = UNSET
    top_probs: list[ProbabilityBody] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    probs: list[OldProbability] | UnsetType = UNSET


class ProgressBody(Struct, frozen=True):
    """How far the prompt has been read, in tokens and milliseconds."""

    total: int
    cache: int
    processed: int
    time_ms: int


class CompletionAnswer(Struct, frozen=True):
    """A whole completion; with `response_fields` only those. `stopped_*` are for old clients."""

    index: int = 0
    content: str = ""
    tokens: list[int] = []
    id_slot: int = -1
    stop: bool = True
    model: str = ""
    tokens_predicted: int = 0
    tokens_evaluated: int = 0
    generation_settings: dict[str, Any] = {}
    prompt: str = ""
    has_new_line: bool = False
    truncated: bool = False
    stop_type: str = "none"
    stopping_word: str = ""
    tokens_cached: int = 0
    timings: TimingsBody = TimingsBody()
    completion_probabilities: list[ProbabilityBody] | UnsetType = UNSET
    stopped_eos: bool = False
    stopped_word: bool = False
    stopped_limit: bool = False


class CompletionChunk(Struct, frozen=True):
    """A piece of a completion; the last event of a stream is a `CompletionAnswer`."""

    index: int
    content: str
    tokens: list[int]
    model: str
    tokens_predicted: int
    tokens_evaluated: int = 0
    stop: bool = False
    id_slot: int = -1
    completion_probabilities: list[ProbabilityBody] | UnsetType = UNSET
    prompt_progress: ProgressBody | UnsetType = UNSET


class PieceBody(Struct, frozen=True):
    """A token and its text, or its bytes where they are no whole characters."""

    id: int
    piece: str | list[int]


class Tokens(Struct, frozen=True):
    """Token ids, or with `with_pieces` what each of them stands for."""

    tokens: list[int | PieceBody]


class Detokenized(Struct, frozen=True):
    """The text of tokens."""

    content: str


class Rendered(Struct, frozen=True):
    """What the chat template makes of a conversation."""

    prompt: str


class PooledVector(Struct, frozen=True):
    """One input's vector, in a list of one because the vectors of its tokens are pooled."""

    index: int
    embedding: list[list[float]]


class Modalities(Struct, frozen=True):
    """What a model understands besides text."""

    vision: bool = False
    video: bool = False
    audio: bool = False


class Props(Struct, frozen=True):
    """The server and its model; settings are under `params`, and beside it for old clients."""

    default_generation_settings: dict[str, Any]
    total_slots: int
    model_alias: str
    model_path: str
    model_ftype: str
    chat_template: str
    chat_template_caps: dict[str, Any]
    bos_token: str
    eos_token: str
    build_info: str
    modalities: Modalities = Modalities()
    is_sleeping: bool = False
    endpoint_slots: bool = True
    endpoint_props: bool = False
    endpoint_metrics: bool = True
    user_name: str = ""
    assistant_name: str = ""


class SlotTimings(Struct, frozen=True, omit_defaults=True):
    """Milliseconds that it took."""

    save_ms: float = -1.0
    restore_ms: float = -1.0


class SlotSaved(Struct, frozen=True):
    """Tokens and bytes that were written."""

    id_slot: int
    filename: str
    n_saved: int
    n_written: int
    timings: SlotTimings


class SlotRestored(Struct, frozen=True):
    """Tokens and bytes that were read."""

    id_slot: int
    filename: str
    n_restored: int
    n_read: int
    timings: SlotTimings


class SlotErased(Struct, frozen=True):
    """Tokens that were forgotten."""

    id_slot: int
    n_erased: int


class Ranked(Struct, frozen=True):
    """A document and how well it answers the query."""

    index: int
    relevance_score: float


class RankUsage(Struct, frozen=True):
    """Token counts."""

    prompt_tokens: int
    total_tokens: int


class Reranked(Struct, frozen=True):
    """The best documents first."""

    model: str
    results: list[Ranked]
    usage: RankUsage
    object: str = "list"


class Done(Struct, frozen=True):
    """It was done."""

    success: bool = True


def timings_body(timings: Timings | None, cached: int) -> TimingsBody:
    """The speeds of a run; all zero where the engine did not measure."""
    if timings is None:
        return TimingsBody(cache_n=cached)
    return TimingsBody(
        cache_n=cached,
        prompt_n=timings.prompt_tokens,
        prompt_ms=timings.prompt_ms,
        prompt_per_token_ms=timings.prompt_ms / max(1, timings.prompt_tokens),
        prompt_per_second=timings.prompt_per_second,
        predicted_n=timings.generated_tokens,
        predicted_ms=timings.generated_ms,
        predicted_per_token_ms=timings.generated_ms / max(1, timings.generated_tokens),
        predicted_per_second=timings.generated_per_second,
    )
