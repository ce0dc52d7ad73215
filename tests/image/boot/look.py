"""What checks want to know of a machine."""

from __future__ import annotations

import re

from tests.image.qemu import Machine

CONFIRM_S = 900.0


def slot_of(machine: Machine) -> str:
    """The system that runs, A or B."""
    found = re.search(r"rauc\.slot=(\w)", machine.ask("cat /proc/cmdline"))
    return found.group(1) if found else ""


def counters(machine: Machine) -> dict[str, str]:
    """What the boot script will go by."""
    lines = machine.ask("fw_printenv").splitlines()
    return dict(line.split("=", 1) for line in lines if line.startswith("BOOT_"))


def wait_for_verdict(machine: Machine) -> None:
    """Until the judge of a new system is done."""
    machine.wait_for("test -e /var/lib/luna-confirm/trusted", CONFIRM_S)
    machine.wait_for("! systemctl --quiet is-active luna-confirm", CONFIRM_S)
