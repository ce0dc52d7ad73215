"""How busy each model in memory is, for those who watch the device."""

from __future__ import annotations

from appliance.observe.metrics_device import ModelLoad
from appliance.serving.pool import Loaded, Pool


def model_loads(pool: Pool) -> tuple[ModelLoad, ...]:
    """Every model in memory or on its way there."""
    return tuple(_load(loaded) for loaded in pool.loaded())


def _load(loaded: Loaded) -> ModelLoad:
    load, engine = loaded.scheduler.load(), loaded.engine
    return ModelLoad(
        model=loaded.entry.id,
        loaded=engine.state == "loaded",
        slots=load.slots,
        running=load.running,
        waiting=load.waiting,
        restarts=engine.restarts,
        context=engine.context,
    )
