"""What the watchdog's polkit rule grants: the rule itself is run, as polkit would."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

RULE = Path(__file__).parents[2] / "systemd/polkit-1/rules.d/50-luna-watchdog.rules"
UNITS = "org.freedesktop.systemd1.manage-units"
REBOOT = "org.freedesktop.login1.reboot"
POLKIT = """
const polkit = {Result: {YES: "yes", NO: "no", NOT_HANDLED: "not handled"}};
polkit.addRule = (rule) => {
    const [id, details, user] = JSON.parse(process.argv[1]);
    console.log(rule({id: id, lookup: (key) => details[key]}, {user: user}));
};
"""

pytestmark = pytest.mark.needs("node")


def granted(action: str, user: str = "luna-watchdog", **details: str) -> str:
    question = json.dumps([action, details, user])
    script = POLKIT + RULE.read_text("utf-8")
    done = subprocess.run(
        ["node", "-e", script, question], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_server_may_be_restarted() -> None:
    assert granted(UNITS, unit="luna-api.service", verb="try-restart") == "yes"


@pytest.mark.parametrize(
    ("unit", "verb"),
    [
        ("luna-api.service", "start"),
        ("luna-api.service", "stop"),
        ("ssh.service", "try-restart"),
        ("luna-api.service.d", "try-restart"),
    ],
)
def test_nothing_else_may_be_done_to_units(unit: str, verb: str) -> None:
    assert granted(UNITS, unit=unit, verb=verb) == "no"


def test_the_machine_may_be_restarted_unless_that_is_inhibited() -> None:
    assert granted(REBOOT) == "yes"
    assert granted(f"{REBOOT}-multiple-sessions") == "yes"
    assert granted(f"{REBOOT}-ignore-inhibit") == "not handled"


@pytest.mark.parametrize("action", [UNITS, REBOOT])
def test_others_are_none_of_its_business(action: str) -> None:
    assert granted(action, "luna", unit="luna-api.service", verb="try-restart") == "not handled"
