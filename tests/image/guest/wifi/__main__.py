"""Run the scenarios that are named, or all of them; one report in JSON, whatever happens."""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from tests.image.guest.wifi.lab import Lab
from tests.image.guest.wifi.scenarios import SCENARIOS, Scenario


def main() -> int:
    """0 where all went well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="file for the report")
    parser.add_argument("names", nargs="*", help="scenarios; all of them if none is named")
    args = parser.parse_args()
    chosen = [each for each in SCENARIOS if not args.names or each.__name__ in args.names]
    report: dict[str, Any] = {}
    lab = Lab()
    try:
        for scenario in chosen:
            report[scenario.__name__] = _played(scenario, lab)
            # After each: what was found out is not lost with what comes next.
            args.out.write_text(json.dumps(report, indent=1), "utf-8")
    finally:
        lab.quiet()
        lab.box.restore()
    return 0 if all(each["passed"] for each in report.values()) else 1


def _played(scenario: Scenario, lab: Lab) -> dict[str, Any]:
    begin = time.monotonic()
    told: dict[str, Any] = {"passed": False, "figures": {}}
    print(f"{scenario.__name__} ...", flush=True)
    try:
        for name, seconds in scenario(lab):
            told["figures"][name] = seconds
        told["passed"] = True
    except Exception as error:  # outermost loop: the other scenarios are worth a try
        told["error"] = f"{type(error).__name__}: {error}"
        told["traceback"] = traceback.format_exc()
        told["journal"] = lab.box.journal()
        told["logs"] = lab.logs()
    told["seconds"] = round(time.monotonic() - begin, 1)
    print(json.dumps({key: told.get(key) for key in ("passed", "seconds", "figures", "error")}))
    lab.quiet()
    return told


if __name__ == "__main__":
    sys.exit(main())
