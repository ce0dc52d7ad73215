"""`luna import`: models from a USB stick, or any folder."""

from __future__ import annotations

import argparse
import logging
import os
import signal
from pathlib import Path
from typing import Any

from appliance.cli import settings
from appliance.cli.terminal import harmless
from appliance.errors import ConfigError
from appliance.importing import progress
from appliance.importing.importer import Importer
from appliance.importing.progress import Progress


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "import",
        help="copy models from a USB stick or a folder",
        description="Copy every model (.gguf, .rkllm, and folders with one) from a folder or its "
        "subfolder `models` into the models folder. Each is checked before it can be seen, and the "
        "disk is never filled. A device does this by itself when a USB stick is plugged in.",
        epilog="Example:\n  luna import /media/stick",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="where the models are")
    parser.add_argument(
        "--progress", metavar="NAME", help="tell the device's screen how far it is, as NAME"
    )
    settings.add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Copy them; the exit status is 1 if none could be."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    models = settings.read(args).models_folder(os.environ)
    tell = progress.teller(args.progress)
    # How systemd ends what reads from a stick that is gone.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        models.mkdir(parents=True, exist_ok=True)
        result = Importer(args.folder, models, tell).run()
    except KeyboardInterrupt:
        tell(Progress("failed", "The stick was pulled out too early; plug it in again."))
        raise
    except OSError as error:
        raise ConfigError(
            f"{models} cannot be written to ({error.strerror}); run it as the folder's owner."
        ) from error
    finally:
        signal.signal(signal.SIGTERM, before)
    for sentence in (result.message, *result.problems):
        print(harmless(sentence))
    return 1 if result.state == "failed" else 0
