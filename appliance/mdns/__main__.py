"""The advertiser as a process of its own: small, because nothing of the server is imported."""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
from collections.abc import Sequence
from typing import Any

from appliance import __version__, config
from appliance.errors import LunaError
from appliance.mdns import options
from appliance.mdns.advertiser import Advertiser, own_names
from appliance.mdns.services import Facts, Service, services
from appliance.observe import logbook
from appliance.settings import Settings
from appliance.system import sdnotify
from appliance.system.board import read_board
from appliance.system.identity import read_identity
from appliance.system.netlink import Changes, network
from appliance.system.responders import other_responders


def main(arguments: Sequence[str] | None = None) -> int:
    """Announce until SIGTERM or SIGINT; returns the exit status."""
    parser = argparse.ArgumentParser(prog="luna mdns")
    options.add_options(parser)
    args = parser.parse_args(arguments)
    try:
        settings = config.load(
            args.config or config.default_files(os.environ), os.environ, _overrides(args)
        )
        logbook.set_up(verbose=args.verbose, access=False)
        asyncio.run(_advertise(settings))
    except LunaError as error:
        print(f"luna: {error}", file=sys.stderr)
        return 1
    return 0


async def _advertise(settings: Settings) -> None:
    identity = read_identity([settings.data_folder(os.environ)])
    names = own_names(
        settings.mdns, identity.name, identity.short, _reserved(), pick=random.randint
    )
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    board = read_board().model or ""

    def announced() -> tuple[Service, ...]:
        setup, auth = settings.mdns.setup_mark.exists(), settings.mdns.auth_mark.exists()
        facts = Facts(identity, names.own_instance, __version__, board, setup, auth)
        return services(settings, facts)

    announced()  # what is wrong with the settings is told before anything is sent
    with Changes() as changes:
        sdnotify.notify("READY=1", os.environ)
        await Advertiser(settings.mdns, names, announced, network).run(changes, stop)
        sdnotify.notify("STOPPING=1", os.environ)


def _reserved() -> frozenset[str]:
    """The machine's own host name, where another responder of this machine answers to it."""
    own = os.uname().nodename.partition(".")[0].lower()
    return frozenset([own]) if other_responders() else frozenset()


def _overrides(args: argparse.Namespace) -> dict[str, Any]:
    found = {"mdns.name": args.name, "server.port": args.port, "data": args.data_dir}
    return {key: str(value) for key, value in found.items() if value is not None}


if __name__ == "__main__":
    sys.exit(main())
