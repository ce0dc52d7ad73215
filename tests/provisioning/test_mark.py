from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from provisioning.machine import begin
from provisioning.mark import Mark
from provisioning.service import Service
from provisioning.situation import Limits, Model, State


@dataclass
class Stand:
    """As much of the service as the mark uses."""

    model: Model = field(default_factory=lambda: begin(0.0, Limits()))
    listeners: list[Callable[[], None]] = field(default_factory=list)

    def on_change(self, listener: Callable[[], None]) -> None:
        self.listeners.append(listener)

    def become(self, state: State) -> None:
        self.model = replace(self.model, state=state)
        for listener in self.listeners:
            listener()


def follow(file: Path) -> Stand:
    service = Stand()
    Mark(file).follow(cast(Service, service))
    return service


def test_it_is_there_while_the_box_waits_to_be_set_up(tmp_path: Path) -> None:
    file = tmp_path / "setup"
    service = follow(file)
    there = set()
    for state in (*State, *reversed(State)):
        service.become(state)
        if file.exists():
            there.add(state)
    assert there == {State.HOTSPOT}


def test_what_a_process_before_has_left_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "setup"
    file.touch()
    follow(file)
    assert not file.exists()


def test_a_folder_that_is_not_there_is_no_reason_to_stop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    follow(tmp_path / "none" / "setup").become(State.HOTSPOT)
    assert "apps are not told" in caplog.text
