"""What schemathesis sends is made short: a test of forms need not wait for long answers."""

from __future__ import annotations

from typing import Any

import schemathesis

MOST_TOKENS = 3
MOST_CHOICES = 2


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]
) -> None:
    """Shorten what is about to be sent, whichever phase has made it."""
    if case.path == "/api/v1/generate":
        case.body = shorter_answer(case.body)
    else:
        case.body = shorter(case.body)
    if case.path.startswith("/api/v1/debug/"):
        # An address with a zero in it is no address: that is refused in the server's own shape.
        case.query = {name: without_zeros(value) for name, value in case.query.items()}
    if case.path in ("/api/chat", "/api/generate"):
        case.body = shorter_lines(case.body)
    if case.path == "/v1/responses":
        case.body = shorter_response(case.body)


def shorter_response(body: Any) -> Any:
    """The body of a request for a response, asking for few tokens."""
    if not isinstance(body, dict):
        return body
    asked = body.get("max_output_tokens")
    right = asked is None or (is_number(asked) and asked >= MOST_TOKENS)
    return body | {"max_output_tokens": MOST_TOKENS} if right else body


def shorter_answer(body: Any) -> Any:
    """The body of a request to Browser LLM's API, asking for few tokens."""
    if not isinstance(body, dict):
        return body
    asked = body.get("max_tokens")
    right = asked is None or (is_number(asked) and MOST_TOKENS <= asked <= 4096)
    return body | {"max_tokens": MOST_TOKENS} if right else body


def without_zeros(value: Any) -> Any:
    """A parameter, or several of one name, without characters that no address may have."""
    if isinstance(value, list):
        return [without_zeros(each) for each in value]
    return value.replace("\0", "") if isinstance(value, str) else value


def shorter_lines(body: Any) -> Any:
    """The body of a request to Ollama's API, asking for few tokens."""
    if not isinstance(body, dict) or not isinstance(body.get("options") or {}, dict):
        return body
    options = dict(body.get("options") or {})
    if is_number(options.get("num_predict", 0)):
        options["num_predict"] = MOST_TOKENS
    return body | {"options": options}


def shorter(body: Any) -> Any:
    """The body asking for few tokens and few choices; what is wrong with it stays wrong."""
    if not isinstance(body, dict):
        return body
    short = dict(body)
    for name in ("max_tokens", "max_completion_tokens", "n_predict"):
        least = -2 if name == "n_predict" else -1
        if is_number(short.get(name)) and short[name] >= least:
            short[name] = MOST_TOKENS
    generates = {"messages", "prompt", "input_prefix"} & short.keys()
    if generates and short.get("max_tokens") is None and short.get("n_predict") is None:
        short["max_tokens"] = MOST_TOKENS
    if is_number(short.get("n")) and MOST_CHOICES < short["n"] <= 16:
        short["n"] = MOST_CHOICES
    return short


def is_number(value: Any) -> bool:
    """Whether it is a whole number and no truth value."""
    return isinstance(value, int) and not isinstance(value, bool)
