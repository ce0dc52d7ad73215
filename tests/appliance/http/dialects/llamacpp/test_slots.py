from __future__ import annotations

from appliance.engines.extras import SlotState
from appliance.http.dialects.llamacpp.slots import slot_body


def test_a_slot_that_never_worked_has_no_settings() -> None:
    body = slot_body(SlotState(3, 2048, busy=False))
    assert (body["id"], body["n_ctx"], body["state"], body["is_processing"]) == (3, 2048, 0, False)
    assert "params" not in body
    assert "n_prompt_tokens" not in body


def test_a_slot_at_work_and_afterwards() -> None:
    busy = SlotState(0, 2048, busy=True, task=5, held=9, settings={"top_k": 40})
    body = slot_body(busy)
    assert (body["state"], body["params"], body["top_k"]) == (1, {"top_k": 40}, 40)
    assert (body["n_prompt_tokens"], body["prompt"]) == (9, "")
    assert slot_body(SlotState(0, 2048, busy=False, task=5))["n_prompt_tokens"] == 0
    assert "params" in slot_body(SlotState(0, 2048, busy=True))
