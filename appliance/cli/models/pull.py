"""`luna models pull`: fetch a model, by the server of this machine or in its absence.

A running server does it, so that the download goes on when this command ends, and is seen by all
of its clients. Without one, or with `--models-dir`, it is done here.
"""

from __future__ import annotations

import argparse
import os
import sys

from appliance import guide
from appliance.cli import connect, settings
from appliance.cli.client import ServerUnreachable
from appliance.cli.models.bar import Bar
from appliance.cli.table import size
from appliance.cli.terminal import harmless
from appliance.domain.cancel import CancelToken
from appliance.errors import ConfigError
from appliance.models.downloads.job import Job
from appliance.models.downloads.means import means_of, this_machine
from appliance.models.downloads.plan import make_plan
from appliance.models.hub.names import HubName, parse_hub_name
from appliance.models.hub.offers import choose, offers
from appliance.models.registry import Registry
from appliance.settings import Settings

_SILENCE = 120.0  # seconds; a server tells of a download once a second


def run_pull(args: argparse.Namespace) -> int:
    """Fetch the model and show how far it is; returns the exit status."""
    name = parse_hub_name(args.name)
    named = bool(args.url or os.environ.get("LUNA_URL"))
    if named or args.models_dir is None:
        try:
            return _by_server(args)
        except ServerUnreachable:
            if named:
                raise
    return _here(name, settings.read(args))


def _by_server(args: argparse.Namespace) -> int:
    client = connect.client(args, timeout=_SILENCE)
    bar: Bar | None = None
    for line in client.lines("/api/pull", {"model": args.name}):
        if "total" not in line:
            continue
        done, total = int(line.get("completed", 0)), int(line["total"])
        if bar is None:
            file = harmless(str(line["status"])).removeprefix("pulling ")
            print(f"The server at {client.url} fetches {file} ({size(total)}).")
            bar = Bar(sys.stdout, total)
        bar.show(done)
    if bar is not None:
        bar.end()
    print(f"{harmless(args.name)} is there.")
    return 0


def _here(name: HubName, chosen: Settings) -> int:
    folder = chosen.models_folder(os.environ)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made: {error.strerror}; name another.") from error
    means, cancel = means_of(chosen.downloads, folder), CancelToken()
    repository = means.hub.look(name.repo, cancel, name.revision)
    offer = choose(offers(repository), name.which, this_machine())
    registry = Registry(folder, chosen.models, guide.model_path())
    if there := registry.downloaded().get((offer.repo, offer.file)):
        print(f"{there.id} is there.")
        return 0
    plan = make_plan(repository, offer)
    print(f"Fetching {harmless(offer.file)} ({size(plan.size)}) into {folder}.")
    bar = Bar(sys.stdout, plan.size)
    try:
        path = Job(plan, means, cancel, bar.show).run()
    finally:
        bar.end()
    print(f"{path.name} is there.")
    return 0
