"""The NPU hangs in the middle of an answer: in the image, with the simulator of its runtime."""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.image.qemu import Machine, running
from tests.processes.clients import ChatStream, ask
from tests.rkllm_sim import models
from tests.rkllm_sim.build import ARM64, build

pytestmark = pytest.mark.timeout(2400)
GUEST = Path(__file__).parents[1] / "guest"
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def machine(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with running(image, tmp_path_factory.mktemp("machine")) as made:
        bring = made.share / "npu"
        shutil.move(build("1.3.0", bring, ARM64), bring / "librkllmrt.so")
        models.write(bring / "Sim-0.1B-w8a8-npu3-rk3588.rkllm", fault="asked", reply_words=40)
        shutil.copy(GUEST / "npu.sh", made.share)
        made.boot()
        made.settle()
        made.ask("sh /run/share/npu.sh", PATIENCE_S)
        yield made


def get(machine: Machine, path: str) -> str:
    url = f"http://127.0.0.1:{machine.port}{path}"
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        return str(answer.read().decode())


def npu(machine: Machine) -> dict[str, Any]:
    """What the server tells of the NPU and of the watchdog."""
    return dict(json.loads(get(machine, "/npu")))


def busy(machine: Machine, percent: int) -> None:
    """What the driver tells of its cores."""
    cores = ", ".join(f"Core{core}: {percent:2}%" for core in range(3))
    machine.ask(f"echo 'NPU load:  {cores},' > /sys/kernel/debug/rknpu/load")


def answers(machine: Machine) -> bool:
    """Whether the model on the NPU says something; it may have to be loaded first."""
    return ask(machine.port, model="sim")[0] == 200


def process(machine: Machine) -> int:
    """The one that has the NPU."""
    found = machine.ask("grep -ls 'rkllm[.]host' /proc/[0-9]*/cmdline")
    return int(Path(found).parent.name)


def eventually(condition: Callable[[], bool]) -> None:
    """As slow as an emulated machine may be."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(1)


def test_a_model_on_the_npu_answers(machine: Machine) -> None:
    eventually(lambda: answers(machine))
    assert npu(machine)["npu_cores_usage_percent"] == [0.0, 0.0, 0.0]
    assert "/usr/local/lib/librkllmrt.so" in machine.ask(f"cat /proc/{process(machine)}/maps")


def test_a_hang_costs_one_answer_and_one_process(machine: Machine) -> None:
    before = process(machine)
    busy(machine, 100)
    stream = ChatStream(machine.port, 40, "fault:hang", model="sim")
    try:
        assert stream.wait_begun() == 200
        assert json.loads(stream.rest()[-1])["error"]["code"] == "unavailable"
    finally:
        stream.close()
    busy(machine, 0)
    eventually(lambda: answers(machine))
    assert process(machine) != before


def test_the_counters_say_so(machine: Machine) -> None:
    eventually(lambda: npu(machine)["watchdog"]["state"] == "well")
    told = npu(machine)["watchdog"]
    assert told["counts"] == {"npu_hung": 1, "abort": 1}
    assert [each["steps"] for each in told["incidents"]] == [["abort"]]
    metrics = get(machine, "/metrics")
    assert 'luna_watchdog_events_total{event="npu_hung"} 1.0' in metrics
    assert 'luna_engine_restarts_total{model="sim"} 1.0' in metrics
