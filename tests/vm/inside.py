"""Runs as root inside a booted machine that has Luna installed; prints what it finds as JSON."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
import traceback
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

UNITS = ("luna-api", "luna-provisioning", "luna-mdns", "luna-watchdog")
PATIENCE_S = 60.0
IDLE_S = 10.0


def ctl(*words: str) -> str:
    done = subprocess.run(
        ["systemctl", "--no-pager", *words], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def get(path: str, port: int = 8080, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data, PATIENCE_S) as answer:
        return json.load(answer)


def eventually(condition: Callable[[], bool]) -> float:
    """Seconds until it holds; -1.0 if it never does."""
    start = time.monotonic()
    while time.monotonic() - start < PATIENCE_S:
        if condition():
            return time.monotonic() - start
        time.sleep(0.05)
    return -1.0


def main_pid(unit: str) -> int:
    return int(ctl("show", "-P", "MainPID", unit) or 0)


def is_active(unit: str) -> bool:
    return ctl("is-active", unit) == "active"


def owners() -> dict[str, list[int]]:
    """User ids of every process in each unit's group."""
    found: dict[str, list[int]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            group = (process / "cgroup").read_text("utf-8")
            user = process.stat().st_uid
        except OSError:
            continue
        for unit in UNITS:
            if f"/{unit}.service" in group:
                found.setdefault(unit, []).append(user)
    return found


def killed(unit: str) -> float:
    """Seconds from kill -9 until the unit is active again, with another process."""
    before = main_pid(unit)
    os.kill(before, signal.SIGKILL)
    return eventually(lambda: is_active(unit) and main_pid(unit) not in (0, before))


def lost_while_restarting() -> list[str]:
    """What became of requests that were not answered while the API was restarted."""
    stop, lost = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            try:
                get("/v1/health")
            except OSError as error:
                lost.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    ctl("restart", "luna-api.service")
    time.sleep(1)
    stop.set()
    thread.join()
    return lost


def footprint() -> dict[str, Any]:
    """Memory of the services in MB, shared pages divided among who shares them, and CPU time.

    Each unit's main process and its engines apart: `engines` is what belongs to a loaded model.
    """
    ticks = os.sysconf("SC_CLK_TCK")
    before, start = {pid: _ticks(pid) for pid in _processes()}, time.monotonic()
    time.sleep(IDLE_S)
    seconds = time.monotonic() - start
    memory: dict[str, float] = {}
    spent = 0
    for pid, unit in _processes().items():
        engine = unit == "luna-api" and pid != main_pid("luna-api")
        name = "engines" if engine else unit
        memory[name] = memory.get(name, 0.0) + _pss(pid)
        if not engine:
            spent += _ticks(pid) - before.get(pid, 0)
    return {"memory_mb": memory, "cpu_percent": 100 * spent / ticks / seconds}


def _processes() -> dict[int, str]:
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            group = (process / "cgroup").read_text("utf-8")
        except OSError:
            continue
        for unit in UNITS:
            if f"/{unit}.service" in group:
                found[int(process.name)] = unit
    return found


def _ticks(pid: int) -> int:
    """User and system time (proc_pid_stat(5), fields 14 and 15)."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0
    return int(words[11]) + int(words[12])


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


def all_well() -> bool:
    """Whether every service is up and a model answers."""
    question = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
    try:
        get("/v1/chat/completions", body=question)
    except OSError:
        return False
    return all(map(is_active, UNITS))


def identity() -> dict[str, str]:
    """Who the device says it is, and what it made for itself."""
    files = {
        "id": "/etc/luna/identity.toml",
        "key": "/var/lib/luna-firstboot/tls/key.pem",
        "certificate": "/var/lib/luna-firstboot/tls/certificate.pem",
    }
    return {name: Path(path).read_text("utf-8") for name, path in files.items()}


def full_disk() -> dict[str, Any]:
    """How it does with a data folder that has no byte left: on a small file system of its own."""
    ctl("stop", "luna.target", "luna-api.socket")
    said(["mount", "-t", "tmpfs", "-o", "size=64M,mode=0750,uid=luna", "none", "/var/lib/luna"])
    ctl("start", "luna-api.socket", "luna.target")
    began = eventually(all_well)
    with Path("/var/lib/luna/filler").open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            pass
    ctl("restart", "luna-api.service", "luna-watchdog.service", "luna-mdns.service")
    seen = {"began_s": began, "full_s": eventually(all_well), "restarts": restarts()}
    Path("/var/lib/luna/filler").unlink()
    seen["again_s"] = eventually(all_well)
    ctl("stop", "luna.target", "luna-api.socket")
    said(["umount", "--lazy", "/var/lib/luna"])
    ctl("start", "luna-api.socket", "luna.target")
    return seen


def broken_bus() -> float:
    """Seconds until all is well after the message bus was killed."""
    ctl("kill", "--signal=KILL", "dbus.service")
    time.sleep(1)
    ctl("start", "dbus.service")
    return eventually(all_well)


def lost_state() -> float:
    """Seconds until all is well after what services keep was deleted under their feet."""
    for name in ("luna", "luna-provisioning", "luna-mdns", "luna-watchdog", "luna-firstboot"):
        shutil.rmtree(f"/var/lib/{name}", ignore_errors=True)
    ctl("restart", *(f"{unit}.service" for unit in UNITS))
    return eventually(all_well)


def restarts() -> dict[str, int]:
    """How often systemd had to start each service again: a loop shows here."""
    return {unit: int(ctl("show", "-P", "NRestarts", unit) or 0) for unit in UNITS}


def printed(command: list[str]) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout


def said(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def journal(*units: str) -> str:
    words = ["journalctl", "--no-pager", "--boot", "--priority=warning"]
    return said([*words, *(f"-u{unit}" for unit in units or UNITS)])


def looked() -> dict[str, Any]:
    """A new device: what it is and does, and how it takes kills and restarts."""
    question = {"messages": [{"role": "user", "content": "How do I add a model?"}]}
    report: dict[str, Any] = {
        "up_s": eventually(lambda: all(map(is_active, UNITS))),
        "failed": ctl("--failed", "--plain", "--no-legend"),
        "states": {unit: ctl("is-active", unit) for unit in UNITS},
        "luna": [get("/luna", port) for port in (80, 8080)],
        "answer": get("/v1/chat/completions", body=question)["choices"][0]["message"]["content"],
        "owners": owners(),
        "identity": identity(),
        "firstboot": ctl("is-active", "luna-firstboot.service"),
        "status": said(["luna", "status"]),
        "doctor": printed(["luna", "doctor", "--json"]),
        "rules": said(["udevadm", "verify", "/usr/lib/udev/rules.d/70-luna.rules"]),
        "footprint": footprint(),
        "wifi": said(["curl", "-s", "http://127.0.0.1:8080/wifi"]),
        "killed_s": {unit: killed(unit) for unit in UNITS},
        "lost": lost_while_restarting(),
    }
    report["answers_again"] = get("/v1/health")
    report["journal"] = journal()
    report["server"] = said(["journalctl", "--no-pager", "-n60", "-uluna-api"])
    return report


def broken() -> dict[str, Any]:
    """The same device later, treated badly, and reset at the end: then it restarts by itself."""
    eventually(all_well)
    report: dict[str, Any] = {
        "identity": identity(),
        "firstboot": ctl("show", "-P", "ConditionResult", "luna-firstboot.service"),
        "disk": full_disk(),
        "bus_s": broken_bus(),
        "state_s": lost_state(),
        "restarts": restarts(),
        "failed": ctl("--failed", "--plain", "--no-legend"),
    }
    Path("/var/lib/luna/models/kept").mkdir(parents=True, exist_ok=True)
    Path("/etc/luna/luna.toml").write_text("[server]\naccess_log = false\n", "utf-8")
    report["journal"] = journal()
    return report


def reset() -> dict[str, Any]:
    """What is left after a factory reset."""
    return {
        "well_s": eventually(all_well),
        "identity": identity(),
        "settings": Path("/etc/luna/luna.toml").exists(),
        "models": Path("/var/lib/luna/models/kept").is_dir(),
        "wish": Path("/var/lib/luna/reset.json").exists(),
        "failed": ctl("--failed", "--plain", "--no-legend"),
        "journal": journal("luna-firstboot", *UNITS),
    }


def main() -> None:
    """What the phase asks for; then the machine goes off, or restarts to forget."""
    phase = Path("/share/phase").read_text("utf-8")
    try:
        report = {"looked": looked, "broken": broken, "reset": reset}[phase]()
        Path(f"/share/{phase}.json").write_text(json.dumps(report, indent=1), "utf-8")
    except Exception:
        traceback.print_exc()  # now: going off takes this process along
        phase = ""
    if phase == "broken":
        print(said(["luna", "reset", "--yes"]))
    else:
        ctl("poweroff", "--no-block")


if __name__ == "__main__":
    main()
