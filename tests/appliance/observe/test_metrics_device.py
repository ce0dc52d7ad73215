from __future__ import annotations

from dataclasses import replace

from appliance.errors import ReadingUnavailable
from appliance.observe.metrics import page_of
from appliance.observe.metrics_device import DeviceMetrics, DeviceReadings, ModelLoad
from appliance.system.board import Temperature
from appliance.system.disk import Disk
from appliance.system.memory import Memory
from appliance.system.npu import NpuReading

READINGS = DeviceReadings(
    models=lambda: [ModelLoad("a", True, 4, 3, 2, 1, 100), ModelLoad("b", False, 2, 0, 0, 0, 100)],
    connections=lambda: 7,
    held_tokens=lambda: 40,
    cpu_percent=lambda: 25.0,
    memory=lambda: Memory(1000, 400),
    disk=lambda: Disk(5000, 50),
    npu=lambda: NpuReading((50.0, 0.0, 100.0), 50.0, "0.9.8", 1_000_000_000),
    temperatures=lambda: [Temperature("npu", 50.5), Temperature("soc", 40), Temperature("npu", 60)],
)


def lines(readings: DeviceReadings) -> set[str]:
    return set(page_of(DeviceMetrics(readings))().decode().splitlines())


def missing() -> NpuReading:
    raise ReadingUnavailable("There is none.")


def test_models() -> None:
    assert lines(READINGS) >= {
        'luna_model_loaded{model="a"} 1.0',
        'luna_model_loaded{model="b"} 0.0',
        'luna_model_slots{model="a"} 4.0',
        'luna_model_requests_running{model="a"} 3.0',
        'luna_model_requests_waiting{model="a"} 2.0',
        'luna_engine_restarts_total{model="a"} 1.0',
        "llamacpp:requests_processing 3.0",
        "llamacpp:requests_deferred 2.0",
        "llamacpp:kv_cache_usage_ratio 0.1",
    }


def test_the_device() -> None:
    assert lines(READINGS) >= {
        "luna_connections 7.0",
        "luna_cpu_busy_ratio 0.25",
        "luna_memory_size_bytes 1000.0",
        "luna_memory_available_bytes 400.0",
        "luna_models_disk_size_bytes 5000.0",
        "luna_models_disk_available_bytes 50.0",
        'luna_npu_busy_ratio{core="2"} 1.0',
        "luna_npu_frequency_hertz 1e+09",
        'luna_temperature_celsius{zone="npu"} 60.0',
        'luna_temperature_celsius{zone="soc"} 40.0',
    }


def test_what_a_machine_lacks_is_left_out() -> None:
    found = lines(replace(READINGS, npu=missing, models=tuple))
    assert not any("npu_" in line for line in found)
    assert "llamacpp:kv_cache_usage_ratio 0.0" in found
    assert "luna_connections 7.0" in found
