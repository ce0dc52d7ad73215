"""The command itself: which checks there are, and how their findings are shown."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from appliance import guide
from appliance.cli import connect, settings
from appliance.cli.doctor import device, engine, machine, npu, service, storage
from appliance.cli.doctor.check import Check, Finding, Level, run_all
from appliance.cli.terminal import can_dim, harmless
from appliance.errors import ConfigError, ModelNotFound
from appliance.models.folder import Entry, inspect
from appliance.models.registry import Registry
from appliance.serving.toolbox import SHIPPED_TOOLS, Toolbox
from appliance.settings import Settings
from appliance.system.board import read_temperatures
from appliance.system.cpu import read_cpu_model
from appliance.system.disk import read_disk
from appliance.system.memory import read_memory
from appliance.system.npu import NpuReading, NpuUnavailable, read_npu

_ENGINE_SECONDS = 60.0
_COLOURS = {Level.OK: "\x1b[32m", Level.WARNING: "\x1b[33m", Level.PROBLEM: "\x1b[31m"}
_NORMAL = "\x1b[0m"


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "doctor",
        help="find out what works here, and what to do about the rest",
        description="Look at everything that Luna needs: the machine, the engine, folders, models, "
        "settings and the port. Nothing is changed. Each warning or problem comes with what to do; "
        "the exit status is 1 if there is a problem.",
        epilog="Examples:\n  luna doctor\n  luna doctor --json\n"
        "  luna doctor --url http://luna.local",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    connect.add_options(parser, "check that a Luna answers there, too")
    settings.add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run every check; returns the exit status."""
    # The findings say what the parts would log.
    logging.getLogger("appliance").addHandler(logging.NullHandler())
    findings = run_all(checks(args))
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        print(as_text(findings, colours=can_dim(sys.stdout, os.environ)))
    return 1 if any(finding.level is Level.PROBLEM for finding in findings) else 0


def checks(args: argparse.Namespace) -> Iterator[Check]:
    """Every check, in the order in which a person would go about it."""
    chosen, error = _settings(args)
    models, data = chosen.models_folder(os.environ), chosen.data_folder(os.environ)
    registry = Registry(models, chosen.models, guide.model_path())
    yield Check("settings", lambda: service.settings_files(settings.files(args), error))
    yield Check("python", machine.python)
    yield Check("processor", lambda: machine.processor(read_cpu_model()))
    yield Check("memory", lambda: machine.memory(read_memory(), _default(registry)))
    yield Check("temperature", lambda: machine.temperature(read_temperatures()))
    yield Check("clock", machine.clock)
    yield Check("npu", lambda: machine.npu(_npu()))
    yield from npu.checks(chosen.npu_engine)
    yield Check("engine library", lambda: engine.importable(chosen.cpu_engine), _ENGINE_SECONDS)
    yield Check("engine", lambda: engine.speaks(chosen.cpu_engine, _bundled()), _ENGINE_SECONDS)
    for name, folder in {"data folder": data, "models folder": models}.items():
        yield Check(name, partial(storage.writable, name, folder))
        yield Check(f"{name} space", partial(_room, f"{name} space", folder))
    yield Check("models", lambda: storage.models(models, registry.entries()))
    yield Check("tools", lambda: service.tools(_toolbox(chosen)))
    yield Check("port", lambda: service.port(chosen.server))
    yield from device.checks()
    if url := args.url or os.environ.get("LUNA_URL"):
        yield Check("server", lambda: service.server(url))


def as_text(findings: Sequence[Finding], *, colours: bool = False) -> str:
    """One line for each finding, its remedy below, and a last line that sums up."""
    lines = []
    for finding in findings:
        level = f"{finding.level:<8}"
        if colours:
            level = f"{_COLOURS[finding.level]}{level}{_NORMAL}"
        lines.append(f"{level}  {finding.name + ':':<21}{harmless(finding.sentence)}")
        if finding.remedy:
            lines.append(f"{'':<31}-> {harmless(finding.remedy)}")
    counts = {level: sum(each.level is level for each in findings) for level in Level}
    summary = f"{counts[Level.PROBLEM]} problems, {counts[Level.WARNING]} warnings."
    return "\n".join([*lines, "", summary])


def _settings(args: argparse.Namespace) -> tuple[Settings, ConfigError | None]:
    """The settings, or the built-in ones and what is wrong with those that are meant."""
    try:
        return settings.read(args), None
    except ConfigError as error:
        return Settings(), error


def _default(registry: Registry) -> Entry | None:
    try:
        return registry.default()
    except ModelNotFound:
        return None


def _bundled() -> Entry:
    path = guide.model_path()
    return inspect(path, path.stem)


def _npu() -> NpuReading | NpuUnavailable:
    try:
        return read_npu()
    except NpuUnavailable as error:
        return error


def _toolbox(chosen: Settings) -> Toolbox:
    return Toolbox((SHIPPED_TOOLS, *chosen.tools.folders), chosen.tools.seconds)


def _room(name: str, folder: Path) -> Finding:
    return storage.room(name, folder, read_disk(folder))
