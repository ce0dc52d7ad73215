"""Logging: lines on stderr, as journald and a terminal both like them."""

from __future__ import annotations

import logging


def set_up(*, verbose: bool = False, access: bool = True) -> None:
    """Send the log to stderr; `access` also has a line for every request."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname).1s %(name)s: %(message)s",
        force=True,
    )
    logging.getLogger("luna.access").setLevel(logging.INFO if access else logging.WARNING)
