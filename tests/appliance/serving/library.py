"""A models folder with tiny models, and the registry that reads it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from appliance.models.folder import Entry
from appliance.models.registry import Registry
from appliance.settings import ModelSettings
from tests.helpers.server import tiny_model


@dataclass
class Clock:
    """Time that passes only when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Library:
    """Models by name; the registry notices changes when `clock` has moved on by some seconds."""

    folder: Path
    settings: ModelSettings = field(default_factory=ModelSettings)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.registry = Registry(self.folder, self.settings, clock=self.clock)

    def put(self, *names: str, changed: int = 100) -> None:
        for name in names:
            path = self.folder / f"{name}.gguf"
            shutil.copyfile(tiny_model(), path)
            os.utime(path, (changed, changed))
        self.clock.now += 5

    def remove(self, name: str) -> None:
        (self.folder / f"{name}.gguf").unlink()
        self.clock.now += 5

    def __getitem__(self, name: str) -> Entry:
        return self.by_id[name]

    @property
    def by_id(self) -> Mapping[str, Entry]:
        return {entry.id: entry for entry in self.registry.entries()}
