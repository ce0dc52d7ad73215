"""A system that hangs is restarted, and has lost a try: by the kernel, and by the hardware."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.image.boot.look import counters, slot_of, wait_for_verdict
from tests.image.qemu import Hardware, Machine, MachineError, running

pytestmark = pytest.mark.timeout(2400)
WATCHDOG = "/sys/class/watchdog/watchdog0"
# Programs that leave no time to any other, on every processor: what the kernel sets aside for the
# others (fair_server, in sched-deadline of its documents) is taken away first.
FREEZE = """
for share in /sys/kernel/debug/sched/fair_server/cpu*/runtime; do echo 0 >$share; done
echo -1 >/proc/sys/kernel/sched_rt_runtime_us
for cpu in $(seq $(nproc)); do chrt --fifo 99 sh -c 'while :; do :; done' & done
"""


@pytest.fixture(scope="module")
def machine(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    hardware = Hardware(more=("-device", "i6300esb"))
    with running(image, tmp_path_factory.mktemp("machine"), hardware) as made:
        made.boot()
        yield made


def stay_undecided(machine: Machine) -> None:
    """Keep the system from being trusted in this start."""
    machine.ask("systemctl mask --runtime --now luna-confirm")


def hang(machine: Machine, script: str) -> None:
    """Run what nothing answers after, and wait for the next start."""
    before = machine.ask("cat /proc/sys/kernel/random/boot_id")
    with suppress(MachineError):
        machine.do(script, 20)
    machine.booted_after(before)


def test_a_kernel_that_panics_restarts(machine: Machine) -> None:
    stay_undecided(machine)
    hang(machine, "echo c > /proc/sysrq-trigger")
    assert "Rebooting in 5 seconds" in machine.console
    assert "luna: slot=A left A=1" in machine.console


def test_the_hardware_restarts_what_hangs(machine: Machine) -> None:
    stay_undecided(machine)
    machine.wait_for(f"grep -qx active {WATCHDOG}/state", 120)
    assert machine.ask(f"cat {WATCHDOG}/timeout") == "30"
    hang(machine, FREEZE)
    assert "luna: slot=A left A=0" in machine.console


def test_a_system_that_is_well_gets_its_tries_back(machine: Machine) -> None:
    wait_for_verdict(machine)
    assert slot_of(machine) == "A"
    assert counters(machine)["BOOT_A_LEFT"] == "3"
