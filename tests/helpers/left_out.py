"""A pytest plugin: says what this machine could not run, and why.

`@pytest.mark.needs("root", "node")` skips a test where one of the two is missing. Every skip is
listed under "left out"; with LUNA_TEST_ALL=1 in the environment it makes the run fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from functools import cache

import pytest

MUST_RUN_ALL = "LUNA_TEST_ALL"


def _program(name: str, package: str) -> Callable[[], str]:
    return lambda: "" if shutil.which(name) else f"{name} is missing: apt install {package}"


def _root() -> str:
    return "" if os.geteuid() == 0 else "it needs root: run the tests with sudo"


def _engine() -> str:
    # In a process of its own: on a CPU that is too old the import would end this one.
    command = [sys.executable, "-c", "import xllamacpp"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    why = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
    return f"the CPU engine does not load, see `luna doctor` ({why})"


def _network_namespace() -> str:
    command = ["unshare", "--net", "true"]
    if shutil.which(command[0]) and subprocess.run(command, capture_output=True).returncode == 0:
        return ""
    return "it needs a network namespace of its own: run as root with CAP_SYS_ADMIN"


def _programs(names: str, packages: str) -> Callable[[], str]:
    def check() -> str:
        missing = [name for name in names.split() if not shutil.which(name)]
        return f"{', '.join(missing)} missing: apt install {packages}" if missing else ""

    return check


# Name of a need → what is wrong with this machine; an empty sentence where nothing is.
NEEDS: Mapping[str, Callable[[], str]] = {
    "avahi": _programs("avahi-daemon avahi-browse dbus-daemon", "avahi-daemon avahi-utils dbus"),
    "chromium": _program("chromium", "chromium"),
    "dbus-daemon": _program("dbus-daemon", "dbus"),
    "debhelper": _program("dh", "debhelper"),
    "engine": _engine,
    "g++": _program("g++", "g++"),
    "mmdebstrap": _program("mmdebstrap", "mmdebstrap"),
    "image-tools": _programs(
        "bmaptool debugfs mcopy mke2fs mkfs.vfat mkimage sfdisk",
        "bmap-tools dosfstools e2fsprogs fdisk mtools u-boot-tools",
    ),
    "netns": _network_namespace,
    "networkmanager": _programs(
        "NetworkManager nmcli dnsmasq dbus-daemon", "network-manager dnsmasq-base dbus"
    ),
    "node": _program("node", "nodejs"),
    "openssl": _program("openssl", "openssl"),
    "promtool": _program("promtool", "prometheus"),
    "root": _root,
    "systemd-nspawn": _program("systemd-nspawn", "systemd-container"),
    "systemd-analyze": _program("systemd-analyze", "systemd"),
    "tsc": _program("tsc", "node-typescript"),
}


@cache
def lacking(need: str) -> str:
    """Why `need` is not met here, empty where it is; raises UsageError for an unknown name."""
    if need not in NEEDS:
        known = ", ".join(sorted(NEEDS))
        raise pytest.UsageError(f"no need is called {need!r}: use one of {known}, or add it")
    return NEEDS[need]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what the machine cannot run."""
    for item in items:
        for mark in item.iter_markers("needs"):
            for reason in filter(None, map(lacking, mark.args)):
                item.add_marker(pytest.mark.skip(reason=reason))


def reasons(reporter: pytest.TerminalReporter) -> Counter[str]:
    """How many tests were skipped for each reason."""
    found: Counter[str] = Counter()
    for report in reporter.stats.get("skipped", []):
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        found[text.removeprefix("Skipped: ")] += 1
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was left out."""
    left_out = reasons(terminalreporter)
    if left_out:
        terminalreporter.section("left out")
    for reason, count in sorted(left_out.items()):
        terminalreporter.write_line(f"left out: {count} test{'s' * (count > 1)}: {reason}")
    if left_out and os.environ.get(MUST_RUN_ALL) == "1":
        terminalreporter.write_line(f"{MUST_RUN_ALL}=1 forbids that: this run has failed", red=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Turn a run that passed but left something out into a failed one, where all must run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    passed = session.exitstatus == pytest.ExitCode.OK
    if reporter and passed and os.environ.get(MUST_RUN_ALL) == "1" and reasons(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return (yield)
