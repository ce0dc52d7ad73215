"""The hardware, as Wingman's clients and people ask for it."""

from __future__ import annotations

import pytest

from tests.helpers.server import RunningLuna

pytestmark = pytest.mark.needs("engine")


@pytest.mark.parametrize("path", ["/api/hardware", "/api/hardwareinfo"])
def test_what_the_machine_is_made_of(luna: RunningLuna, path: str) -> None:
    found = luna.get(path)
    for part in ("gpu", "cpu"):
        assert found[part].keys() >= {"totalMemoryMB", "freeMemoryMB"}
    assert found["cpu"]["totalMemoryMB"] >= found["cpu"]["freeMemoryMB"] > 0
    assert found["cpu"]["cores"] >= 1
    assert found["npu"]["available"] or found["npu"]["reason"].endswith(".")
    assert 0 < found["disk"]["freeMB"] <= found["disk"]["totalMB"]
    assert found["board"]["system"]
    assert found["recommended"]["modelSizeMB"] < found["cpu"]["totalMemoryMB"]
