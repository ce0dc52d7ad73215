"""A USB stick brings a model and an update: pulled out, plugged in again, left in for ever.

One machine lives through all of it, in the order of the file.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.importing.progress import FOLDER
from image.builder.programs import run
from tests.helpers import random_model
from tests.image.boot.look import counters, slot_of, wait_for_verdict
from tests.image.boot.newer import newer
from tests.image.qemu import Hardware, Machine, running

pytestmark = pytest.mark.timeout(3000)
INSTALL_S = 900.0
INSTALLER = "de.pengutronix.rauc / de.pengutronix.rauc.Installer"
AT_WORK = "systemctl list-units -q --no-legend --state=activating,deactivating 'luna-import@*'"


class Stick:
    """A stick and the port that it is plugged into, while the machine runs (QEMU's QMP)."""

    def __init__(self, file: Path, socket_path: Path) -> None:
        self._path = socket_path
        node = f"driver=raw,node-name=stick,file.driver=file,file.filename={file}"
        port = ("-device", "qemu-xhci,id=usb", "-blockdev", node)
        self.hardware = (*port, "-qmp", f"unix:{socket_path},server=on,wait=off")

    def plug_in(self) -> None:
        self._do("device_add", driver="usb-storage", id="plug", bus="usb.0", drive="stick")

    def pull_out(self) -> None:
        self._do("device_del", id="plug")

    def _do(self, command: str, **arguments: str) -> None:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(30)
            wire.connect(str(self._path))
            lines = wire.makefile("rw")
            lines.readline()
            wanted: dict[str, Any] = {"execute": command, "arguments": arguments}
            for each in ({"execute": "qmp_capabilities"}, wanted):
                lines.write(json.dumps(each) + "\n")
                lines.flush()
                answer: dict[str, Any] = {}
                while not answer.keys() & {"return", "error"}:  # others are events
                    answer = json.loads(lines.readline())
                assert "return" in answer, answer


@pytest.fixture(scope="module")
def stick(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Stick:
    folder = tmp_path_factory.mktemp("stick")
    update, model = newer(image, folder), random_model.tiny(folder / "tiny.gguf")
    file = folder / "stick.img"
    with file.open("wb") as made:
        made.truncate(update.stat().st_size + 64 * 2**20)
    run("mkfs.vfat", "-n", "STICK", file)
    run("mmd", "-i", file, "::luna")
    run("mcopy", "-i", file, update, "::luna/luna.raucb")
    run("mcopy", "-i", file, model, "::tiny.gguf")
    return Stick(file, folder / "qmp")


@pytest.fixture(scope="module")
def machine(
    image: Path, stick: Stick, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    hardware = Hardware(more=stick.hardware)
    with running(image, tmp_path_factory.mktemp("machine"), hardware) as made:
        made.boot()
        made.settle()
        wait_for_verdict(made)
        yield made


def wait_until_told(machine: Machine, words: str) -> None:
    """Until the screen of the device has been told so of the stick's update."""
    machine.wait_for(f"grep -q '{words}' {FOLDER}/*-update.json", INSTALL_S)


def boot_id(machine: Machine) -> str:
    return machine.ask("cat /proc/sys/kernel/random/boot_id")


def test_a_stick_that_is_pulled_out_changes_nothing(machine: Machine, stick: Stick) -> None:
    stick.plug_in()
    wait_until_told(machine, "Copying")
    # What comes before the update is there already.
    machine.ask("test -e /var/lib/luna/models/tiny/tiny.gguf")
    stick.pull_out()
    wait_until_told(machine, '"state":"failed"')
    machine.wait_for(f'test -z "$({AT_WORK})"', INSTALL_S)
    assert slot_of(machine) == "A"
    assert counters(machine) == {"BOOT_ORDER": "A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "0"}
    assert machine.ask("systemctl --failed --plain --no-legend") == ""


def test_an_update_is_installed_and_the_device_restarts_into_it(
    machine: Machine, stick: Stick
) -> None:
    # Whatever read the stick has to have given up.
    machine.wait_for(f"busctl get-property {INSTALLER} Operation | grep -q idle", INSTALL_S)
    before = boot_id(machine)
    stick.plug_in()
    machine.booted_after(before, INSTALL_S)
    assert slot_of(machine) == "B"
    assert machine.settle() == "running"
    wait_for_verdict(machine)
    assert counters(machine) == {"BOOT_ORDER": "B A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "3"}


def test_the_stick_that_stays_in_is_not_installed_again(machine: Machine) -> None:
    before = boot_id(machine)
    wait_until_told(machine, "not newer")
    machine.wait_for(f'test -z "$({AT_WORK})"', INSTALL_S)
    assert boot_id(machine) == before
    assert counters(machine)["BOOT_ORDER"] == "B A"


def test_an_update_that_was_left_is_not_taken_again(machine: Machine) -> None:
    machine.ask("rauc status mark-bad booted")
    machine.reboot()
    assert slot_of(machine) == "A"
    wait_until_told(machine, "left because it did not do well")
    assert counters(machine)["BOOT_B_LEFT"] == "0"
