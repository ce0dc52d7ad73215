"""What decides about clocks: the governors of the NPU, the memory and the processors.

Of the kernel's devfreq and cpufreq. What the NPU may reach at most, `max_freq`, is the watchdog's
to set, and holds whatever governs below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.errors import LunaError

# A folder's files with the governor and the list of those that there are.
_KINDS = (
    ("sys/class/devfreq/*.npu", "governor", "available_governors"),
    ("sys/class/devfreq/dmc", "governor", "available_governors"),
    (
        "sys/devices/system/cpu/cpufreq/policy*",
        "scaling_governor",
        "scaling_available_governors",
    ),
)


class GovernorStuck(LunaError):
    """A governor cannot be set; the message says what is missing."""

    code = "governor_stuck"


@dataclass(frozen=True, slots=True)
class Governor:
    """The file that names who governs, who that is now, and who else could."""

    file: Path
    now: str
    choices: tuple[str, ...]

    def set(self, name: str) -> None:
        """Let that one govern. Raises GovernorStuck."""
        try:
            self.file.write_text(f"{name}\n", "ascii")
        except OSError as error:
            raise GovernorStuck(
                f"{self.file} cannot be set to {name} ({error.strerror}); its user must be let "
                "write to it."
            ) from error


def read_governors(root: Path = Path("/")) -> tuple[Governor, ...]:
    """All that there are on this machine; those that cannot be read are left out."""
    found = []
    for pattern, governor, choices in _KINDS:
        for folder in sorted(root.glob(pattern)):
            try:
                now = (folder / governor).read_text("ascii").strip()
                known = (folder / choices).read_text("ascii").split()
            except (OSError, UnicodeDecodeError):
                continue
            found.append(Governor(folder / governor, now, tuple(known)))
    return tuple(found)
