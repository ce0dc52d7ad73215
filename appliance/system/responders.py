"""Other programs of this machine that answer multicast DNS: avahi, systemd-resolved and others."""

from __future__ import annotations

from pathlib import Path

_PORT = 5353
_TABLES = ("udp", "udp6")


def other_responders(proc: Path = Path("/proc")) -> int:
    """How many sockets of other processes have the port of multicast DNS."""
    own = _own_sockets(proc)
    return sum(
        inode not in own
        for table in _TABLES
        for inode in parse_sockets(_text(proc / "net" / table), _PORT)
    )


def parse_sockets(table: str, port: int) -> list[int]:
    """Inodes of the sockets that have a local port, by /proc/net/udp or udp6 (proc(5))."""
    found = []
    for line in table.splitlines():
        match line.split():
            case [_, local, _, _, _, _, _, _, _, inode, *_]:
                if local.rpartition(":")[2] == f"{port:04X}" and inode.isdecimal():
                    found.append(int(inode))
    return found


def _own_sockets(proc: Path) -> set[int]:
    found = set()
    for link in (proc / "self/fd").glob("*"):
        try:
            target = link.readlink().name
        except OSError:  # closed since it was listed
            continue
        inode = target.removeprefix("socket:[").removesuffix("]")
        if target.startswith("socket:[") and inode.isdecimal():
            found.add(int(inode))
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""
