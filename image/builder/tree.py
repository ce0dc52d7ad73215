"""A root file system that lies in a folder: unpacked, changed, run in, packed again."""

from __future__ import annotations

import shutil
from pathlib import Path

from image.builder.programs import run

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEEP_ALL = ("--numeric-owner", "--xattrs", "--xattrs-include=*")


class Tree:
    """The folder, and what is done to it. New files get the time `epoch`."""

    def __init__(self, root: Path, epoch: int) -> None:
        self.root = root
        self._epoch = epoch

    def unpack(self, archive: Path) -> None:
        """Fill the folder, which must not exist yet, from an archive."""
        self.root.mkdir(parents=True)
        self.add(archive)

    def add(self, archive: Path) -> None:
        """Put what is in an archive beside what is there."""
        run("tar", "-C", self.root, *_KEEP_ALL, "-xf", archive)

    def pack(self, archive: Path) -> None:
        """Write everything into an archive, in the same order and with no time of today."""
        alike = ("--sort=name", "--clamp-mtime", f"--mtime=@{self._epoch}")
        run("tar", "-C", self.root, *_KEEP_ALL, *alike, "-cf", archive, ".")

    def do(self, *command: str) -> str:
        """Run a command in it, as root, with /proc and the network of this machine."""
        # What the dangling /etc/resolv.conf points at; `tidy` empties /run.
        stub = self.root / "run/systemd/resolve/stub-resolv.conf"
        stub.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/etc/resolv.conf", stub)
        environ = [f"PATH={_PATH}", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"]
        environ += ["HOME=/", f"SOURCE_DATE_EPOCH={self._epoch}"]
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        return run(
            *apart, f"--mount-proc={self.root}/proc", "chroot", self.root, "env", "-i", *environ,
            *command,
        )  # fmt: skip

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file of root's."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(text, "utf-8")
        file.chmod(mode)

    def copy(self, source: Path, path: str) -> None:
        """Copy a file in, as root's; `path` may begin with a slash."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, file)
        file.chmod(0o644)

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link in the place of whatever is there."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.symlink_to(target)

    def lay_over(self, folder: Path) -> None:
        """Copy a folder's files over it; programs and scripts stay executable, all is root's."""
        for source in sorted(path for path in folder.rglob("*") if not path.is_dir()):
            mode = 0o755 if source.stat().st_mode & 0o111 else 0o644
            self.write(str(source.relative_to(folder)), source.read_text("utf-8"), mode)

    def remove(self, *patterns: str) -> None:
        """Remove every file and folder that matches."""
        for pattern in patterns:
            for found in sorted(self.root.glob(pattern)):
                if found.is_dir() and not found.is_symlink():
                    shutil.rmtree(found)
                else:
                    found.unlink()
