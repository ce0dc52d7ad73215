"""`python -m appliance.engines.launch`: becomes an engine process that dies with the API."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance.system.processes import die_with_parent, parse_cpus

_OOM_SCORE = 500  # the kernel should take an engine before the API when memory runs out


def command(program: Sequence[str], *, cpus: str = "", nice: int = 0) -> list[str]:
    """The command line that starts `program` bound to this process, pinned and niced."""
    options = ["--parent", str(os.getpid()), "--cpus", cpus, "--nice", str(nice)]
    return [sys.executable, "-m", __name__, *options, "--", *program]


def main() -> None:
    """Set what a child inherits through execve, then become the program."""
    parser = argparse.ArgumentParser(prog="launch")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--cpus", default="")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("program", nargs="+")
    args = parser.parse_args()
    die_with_parent(args.parent)
    if cpus := parse_cpus(args.cpus):
        try:
            os.sched_setaffinity(0, cpus)
        except OSError:
            sys.exit(f"launch: cpu_engine.cpus is {args.cpus}, but there are {os.cpu_count()} CPUs")
    os.nice(args.nice)
    try:
        Path("/proc/self/oom_score_adj").write_text(f"{_OOM_SCORE}\n", encoding="ascii")
    except OSError as error:
        print(f"oom_score_adj stays as it is: {error}", file=sys.stderr)
    try:
        os.execv(args.program[0], args.program)
    except OSError as error:
        sys.exit(f"launch: {args.program[0]} cannot be run ({error.strerror})")


if __name__ == "__main__":
    main()
