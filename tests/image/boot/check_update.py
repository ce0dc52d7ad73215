"""Two systems: an update is cut off, then sick, then good; one of others is refused.

One machine lives through all of it, in the order of the file; each start is a minute and more.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from image.builder.programs import run
from tests.image.boot.look import counters, slot_of, wait_for_verdict
from tests.image.qemu import Machine, running

pytestmark = pytest.mark.timeout(3000)
INSTALL_S = 900.0
# The judge of the new system, with less patience than a device has.
HASTE = "[Service]\nExecStart=\nExecStart=/usr/bin/luna update --confirm --patience 200\n"


@pytest.fixture(scope="module")
def machine(
    image: Path, bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    with running(image, tmp_path_factory.mktemp("machine")) as made:
        shutil.copyfile(bundle, made.share / "good.raucb")
        yield made


def foreign_bundle(folder: Path) -> Path:
    """A small bundle for this board, signed by somebody else."""
    kind = ("-newkey", "rsa:2048", "-nodes", "-x509", "-days", "10", "-subj", "/CN=somebody")
    key, certificate, made = folder / "key", folder / "certificate", folder / "foreign.raucb"
    run("openssl", "req", *kind, "-keyout", key, "-out", certificate)
    content = folder / "content"
    content.mkdir()
    (content / "rootfs.img").write_bytes(os.urandom(2**16))  # RAUC wants more than one block
    manifest = (
        "[update]\ncompatible=luna-virt-arm64\nversion=99\n[bundle]\nformat=verity\n"
        "[image.rootfs]\nfilename=rootfs.img\n"
    )
    (content / "manifest.raucm").write_text(manifest, "utf-8")
    run("rauc", "bundle", f"--cert={certificate}", f"--key={key}", content, made)
    return made


def test_a_fresh_device_is_trusted_after_its_first_start(machine: Machine) -> None:
    machine.boot()
    machine.settle()
    wait_for_verdict(machine)
    assert slot_of(machine) == "A"
    assert counters(machine) == {"BOOT_ORDER": "A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "0"}
    machine.ask("echo kept > /var/lib/luna/kept && cp /etc/machine-id /var/lib/luna/id")


def test_a_bundle_that_somebody_else_signed_is_refused(machine: Machine, tmp_path: Path) -> None:
    (machine.share / "foreign.raucb").write_bytes(foreign_bundle(tmp_path).read_bytes())
    answer = machine.do("luna update /run/share/foreign.raucb", INSTALL_S)
    assert answer.status == 1
    assert "no update for this device" in answer.output
    assert counters(machine)["BOOT_B_LEFT"] == "0"


def test_power_that_fails_during_an_update_leaves_the_old_system(machine: Machine) -> None:
    machine.do("luna update /run/share/good.raucb > /run/share/update.log 2>&1 &")
    machine.wait_for("grep -qE 'Copying|luna:' /run/share/update.log", INSTALL_S)
    assert "Copying" in (machine.share / "update.log").read_text("utf-8")
    machine.cut_power()
    machine.boot()
    assert slot_of(machine) == "A"
    assert machine.settle() == "running"


def test_an_update_whose_services_are_sick_is_left(machine: Machine) -> None:
    told = machine.ask("luna update /run/share/good.raucb", INSTALL_S)
    assert "is installed" in told
    assert counters(machine)["BOOT_ORDER"] == "B A"
    # As if the new version's server could not start.
    (machine.share / "haste.conf").write_text(HASTE, "utf-8")
    machine.ask(
        "mount /run/luna-disk/root-b /mnt && rm /mnt/usr/lib/luna/lib/python3*/site-packages/"
        "appliance/assembly.py && mkdir -p /mnt/etc/systemd/system/luna-confirm.service.d && "
        "cp /run/share/haste.conf /mnt/etc/systemd/system/luna-confirm.service.d/ && umount /mnt"
    )
    machine.reboot()
    assert slot_of(machine) == "B"
    sick = machine.ask("cat /proc/sys/kernel/random/boot_id")
    machine.booted_after(sick, 1500)
    assert slot_of(machine) == "A"
    assert counters(machine)["BOOT_B_LEFT"] == "0"


def test_a_good_update_is_trusted_and_nothing_is_lost(machine: Machine) -> None:
    machine.ask("luna update /run/share/good.raucb", INSTALL_S)
    machine.reboot()
    assert slot_of(machine) == "B"
    assert machine.settle() == "running"
    wait_for_verdict(machine)
    assert counters(machine) == {"BOOT_ORDER": "B A", "BOOT_A_LEFT": "3", "BOOT_B_LEFT": "3"}
    assert machine.ask("cat /var/lib/luna/kept") == "kept"
    machine.ask("cmp /etc/machine-id /var/lib/luna/id")


def test_a_system_that_does_not_start_is_given_three_tries(machine: Machine) -> None:
    machine.ask(
        "dd if=/dev/zero of=/run/luna-disk/root-a bs=1M count=8 && fw_setenv BOOT_ORDER 'A B'"
    )
    machine.reboot()
    assert machine.console.count("slot A does not start") == 3
    assert slot_of(machine) == "B"
