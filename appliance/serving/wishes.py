"""How models that were started by hand are to be loaded."""

from __future__ import annotations

from dataclasses import replace

from appliance.domain.inference import Options
from appliance.engines.base import ModelSpec

_PLAIN = Options()


class Wishes:
    """The options of each model, by its id; for any thread."""

    def __init__(self) -> None:
        self._options: dict[str, Options] = {}

    def of(self, id: str) -> Options:
        """The options of a model; the plain ones of one that was not started by hand."""
        return self._options.get(id, _PLAIN)

    def set(self, id: str, options: Options) -> None:
        """Have a model loaded with these from the next time on."""
        self._options[id] = options

    def drop(self, id: str) -> None:
        """Have a model loaded as it is configured."""
        self._options.pop(id, None)

    def applied(self, spec: ModelSpec) -> ModelSpec:
        """What an engine is told, changed by what was wished for."""
        wished = self.of(spec.id)
        return replace(
            spec,
            context=wished.context or spec.context,
            gpu_layers=wished.gpu_layers,
            chat_template=wished.template or spec.chat_template,
        )
