from __future__ import annotations

from pathlib import Path

from appliance.domain.cancel import CancelToken
from appliance.engines.scripted import Scripted, always
from appliance.observe.metrics_device import ModelLoad
from appliance.serving.loads import model_loads
from appliance.serving.pool import Pool
from appliance.settings import ModelSettings
from tests.appliance.serving.library import Library


def test_models_in_memory_are_told_with_their_queues(tmp_path: Path) -> None:
    library = Library(tmp_path)
    library.put("a")
    pool = Pool(library.registry, lambda entry: Scripted(always(b"x")), ModelSettings(), 8)
    assert model_loads(pool) == ()
    with pool.use(library["a"]) as loaded, loaded.scheduler.slot("me", CancelToken()):
        (load,) = model_loads(pool)
    assert load == ModelLoad("a", True, slots=2, running=1, waiting=0, restarts=0, context=0)
    pool.close()
