"""llama.cpp's bodies as requests of the domain."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from appliance.domain.requests import CompletionRequest, Generation, Prompt
from appliance.domain.sampling import RANDOM_SEED, Sampling
from appliance.errors import BadRequest, Unsupported
from appliance.http.dialects.llamacpp.requests import (
    CompletionBody,
    GenerationBody,
    InfillBody,
    PromptObject,
    Prompts,
)
from appliance.http.options import options_of

_MOST_PROMPTS = 64
Tokenize = Callable[[str], tuple[int, ...]]
Part = int | str | PromptObject


def completions(body: CompletionBody, tokenize: Tokenize) -> tuple[CompletionRequest, ...]:
    """A request for each prompt; `tokenize` reads the texts among tokens."""
    found = prompts(body.prompt, "prompt", tokenize)
    if len(found) > _MOST_PROMPTS:
        raise BadRequest(f"At most {_MOST_PROMPTS} prompts can be sent at once.", param="prompt")
    generation = _generation(body)
    return tuple(CompletionRequest(generation, prompt) for prompt in found)


def infill(body: InfillBody) -> CompletionRequest:
    """A request for what stands between two texts."""
    extra = [{"text": file.text, "filename": file.filename} for file in body.input_extra or ()]
    generation = _generation(body, prompt=body.prompt, input_extra=extra)
    return CompletionRequest(generation, body.input_prefix, body.input_suffix)


def prompts(value: Prompts, name: str, tokenize: Tokenize) -> tuple[Prompt, ...]:
    """The prompts of a field: a list with a number in it is one prompt, any other one several."""
    if isinstance(value, str | PromptObject):
        return (_text(value, name),)
    if not value:
        raise BadRequest(f"'{name}' must not be empty.", param=name)
    if any(isinstance(part, int) for part in value):
        if any(isinstance(part, list | PromptObject) for part in value):
            raise BadRequest(
                f"'{name}' has single tokens beside whole prompts: put each prompt's tokens in a "
                "list of their own.",
                param=name,
            )
        return (_joined([part for part in value if isinstance(part, int | str)], tokenize),)
    return tuple(_each(value, name, tokenize))


def _each(
    value: list[int | str | PromptObject | list[int | str]], name: str, tokenize: Tokenize
) -> Iterator[Prompt]:
    for part in value:
        if isinstance(part, list):
            if not part:
                raise BadRequest(f"A prompt in '{name}' must not be empty.", param=name)
            yield _joined(part, tokenize)
        elif not isinstance(part, int):
            yield _text(part, name)


def _joined(parts: list[int | str], tokenize: Tokenize) -> tuple[int, ...]:
    """One prompt of tokens, with those of the texts in between."""
    found: list[int] = []
    for part in parts:
        found += (part,) if isinstance(part, int) else tokenize(part)
    return tuple(found)


def _text(prompt: str | PromptObject, name: str) -> str:
    if isinstance(prompt, str):
        return prompt
    if prompt.multimodal_data:
        raise Unsupported(f"'{name}' has media, but this model reads text only.", param=name)
    return prompt.prompt_string


def _generation(body: GenerationBody, **more: object) -> Generation:
    options = options_of(body) | more
    if body.logit_bias is not None:
        options["logit_bias"] = body.logit_bias
    if body.post_sampling_probs is not None:
        options["post_sampling_probs"] = body.post_sampling_probs
    limit = body.max_tokens if body.n_predict is None else body.n_predict
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    return Generation(
        model=body.model or "",
        max_tokens=None if limit is not None and limit < 0 else limit,
        stop=tuple(text for text in stop if text),
        sampling=Sampling(
            temperature=body.temperature,
            top_p=body.top_p,
            top_k=body.top_k,
            min_p=body.min_p,
            repeat_penalty=body.repeat_penalty,
            frequency_penalty=body.frequency_penalty,
            presence_penalty=body.presence_penalty,
            seed=None if body.seed in (None, -1, RANDOM_SEED) else body.seed % RANDOM_SEED,
            ignore_eos=bool(body.ignore_eos),
        ),
        logprobs=body.n_probs or None,
        options=options,
    )
