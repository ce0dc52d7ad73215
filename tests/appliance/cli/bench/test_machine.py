from __future__ import annotations

from dataclasses import asdict

from appliance import __version__
from appliance.cli.bench.machine import describe


def test_the_machine_is_described() -> None:
    machine = describe()
    assert machine.cores >= 1
    assert machine.memory_bytes > 0
    assert machine.luna == __version__
    assert all(asdict(machine)[name] for name in ("cpu", "architecture", "system", "python"))
