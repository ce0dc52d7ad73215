"""What the watchdog sees at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.system.board import Temperature
from appliance.system.rknpu_log import NpuEvent


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One loaded model, as the server tells of it.

    `silent_s` is how long its requests have waited for a sign of life, None while it has none;
    `allowance_s` is what reading their prompts may take, 0 once the answer has begun.
    """

    model: str
    on_npu: bool = False
    pid: int | None = None
    state: str = "loaded"
    running: int = 0
    tokens: int = 0
    silent_s: float | None = None
    allowance_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Readings:
    """Everything, at `at` seconds since boot; None stands for what cannot be read.

    `engines` None: the server did not answer. `npu_load` is percent by core. `interrupts` are the
    NPU's since boot. `kernel` is what its driver said since the readings before. `canary` tells how
    the last small inference ended, once.
    """

    at: float
    engines: tuple[Heartbeat, ...] | None = ()
    npu_load: tuple[float, ...] | None = None
    interrupts: int | None = None
    kernel: tuple[NpuEvent, ...] = ()
    temperatures: tuple[Temperature, ...] = field(default=())
    memory_pressure: float | None = None
    can_reset: bool = True
    canary: bool | None = None
