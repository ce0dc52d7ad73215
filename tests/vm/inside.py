"""Runs as root inside a booted machine that has Luna installed; prints what it finds as JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

UNITS = ("luna-api", "luna-provisioning", "luna-mdns", "luna-watchdog")
PATIENCE_S = 60.0


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


def main() -> None:
    """Look, then break things."""
    question = {"messages": [{"role": "user", "content": "How do I add a model?"}]}
    eventually(lambda: ctl("is-system-running") in ("running", "degraded"))
    report: dict[str, Any] = {
        "up_s": eventually(lambda: all(map(is_active, UNITS))),
        "failed": ctl("--failed", "--plain", "--no-legend"),
        "states": {unit: ctl("is-active", unit) for unit in UNITS},
        "luna": [get("/luna", port) for port in (80, 8080)],
        "answer": get("/v1/chat/completions", body=question)["choices"][0]["message"]["content"],
        "owners": owners(),
        "wifi": subprocess.run(
            ["curl", "-s", "http://127.0.0.1:8080/wifi"], capture_output=True, text=True
        ).stdout,
        "killed_s": {unit: killed(unit) for unit in UNITS},
        "lost": lost_while_restarting(),
    }
    report["answers_again"] = get("/v1/health")
    report["journal"] = subprocess.run(
        [
            "journalctl",
            "--no-pager",
            "--boot",
            "--priority=warning",
            *(f"-u{unit}" for unit in UNITS),
        ],
        capture_output=True,
        text=True,
    ).stdout
    Path("/share/report.json").write_text(json.dumps(report, indent=1), "utf-8")


if __name__ == "__main__":
    main()
