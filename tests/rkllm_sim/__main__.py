"""`python -m tests.rkllm_sim --abi 1.3.0 --out DIR`: builds the simulator and prints its path."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.rkllm_sim.build import ABIS, build


def main() -> None:
    """Build what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.rkllm_sim", description=__doc__)
    parser.add_argument("--abi", choices=sorted(ABIS), default="1.3.0")
    parser.add_argument("--out", type=Path, required=True, help="folder for the library")
    chosen = parser.parse_args()
    print(build(chosen.abi, chosen.out))


if __name__ == "__main__":
    main()
