import json
from collections.abc import AsyncGenerator

import pytest

from appliance.cli import discover
from appliance.cli.main import main
from appliance.mdns.browser import Device

KITCHEN = Device(
    "Kitchen\x1b[31m",
    host="luna-ab12.local",
    port=8080,
    addresses=("10.0.0.1",),
    id="ab12",
    version="1.0",
    auth=True,
    setup=True,
)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Device]:
    devices: list[Device] = []
    monkeypatch.setattr(discover, "discover", lambda seconds: tuple(devices))
    return devices


def test_a_table_is_for_people(found: list[Device], capsys: pytest.CaptureFixture[str]) -> None:
    found.append(KITCHEN)
    assert main(["discover"]) == 0
    heads, row = capsys.readouterr().out.splitlines()
    assert heads.split() == ["NAME", "URL", "HOST", "VERSION", "BOARD", "NOTES"]
    cells = [cell.strip() for cell in row.split("  ") if cell]
    assert cells[:4] == ["Kitchen[31m", "http://10.0.0.1:8080", "luna-ab12.local", "1.0"]
    assert cells[4:] == ["needs a key, waits for setup"]


def test_json_is_for_programs(found: list[Device], capsys: pytest.CaptureFixture[str]) -> None:
    found.append(KITCHEN)
    assert main(["discover", "--json"]) == 0
    (device,) = json.loads(capsys.readouterr().out)
    assert device["url"] == "http://10.0.0.1:8080"
    assert device["addresses"] == ["10.0.0.1"]


def test_nothing_found_is_a_failure(
    found: list[Device], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["discover"]) == 1
    assert "No Luna answers" in capsys.readouterr().err
    assert main(["discover", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_watching_tells_who_comes_and_goes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    async def news() -> AsyncGenerator[Device, None]:
        yield KITCHEN
        yield Device("Kitchen", present=False)
        raise KeyboardInterrupt

    monkeypatch.setattr(discover, "watch", news)
    assert main(["discover", "--watch", *options]) == 130
    first, second = capsys.readouterr().out.splitlines()
    if options:
        assert json.loads(first)["present"]
        assert not json.loads(second)["present"]
    else:
        assert first.startswith("+  Kitchen[31m  http://10.0.0.1:8080")
        assert second == "-  Kitchen"
