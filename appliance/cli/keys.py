"""`luna keys`: who may use the models and who may administer the device."""

from __future__ import annotations

import argparse
import os
import re
import sys
from datetime import UTC, datetime
from typing import Any

from appliance.cli import settings
from appliance.cli.table import table
from appliance.domain.keys import SCOPES, digest, new_secret
from appliance.errors import BadRequest
from appliance.store.database import Database
from appliance.store.keys import Keys

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@ -]{0,63}")
_CLOSED = "From now on the models answer only to those who have a key."


def add_parser(commands: Any) -> None:
    """Add the subcommand and its actions."""
    parser = commands.add_parser(
        "keys",
        help="make, list and revoke API keys",
        description="API keys of the server with the same settings, which heeds a change at once. "
        "Models are for everybody on the network until there is a key for inference. "
        "Administration needs a key for it, or a program on the device itself.",
        epilog="Examples:\n  luna keys add phone\n  luna keys add owner --scope admin\n"
        "  luna keys revoke phone",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    settings.add_options(parser)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    adding = actions.add_parser("add", help="make a key; it is shown this one time only")
    adding.add_argument("name", help="whom or what it is for")
    adding.add_argument(
        "--scope",
        choices=SCOPES,
        default="inference",
        help="what it opens: the models (inference, the default), or all (admin)",
    )
    adding.set_defaults(act=_add)
    listing = actions.add_parser("list", help="show which keys there are")
    listing.set_defaults(act=_list)
    revoking = actions.add_parser("revoke", help="have a key open nothing any more")
    revoking.add_argument("name", help="the name it was made with")
    revoking.set_defaults(act=_revoke)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what was asked; returns the exit status."""
    database = Database(settings.read(args).database_file(os.environ))
    try:
        args.act(Keys(database), args)
    finally:
        database.close()
    return 0


def _add(keys: Keys, args: argparse.Namespace) -> None:
    if not _NAME.fullmatch(args.name):
        raise BadRequest(
            "The name of a key is up to 64 letters, digits, spaces and . _ @ -, and begins with a "
            "letter or a digit."
        )
    closed = keys.for_inference()
    secret = new_secret()
    keys.add(args.name, [args.scope], digest(secret))
    # The key alone goes to stdout, so that a script can keep it.
    print("Keep this key: it is not shown again.", file=sys.stderr)
    print(secret, flush=True)
    if not closed and keys.for_inference():
        print(_CLOSED, file=sys.stderr)


def _list(keys: Keys, args: argparse.Namespace) -> None:
    kept = keys.all()
    rows = [
        (
            each.key.name,
            " ".join(sorted(each.key.scopes)),
            f"{datetime.fromtimestamp(each.made, UTC):%Y-%m-%d %H:%M} UTC",
        )
        for each in kept
    ]
    if rows:
        print(table(("NAME", "SCOPE", "MADE"), rows))
    if keys.for_inference():
        return
    if keys.closed.exists():
        print(
            "The models are closed, and the keys to them are lost: make one with `luna keys add`."
        )
    else:
        print("The models are for everybody on the network: there is no key for inference.")


def _revoke(keys: Keys, args: argparse.Namespace) -> None:
    closed = keys.for_inference()
    keys.revoke(args.name)
    print(f"The key '{args.name}' opens nothing any more.")
    if closed and not keys.for_inference():
        print("That was the last key for inference: the models are for everybody now.")
