"""All device tools of this machine, kept in step with the folders that hold them."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.serving.toolbox.call import Limits, call_tool
from appliance.serving.toolbox.ownership import file_objection, folder_objection
from appliance.serving.toolbox.signature import Refusal, read_tools
from appliance.serving.toolbox.tool import DeviceTool, ToolFailed

SHIPPED_TOOLS = Path(__file__).parents[2] / "device_tools"

_Fingerprint = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Content:
    """What the folders held when they looked like `fingerprint`."""

    fingerprint: _Fingerprint
    tools: Mapping[str, DeviceTool]
    refused: tuple[Refusal, ...]


class Toolbox:
    """Tools of some folders, found without running them and run in processes of their own.

    A folder and its files must be root's, or of one of `trusted_uids`, and not open to changes by
    others; the shipped folder is trusted as Luna's own code is. Earlier folders win a name. One
    call lasts at most `time_limit` seconds and gives at most `output_limit` characters.
    """

    def __init__(
        self,
        folders: Sequence[Path] = (SHIPPED_TOOLS,),
        time_limit: float = 10.0,
        output_limit: int = 16384,
        trusted_uids: Collection[int] = (),
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._folders = tuple(folders)
        self._limits = Limits(time_limit, output_limit)
        self._trusted = frozenset(trusted_uids)
        self._environ = environ
        self._lock = threading.Lock()
        self._content = _Content((), {}, ())

    def tools(self) -> tuple[DeviceTool, ...]:
        """Every usable tool, as the folders are now."""
        return tuple(self._current().tools.values())

    def refused(self) -> tuple[Refusal, ...]:
        """Files and folders that hold tools which must not or cannot run, each with the reason."""
        return self._current().refused

    def run(self, name: str, arguments: str) -> str:
        """Call a tool with the JSON object that a model wrote. Raises ToolFailed."""
        tools = self._current().tools
        if name not in tools:
            raise ToolFailed(
                f"There is no tool named {name!r}; there are: {', '.join(tools) or 'none'}."
            )
        tool = tools[name]
        return call_tool(tool, tool.parse(arguments), self._limits, self._environ)

    def _current(self) -> _Content:
        with self._lock:
            # Unlike Path.resolve, realpath takes links that lead in a circle.
            folders = [Path(os.path.realpath(folder)) for folder in self._folders]
            fingerprint = tuple(entry for folder in folders for entry in _fingerprint(folder))
            if fingerprint != self._content.fingerprint:
                self._content = self._scan(folders, fingerprint)
            return self._content

    def _scan(self, folders: Sequence[Path], fingerprint: _Fingerprint) -> _Content:
        tools: dict[str, DeviceTool] = {}
        refused: list[Refusal] = []
        for folder in folders:
            found, objections = self._scan_folder(folder)
            refused += objections
            for tool in found:
                first = tools.setdefault(tool.name, tool)
                if first is not tool:
                    refused.append((tool.path, f"{tool.name}: {first.path} has one of that name."))
        return _Content(fingerprint, tools, tuple(refused))

    def _scan_folder(self, folder: Path) -> tuple[list[DeviceTool], list[Refusal]]:
        trusted = folder == Path(os.path.realpath(SHIPPED_TOOLS))
        try:
            if not folder.exists():
                return [], []
            if not trusted and (reason := folder_objection(folder, self._trusted)):
                return [], [(folder, reason)]
            sources = _sources(folder)
        except OSError as error:
            return [], [_unreadable(folder, error)]
        tools: list[DeviceTool] = []
        refused: list[Refusal] = []
        for path in sources:
            found, objections = self._scan_file(path, trusted=trusted)
            tools += found
            refused += objections
        return tools, refused

    def _scan_file(
        self, path: Path, *, trusted: bool
    ) -> tuple[tuple[DeviceTool, ...], tuple[Refusal, ...]]:
        try:
            if not trusted and (reason := file_objection(path, self._trusted)):
                return (), ((path, reason),)
            return read_tools(path.read_bytes(), path)
        except OSError as error:
            return (), (_unreadable(path, error),)


def _unreadable(path: Path, error: OSError) -> Refusal:
    return path, f"{path} cannot be read ({error.strerror}); let the user of this service read it."


def _sources(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix == ".py" and not path.name.startswith(("_", "."))
    )


def _fingerprint(folder: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Whatever decides what tools there are and whether they may be trusted."""
    for parent in folder.parents:
        yield str(parent), _stamp(parent)[:2]
    yield str(folder), _stamp(folder)
    try:
        files = _sources(folder)
    except OSError:
        return
    for path in files:
        yield str(path), _stamp(path)


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.lstat()
    except OSError:
        return ()
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return (status.st_uid, status.st_mode, status.st_ino, status.st_size, *times)
