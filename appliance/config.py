"""Settings: one table, read from TOML files, then `LUNA_*` variables, then the command line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from appliance.errors import ConfigError
from appliance.settings import Settings


def default_files(environ: Mapping[str, str]) -> list[Path]:
    """The files that are read, in order, when none is named: an image's, the owner's, a user's."""
    home = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "/")) / ".config")
    folders = (Path("/usr/share/luna"), Path("/etc/luna"), home / "luna")
    return [
        file
        for folder in folders
        for file in (folder / "luna.toml", *sorted((folder / "luna.d").glob("*.toml")))
        if file.is_file()
    ]


def load(
    files: Iterable[Path],
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Merge the files, then `LUNA_SECTION_KEY` variables, then `overrides` (dotted keys).

    Raises ConfigError, which names the source and the key.
    """
    merged: dict[str, Any] = {}
    for file in files:
        _merge(merged, _read(file))
        _convert(merged, str(file), strict=True)
    _merge(merged, _from_environment(environ))
    _convert(merged, "the LUNA_* variables", strict=False)
    for dotted, value in (overrides or {}).items():
        _merge(merged, _nested(dotted.split("."), value))
    return _convert(merged, "the command line", strict=False)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}.") from error


def _convert(merged: Mapping[str, Any], source: str, *, strict: bool) -> Settings:
    try:
        return msgspec.convert(merged, Settings, strict=strict, dec_hook=_path)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        where = f" at '{path.rstrip('`')}'" if path else ""
        raise ConfigError(f"A setting in {source} is wrong{where}: {what}.") from error


def _path(kind: type, value: Any) -> Any:
    """msgspec's hook for types that it does not know: paths, with `~` for the home folder."""
    if kind is Path and isinstance(value, str | Path):
        return Path(os.path.expanduser(value))  # noqa: PTH111  (leaves ~nobody as it is)
    raise TypeError(f"Expected {kind.__name__}")


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """`LUNA_SERVER_PORT=80` sets server.port; lists are comma-separated; others are left alone."""
    found: dict[str, Any] = {}
    for section in msgspec.structs.fields(Settings):
        prefix = f"LUNA_{section.name}".upper()
        if section.name == "data":
            if prefix in environ:
                found["data"] = environ[prefix]
            continue
        for key in msgspec.structs.fields(section.type):
            value = environ.get(f"{prefix}_{key.name}".upper())
            if value is not None and key.name not in ("aliases", "listeners"):
                is_list = str(key.type).startswith("tuple")
                items = [part.strip() for part in value.split(",") if part.strip()]
                _merge(found, _nested([section.name, key.name], items if is_list else value))
    return found


def _nested(path: list[str], value: Any) -> dict[str, Any]:
    for name in reversed(path):
        value = {name: value}
    return dict(value)


def _merge(into: dict[str, Any], new: Mapping[str, Any]) -> None:
    for key, value in new.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value
