"""Folders: room, permission, and the models in them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from appliance.cli.doctor.check import Finding, ok, problem, warning
from appliance.cli.table import size
from appliance.models.folder import Entry
from appliance.system.disk import Disk

_LITTLE, _TOO_LITTLE = 2e9, 100e6  # bytes


def room(name: str, folder: Path, disk: Disk) -> Finding:
    """Whether there is space for more."""
    sentence = f"{size(disk.free_bytes)} of {size(disk.total_bytes)} are free for {folder}."
    remedy = "Remove a model with: luna models rm NAME"
    if disk.free_bytes < _TOO_LITTLE:
        return problem(name, sentence, remedy)
    if disk.free_bytes < _LITTLE:
        return warning(name, sentence, remedy)
    return ok(name, sentence)


def writable(name: str, folder: Path) -> Finding:
    """Whether this user may put files there, or make the folder."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        remedy = f"Move it away: mv {place} {place}.old"
        return problem(name, f"{place} is not a folder.", remedy)
    if os.access(place, os.W_OK | os.X_OK):
        made = "can be written" if place == folder.absolute() else "will be made when it is needed"
        return ok(name, f"{folder} {made}.")
    remedy = f"Run Luna as the owner of {place}, or name another folder with --data-dir."
    return problem(name, f"This user may not write to {place}.", remedy)


def models(folder: Path, entries: Sequence[Entry]) -> Finding:
    """Which models cannot be used, and why."""
    bad = [entry for entry in entries if not entry.usable]
    good = len(entries) - len(bad)
    reasons = " ".join(f"'{entry.id}': {entry.problem}" for entry in bad)
    if not good:
        remedy = f"Copy a GGUF file into the folder: cp MODEL.gguf {folder}/"
        return problem("models", f"No model can be used. {reasons}".strip(), remedy)
    if bad:
        remedy = "Copy those files again, or remove them with: luna models rm NAME"
        return warning("models", f"{good} models can be used, {len(bad)} not. {reasons}", remedy)
    return ok("models", f"{good} models can be used; '{entries[0].id}' is the default one.")
