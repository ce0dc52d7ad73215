"""The device rules: every line is well formed, and says what it should."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

RULES = Path(__file__).parents[2] / "udev/70-luna.rules"
UNITS = Path(__file__).parents[2] / "systemd/units"
# Key, operator and value (udev(7)); what assigns and what compares is told by the operator.
PAIR = re.compile(r'^([A-Z]+)(?:\{([\w./]+)\})?(==|!=|=|\+=|:=)"([^"]*)"$')
COMPARED = {"ACTION", "SUBSYSTEM", "KERNEL", "KERNELS", "ENV", "ATTR", "ATTRS"}
ASSIGNED = {"GROUP", "MODE", "SYMLINK", "TAG", "ENV", "RUN"}
FIRST_WITH_VERIFY = 254


def rules() -> list[str]:
    lines = RULES.read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pairs(rule: str) -> list[tuple[str, str, str, str]]:
    found = [PAIR.match(pair.strip()) for pair in rule.split(", ")]
    assert all(found), rule
    return [(each[1], each[2] or "", each[3], each[4]) for each in found if each]


def has_verify() -> bool:
    if not shutil.which("udevadm"):
        return False
    told = subprocess.run(["udevadm", "--version"], capture_output=True, text=True, check=True)
    return int(told.stdout.split()[0]) >= FIRST_WITH_VERIFY


@pytest.mark.parametrize("rule", rules())
def test_a_rule_compares_before_it_assigns(rule: str) -> None:
    kinds = []
    for key, _, operator, _ in pairs(rule):
        compares = operator in ("==", "!=")
        assert key in (COMPARED if compares else ASSIGNED), key
        kinds.append(compares)
    assert kinds == sorted(kinds, reverse=True)
    assert kinds[0], "a rule without a condition is for every device"
    assert not kinds[-1]


def test_udev_has_no_complaint() -> None:
    if has_verify():  # the tests in a booted Debian 13 always have it
        subprocess.run(["udevadm", "verify", str(RULES)], check=True, capture_output=True)


def test_nodes_are_for_the_groups_that_the_server_is_in() -> None:
    nodes = [rule for rule in rules() if "SYSTEMD_WANTS" not in rule]
    groups = {value for rule in nodes for key, _, _, value in pairs(rule) if key == "GROUP"}
    service = (UNITS / "luna-api.service").read_text("utf-8")
    (line,) = re.findall(r"^SupplementaryGroups=(.*)$", service, re.MULTILINE)
    assert groups == set(line.split())
    assert not any('MODE="0666"' in rule for rule in rules())


def test_a_stick_starts_a_unit_that_there_is() -> None:
    (rule,) = (rule for rule in rules() if "luna-import@" in rule)
    told = {(key, name): value for key, name, _, value in pairs(rule)}
    assert told["ENV", "SYSTEMD_WANTS"] == "luna-import@%k.service"
    assert (UNITS / "luna-import@.service").is_file()
    script = (UNITS.parent / "stick").read_text("utf-8")
    for kind in told["ENV", "ID_FS_TYPE"].split("|"):
        assert re.search(rf"\b{kind}\b", script), f"{kind} is not mounted"
