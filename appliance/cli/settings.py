"""The options that every command has which reads Luna's settings."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from appliance import config
from appliance.settings import Settings


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add `--models-dir`, `--data-dir` and `--config`, as `luna serve` has them."""
    parser.add_argument("--models-dir", type=Path, help="folder with the models")
    parser.add_argument("--data-dir", type=Path, help="folder for everything that is kept")
    parser.add_argument(
        "--config", type=Path, action="append", help="settings file; may be given more than once"
    )


def files(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> list[Path]:
    """The settings files that are read."""
    return args.config or config.default_files(environ)


def read(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that a server with the same options has; raises ConfigError."""
    options = {"models.folder": args.models_dir, "data": args.data_dir}
    overrides = {name: str(value) for name, value in options.items() if value is not None}
    return config.load(files(args, environ), environ, overrides)
