"""`luna update`: install a new firmware image, and trust or leave it at its first start."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from appliance import config
from appliance.cli.terminal import harmless
from appliance.errors import ConfigError
from appliance.importing.progress import Progress as Told
from appliance.importing.progress import teller
from appliance.importing.stick import updates
from appliance.observe import logbook
from appliance.settings import UpdateSettings
from appliance.system.rauc import Progress, Rauc
from appliance.system.units import Units
from appliance.updates import trial
from appliance.updates.confirm import confirm
from appliance.updates.judge import ON_TRIAL, wait_for_verdict
from appliance.updates.offer import refuse_older, why_not
from appliance.updates.release import running_version
from appliance.updates.stick import PULLED_OUT, install_newest

_WAITING = f"{ON_TRIAL}. The update begins then, in some minutes."


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "update",
        help="install a new firmware image into the other slot",
        description="Install a signed update (a .raucb file or a URL) into the slot that is not "
        "running, with the device at work; the next start uses it. A new system that does not come "
        "up three times, or whose services stay sick, is left for the one before. "
        "Without an update to install: which systems there are.",
        epilog="Examples:\n  luna update\n  luna update luna-rock-5b.raucb\n"
        "  luna update https://example.org/luna-rock-5b.raucb\n  luna update --newest",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("source", nargs="?", help="the update: a file of this device, or a URL")
    add("--newest", action="store_true", help="from updates.url of the settings, if it is newer")
    add("--allow-older", action="store_true", help="also one that is older than what runs")
    add("--stick", type=Path, metavar="FOLDER", help="the newest in a folder, then restart")
    add("--progress", metavar="NAME", help="tell the device's screen how far it is, as NAME")
    add("--confirm", action="store_true", help="judge the running system (luna-confirm.service)")
    add("--patience", type=float, default=trial.PATIENCE_SECONDS, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Install, judge or tell; returns the exit status."""
    if args.confirm:
        logbook.set_up(verbose=False, access=False)
        folder = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/luna-confirm"))
        asyncio.run(confirm(running_version(), folder, args.patience))
    elif args.stick:
        asyncio.run(_from_stick(args.stick, args.progress))
    elif args.newest:
        asyncio.run(_install_newest(_settings().url))
    elif args.source:
        allowed = _settings().allow_older
        asyncio.run(_install(args.source, wanted=args.allow_older, allowed=allowed))
    else:
        asyncio.run(_tell())
    return 0


def _settings() -> UpdateSettings:
    return config.load(config.default_files(os.environ), os.environ).updates


async def _install(source: str, *, wanted: bool, allowed: bool) -> None:
    if "://" not in source:
        source = str(Path(source).resolve())
    async with await Rauc.connect() as rauc:
        version = await rauc.version(source)
        remedy = "add --allow-older to go back"
        refuse_older(version, running_version(), wanted=wanted, allowed=allowed, remedy=remedy)
        await _carry_out(rauc, source, version)


async def _install_newest(url: str) -> None:
    if not url:
        raise ConfigError(
            "Nobody has said where updates are: set updates.url in /etc/luna/luna.toml, or name "
            "one (luna update URL)."
        )
    async with await Rauc.connect() as rauc:
        version = await rauc.version(url)
        if why := why_not(version, running_version(), await rauc.slots(), f"at {url}"):
            print(why)
        else:
            await _carry_out(rauc, url, version)


async def _carry_out(rauc: Rauc, source: str, version: str) -> None:
    await wait_for_verdict(lambda: print(_WAITING, flush=True))
    await rauc.install(source, _show)
    print(f"\n{version} is installed. Restart the device to use it.")


async def _from_stick(stick: Path, screen: str | None) -> None:
    to_screen = teller(screen)

    def tell(now: Told) -> None:
        to_screen(now)
        if now.state != "copying":
            print(*map(harmless, (now.message, *now.problems)), sep="\n", flush=True)

    bundles = updates(stick)
    if bundles and await _unless_pulled_out(bundles, tell):
        await Units().reboot()


async def _unless_pulled_out(bundles: Sequence[Path], tell: Callable[[Told], None]) -> bool:
    """systemd ends what reads from a stick that is gone."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(install_newest(bundles, running_version(), tell))
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        tell(PULLED_OUT)
        return False
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def _show(progress: Progress) -> None:
    sys.stdout.write(f"\r\x1b[K{progress.percent:3} %  {progress.message}")
    sys.stdout.flush()


async def _tell() -> None:
    async with await Rauc.connect() as rauc:
        slots = await rauc.slots()
    for slot in slots:
        version = running_version() if slot.running else slot.version or "-"
        state = "runs" if slot.running else "ready" if slot.bootable else "not used"
        print(f"{slot.name}  {state:8}  {version}")
