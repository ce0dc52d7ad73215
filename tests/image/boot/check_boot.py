"""A fresh card: everything starts, nothing is sick, and somebody can talk to it."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from image.builder import engine
from tests.image.qemu import Machine, running
from tests.pictures.chart import bars, read_starts, slowest, timeline

pytestmark = pytest.mark.timeout(2400)
TRIES = 30
UNITS = ("luna-api", "luna-mdns", "luna-provisioning", "luna-watchdog")
# What the checks themselves bring into the machine.
OF_THE_CHECKS = ("t.service", "run-share.mount")


@pytest.fixture(scope="module")
def machine(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with running(image, tmp_path_factory.mktemp("machine")) as started:
        # Its very first start is cut off in the middle, which must not matter.
        started.start()
        started.says("dbus.service")
        started.cut_power()
        started.boot()
        started.settle()
        yield started


def ask(machine: Machine, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{machine.port}{path}", data)
    for _ in range(TRIES):
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            # The model is still being loaded, which an emulated machine does slowly.
            if error.code != 503:
                raise
            with error:
                time.sleep(int(error.headers["retry-after"]))
    raise AssertionError(f"{path} stays unavailable")


def test_every_unit_is_well(machine: Machine) -> None:
    states = machine.do(f"systemctl is-active {' '.join(UNITS)}").output.split()
    assert states == ["active"] * len(UNITS)
    assert machine.ask("systemctl --failed --plain --no-legend") == ""
    assert machine.do("systemctl is-system-running").output.strip() == "running"


def test_units_wait_for_each_other_without_a_circle(machine: Machine) -> None:
    assert "ordering cycle" not in machine.ask("journalctl -b --no-pager -o cat")


def test_it_started_through_the_boot_script(machine: Machine) -> None:
    # The start that was cut off has used up a try.
    assert "luna: slot=A left A=1 B=0" in machine.console
    assert "rauc.slot=A" in machine.ask("cat /proc/cmdline")


def test_only_the_data_partition_is_written_to(machine: Machine) -> None:
    mounts = machine.ask("findmnt --raw --noheadings -o TARGET,SOURCE,FSTYPE,OPTIONS --real")
    options = {line.split()[0]: line.split()[-1].split(",") for line in mounts.splitlines()}
    assert "ro" in options["/"]
    assert "rw" in options["/var"]
    assert machine.do("touch /etc/x /usr/x").status != 0
    assert machine.do("touch /etc/luna/x && rm /etc/luna/x").status == 0


def test_the_data_partition_has_grown_to_the_end_of_the_card(machine: Machine) -> None:
    # The card has 5 GiB; the image less than 3.
    assert int(machine.ask("df --output=size -B1M /var | tail -1")) > 2000


def test_the_device_has_an_identity_that_no_other_has(machine: Machine) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", machine.ask("cat /etc/machine-id"))
    assert machine.do("systemctl is-active systemd-machine-id-commit").output.strip() != "failed"


def test_nothing_of_ours_runs_as_root(machine: Machine) -> None:
    listing = machine.ask(
        'for p in /proc/[0-9]*; do echo "$(stat -c %u $p) $(cat $p/cgroup)"; done'
    )
    ours = [line.split() for line in listing.splitlines() if "/luna-" in line]
    assert len(ours) >= len(UNITS)
    assert [words for words in ours if words[0] == "0"] == []


def test_somebody_can_talk_to_it(machine: Machine) -> None:
    question = {"messages": [{"role": "user", "content": "How do I add a model?"}]}
    answer = ask(machine, "/v1/chat/completions", question)
    assert answer["choices"][0]["message"]["content"].startswith("Copy a GGUF file into the models")
    assert ask(machine, "/luna")["device"] == "luna"


def test_what_answers_was_compiled_for_the_boards_cores(machine: Machine) -> None:
    question = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
    ask(machine, "/v1/chat/completions", question)
    programs = machine.ask("readlink /proc/[0-9]*/exe || true").splitlines()
    assert f"/{engine.PROGRAM}" in programs


def test_the_journal_has_no_error_of_ours(machine: Machine) -> None:
    ours = " ".join(f"-u {unit}" for unit in UNITS)
    assert machine.ask(f"journalctl -b --no-pager -q -p err {ours}") == ""
    assert "Traceback" not in machine.ask(f"journalctl -b --no-pager -q {ours}")


def test_no_log_in_is_offered(machine: Machine) -> None:
    shadow = machine.ask("cut -d: -f1,2 /etc/shadow").splitlines()
    assert [line for line in shadow if line.split(":")[1][:1] not in ("*", "!")] == []
    assert machine.ask("ss -Htln 'sport = :22'") == ""
    assert machine.do("command -v sshd gcc cc make").status != 0


def test_figures_are_noted(machine: Machine, image: Path) -> None:
    """For image/README.md; the speed of an emulated machine says little, the rest something."""
    started = machine.ask("systemd-analyze time").splitlines()[0]
    memory = memory_by_unit(machine)
    draw(machine, image.parent, started, memory)
    sizes = {
        "root": round(int(machine.ask("df --output=used -B1 / | tail -1")) / 1e6),
        "flash": round(image.with_suffix(".img.xz").stat().st_size / 1e6),
        "bundle": round(image.with_suffix(".raucb").stat().st_size / 1e6),
    }
    figures = {"started": started, "memory_MB": memory, "size_MB": sizes}
    (image.parent / "figures.json").write_text(json.dumps(figures, indent=1), "utf-8")
    assert set(UNITS) <= set(memory)
    assert sizes["root"] <= 900
    assert sizes["flash"] <= 700


def memory_by_unit(machine: Machine) -> dict[str, float]:
    """Megabytes that the control group of each running service holds, the largest first."""
    running = "systemctl list-units --type=service --state=running --plain --no-legend"
    shown = machine.ask(f"systemctl show -p Id -p MemoryCurrent $({running} | cut -d ' ' -f 1)")
    units = [dict(line.split("=", 1) for line in each.splitlines()) for each in shown.split("\n\n")]
    found = {
        unit["Id"].removesuffix(".service"): round(int(unit["MemoryCurrent"]) / 1e6, 1)
        for unit in units
        if unit["Id"] not in OF_THE_CHECKS
    }
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def draw(machine: Machine, folder: Path, started: str, memory: dict[str, float]) -> None:
    """boot.svg and memory.svg; systemd's own plot of every unit is boot-all.svg."""
    (folder / "boot-all.svg").write_text(machine.ask("systemd-analyze plot"), "utf-8")
    # A line that counts them follows.
    plot = json.loads(machine.ask("systemd-analyze plot --json=short").splitlines()[0])
    starts = [each for each in read_starts(plot) if each.unit not in OF_THE_CHECKS]
    end = max(each.ready for each in starts)
    boot = timeline("Start of an emulated board, by unit", started, slowest(starts, 24), end)
    (folder / "boot.svg").write_text(boot, "utf-8")
    note = "Control groups of the running services, after a chat with the bundled model"
    largest = dict(list(memory.items())[:16])
    (folder / "memory.svg").write_text(bars("Memory by unit", note, largest, "MB"), "utf-8")
