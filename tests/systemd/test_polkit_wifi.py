"""What the WiFi service's polkit rule grants: the rule itself is run, as polkit would."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provisioning.permissions import NEEDED

RULE = Path(__file__).parents[2] / "systemd/polkit-1/rules.d/50-luna.rules"
PREFIX = "org.freedesktop.NetworkManager."
POLKIT = """
const polkit = {Result: {YES: "yes"}};
polkit.addRule = (rule) => {
    const [id, user] = process.argv.slice(1);
    console.log(rule({id: id}, {user: user}) || "not handled");
};
"""

pytestmark = pytest.mark.needs("node")


def granted(action: str, user: str = "luna-net") -> str:
    command = ["node", "-e", POLKIT + RULE.read_text("utf-8"), action, user]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("action", NEEDED)
def test_all_that_is_needed_is_granted_to_the_service_alone(action: str) -> None:
    assert granted(f"{PREFIX}{action}") == "yes"
    assert granted(f"{PREFIX}{action}", "luna") == "not handled"


@pytest.mark.parametrize(
    "action",
    [f"{PREFIX}settings.modify.hostname", f"{PREFIX}reload", "org.freedesktop.login1.reboot", ""],
)
def test_nothing_else_is(action: str) -> None:
    assert granted(action) == "not handled"
