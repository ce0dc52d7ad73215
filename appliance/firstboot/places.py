"""Where things are on a device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# Where Debian, boards' own systems and ours mount what a computer shows of the card.
_BOOT_PARTITIONS = ("boot/luna", "boot/firmware", "boot/efi", "boot")
_STATES = ("luna-firstboot", "luna-provisioning", "luna-mdns", "luna-watchdog", "luna-ssh")


@dataclass(frozen=True, slots=True)
class Places:
    """Everything below `root`."""

    root: Path = Path("/")

    @property
    def settings(self) -> Path:
        """What the owner set, and who the device is."""
        return self.root / "etc/luna"

    @property
    def data(self) -> Path:
        """What the server keeps."""
        return self.root / "var/lib/luna"

    @property
    def state(self) -> Path:
        """What was made here once."""
        return self.root / "var/lib/luna-firstboot"

    @property
    def states(self) -> tuple[Path, ...]:
        """What services keep, beside the server."""
        return tuple(self.root / "var/lib" / name for name in _STATES)

    @property
    def wifi_profiles(self) -> Path:
        """NetworkManager's, with their passwords."""
        return self.root / "etc/NetworkManager/system-connections"

    def on_boot_partition(self, *names: str) -> Path | None:
        """The first file there with one of these names, which FAT may have in capitals."""
        for folder in _BOOT_PARTITIONS:
            try:
                found = sorted((self.root / folder).iterdir())
            except OSError:
                continue
            for path in found:
                if path.name.lower() in names and path.is_file():
                    return path
        return None
