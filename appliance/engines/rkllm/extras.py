"""What the NPU's engine can do beyond `engines.base.Engine`; all else is refused with a reason."""

from __future__ import annotations

from collections.abc import Callable

from appliance.domain.cancel import CancelToken
from appliance.domain.requests import ChatRequest
from appliance.engines.extras import Extras, Properties, SlotState
from appliance.engines.rkllm.model import NpuModel
from appliance.errors import Unsupported


class NpuExtras(Extras):
    """Knows what stands beside the model's file; `running` tells whether the NPU has a run."""

    def __init__(self, model: NpuModel, running: Callable[[], bool]) -> None:
        self._model = model
        self._running = running

    def apply_template(self, request: ChatRequest, cancel: CancelToken) -> str:
        """The prompt that the template beside the model makes of a conversation."""
        return self._model.speech.prompt(request)

    def properties(self) -> Properties:
        """The runtime, and what the model's files say."""
        build = f"rkllm {self._model.version.text}"
        try:
            speech = self._model.speech
            return Properties(
                chat_template=speech.template.source,
                bos_token=speech.spelling(speech.tokenizer.bos_id),
                eos_token=speech.spelling(speech.tokenizer.eos_id),
                build=build,
            )
        except Unsupported:
            return Properties(build=build)

    def slot_states(self) -> tuple[SlotState, ...]:
        """The only one; the runtime does not tell how far it is."""
        return (SlotState(id=0, context=self._model.context, busy=self._running()),)
