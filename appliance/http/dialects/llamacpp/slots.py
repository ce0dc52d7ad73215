"""Slots as llama.cpp tells them: for /slots, and for /health with `include_slots`."""

from __future__ import annotations

from typing import Any

from appliance.engines.extras import SlotState, extras_of
from appliance.errors import EngineError, Retryable, Unsupported
from appliance.serving.pool import Loaded


def states(loaded: Loaded) -> tuple[SlotState, ...]:
    """The slots of a model; of an engine that shows none, as many are busy as requests run."""
    try:
        return extras_of(loaded.engine).slot_states()
    except (Unsupported, EngineError, Retryable):  # it may just be restarting
        load, context = loaded.scheduler.load(), loaded.engine.context
        return tuple(SlotState(id, context, busy=id < load.running) for id in range(load.slots))


def slot_body(state: SlotState) -> dict[str, Any]:
    """One slot, with its settings under `params`, and beside the rest for clients of 2024.

    `prompt` is empty, whatever was said: others on the network need not know. Of a slot that never
    worked nothing is told but that it is there.
    """
    next_token = {
        "has_next_token": state.busy,
        "n_remain": state.remaining,
        "n_decoded": state.generated,
    }
    told = {
        **state.settings,
        "id": state.id,
        "id_task": state.task,
        "n_ctx": state.context,
        "speculative": False,
        "is_processing": state.busy,
        "state": int(state.busy),
        "prompt": "",
        "next_token": [next_token],
    }
    if state.task < 0 and not state.busy:
        return told
    return told | {
        "n_prompt_tokens": state.held,
        "n_prompt_tokens_processed": state.computed,
        "n_prompt_tokens_cache": state.cached,
        "params": dict(state.settings),
    }
