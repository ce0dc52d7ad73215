"""What is in the models folder now: a bare `name.gguf`, or a folder `name/` with one inside.

The same holds for `.rkllm`, the files of the NPU: their format is the vendor's own, so that only
the runtime can tell whether one is whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from stat import S_ISREG
from typing import Any

from appliance.models import gguf
from appliance.models.manifest import NAME, BadManifest, Manifest, read
from appliance.models.rkllm_names import parse_name

_NPU = ".rkllm"
_SUFFIXES = (".gguf", _NPU)
# What else the NPU's engine reads of a model's own folder.
BESIDE = (
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "1_Pooling/config.json",
)
_SPLIT = re.compile(r"(?P<stem>.+)-(?P<part>\d{5})-of-(?P<parts>\d{5})$")


@dataclass(frozen=True, slots=True)
class Entry:
    """A model file; `problem` says why it cannot be used, "" that nothing speaks against it.

    `changed` is the time of the last change in seconds since the epoch, `parameters` the number
    of weights, `context_length` in tokens; both are 0 where they are not known. `metadata` is
    that of the file's header, without its long lists; `tensors` counts them by their type.
    """

    id: str
    path: Path
    size_bytes: int
    changed: float
    stamp: tuple[int, ...] = ()
    problem: str = ""
    architecture: str = "unknown"
    parameters: int = 0
    context_length: int = 0
    manifest: Manifest = field(default_factory=Manifest)
    bundled: bool = False
    reranker: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    tensors: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)

    @property
    def for_npu(self) -> bool:
        """Whether it is made for the NPU; else it is a GGUF file."""
        return self.path.suffix == _NPU

    @property
    def usable(self) -> bool:
        """Whether an engine may try to load it."""
        return not self.problem


def scan(folder: Path, known: Sequence[Entry] = ()) -> tuple[Entry, ...]:
    """Every model file below `folder`, good or bad, sorted by id; hidden names are left out.

    `known` entries that are good and whose files did not change since are taken over: reading the
    vocabulary of a large model takes a good part of a second.
    """
    good = {entry.path: entry for entry in known if entry.usable}
    found = (_again(good.get(path)) or inspect(path, id, own) for path, id, own in _files(folder))
    return tuple(sorted(found, key=lambda entry: entry.id))


def inspect(path: Path, id: str, manifest_folder: Path | None = None) -> Entry:
    """Look at one file."""
    try:
        stat = path.stat()
        stamp = _stamp(path)
    except OSError as error:
        return Entry(id, path, 0, 0.0, problem=f"The file cannot be read: {error.strerror}.")
    if not S_ISREG(stat.st_mode):  # reading a pipe would wait for ever
        return Entry(id, path, 0, 0.0, problem="This is no file that could hold a model.")
    entry = Entry(id, path, stat.st_size, stat.st_mtime, stamp)
    try:
        entry = replace(entry, manifest=read(manifest_folder) if manifest_folder else Manifest())
        if entry.for_npu:
            return _for_npu(entry)
        header = gguf.read_header(path)
        size = _complete_size(path, stat.st_size, header.least_bytes)
    except (gguf.BadModelFile, BadManifest) as error:
        return _with_problem(entry, str(error))
    except OSError as error:
        return _with_problem(entry, f"The file cannot be read: {error.strerror}.")
    return replace(
        entry,
        size_bytes=size,
        architecture=header.architecture,
        parameters=header.parameters,
        context_length=header.context_length,
        reranker=header.reranker,
        metadata=header.metadata,
        tensors=header.tensors,
    )


def _for_npu(entry: Entry) -> Entry:
    """What is known by names: of the file, or of its folder if the file has none to speak of."""
    generic = entry.path.stem == "model"
    name = parse_name(entry.path.parent.name if generic else entry.path.name)
    problem = "" if entry.size_bytes else "The file is empty: it is still being copied."
    return replace(entry, parameters=name.parameters, context_length=name.context, problem=problem)


def parts(path: Path) -> tuple[Path, ...]:
    """Every file of the model whose first one is `path`, that one first."""
    split = _SPLIT.match(path.stem)
    if split is None:
        return (path,)
    stem, count = split["stem"], int(split["parts"])
    others = (f"{stem}-{part:05}-of-{count:05}{path.suffix}" for part in range(2, count + 1))
    return (path, *(path.with_name(name) for name in others))


def _files(folder: Path) -> Iterator[tuple[Path, str, Path | None]]:
    """Path and id of each model file, and the folder of its own if it has one.

    A bare file beside a folder of the same name is called by its whole name.
    """
    try:
        children = [child for child in folder.iterdir() if not child.name.startswith(".")]
    except OSError:
        return  # no folder yet: no models
    folders = {child.name for child in children if child.is_dir()}
    for child in children:
        if child.name in folders:
            inside = (file for suffix in _SUFFIXES for file in child.glob(f"[!.]*{suffix}"))
            files = sorted(file for file in inside if _is_first(file))
            for file in files:
                id = child.name if len(files) == 1 else f"{child.name}/{_name(file)}"
                yield file, id, child
        elif child.suffix in _SUFFIXES and _is_first(child):
            name = _name(child)
            yield child, child.name if name in folders else name, None


def _again(entry: Entry | None) -> Entry | None:
    try:
        return entry if entry is not None and _stamp(entry.path) == entry.stamp else None
    except OSError:
        return None


def _stamp(path: Path) -> tuple[int, ...]:
    """What changes whenever the file or the manifest beside it does."""
    stat = path.stat()
    manifest = path.with_name(NAME)
    beside = manifest.stat().st_mtime_ns if manifest.is_file() else 0
    return stat.st_size, stat.st_mtime_ns, stat.st_ino, beside


def _name(file: Path) -> str:
    split = _SPLIT.match(file.stem)
    return split["stem"] if split else file.stem


def _is_first(file: Path) -> bool:
    """Whether `file` stands for a model: the later parts of a split one do not."""
    split = _SPLIT.match(file.stem)
    return split is None or int(split["part"]) == 1


def _complete_size(path: Path, size: int, least: int) -> int:
    """The bytes of all parts; raises BadModelFile where some are missing."""
    whole = parts(path)
    total = size
    for part, sibling in enumerate(whole[1:], 2):
        if not sibling.is_file():
            raise gguf.BadModelFile(
                f"Part {part} of {len(whole)} is missing: copy {sibling.name} too."
            )
        total += sibling.stat().st_size
    if size < least:
        raise gguf.BadModelFile(
            f"The file is not complete: {size} of {least} bytes are there. It is still being "
            "copied, or the copy was cut off."
        )
    return total


def _with_problem(entry: Entry, problem: str) -> Entry:
    return replace(entry, problem=problem)
