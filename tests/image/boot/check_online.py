"""The newest update, from a web server that the settings name: read bit by bit while it is written.

The server is this computer's, which QEMU's own network shows to the machine at 10.0.2.2.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bottle
import pytest
from cheroot import wsgi

from tests.image.boot.look import slot_of, wait_for_verdict
from tests.image.boot.newer import VERSION, newer
from tests.image.qemu import Machine, running

pytestmark = pytest.mark.timeout(3000)
INSTALL_S = 1500.0
SETTINGS = "/etc/luna/luna.toml"


@contextmanager
def web(folder: Path) -> Iterator[int]:
    """A server of the files in a folder, ranges of them too; its port on the loopback."""
    app = bottle.Bottle()
    app.route("/<name>", callback=lambda name: bottle.static_file(name, folder))
    server = wsgi.Server(("127.0.0.1", 0), app)
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server.bind_addr[1]
    finally:
        server.stop()
        thread.join()


@pytest.fixture(scope="module")
def machine(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    update = newer(image, tmp_path_factory.mktemp("web"))
    with (
        web(update.parent) as port,
        running(image, tmp_path_factory.mktemp("machine")) as made,
    ):
        made.boot()
        settings = f'[updates]\\nurl = "http://10.0.2.2:{port}/{update.name}"\\n'
        made.ask(f"printf '{settings}' >> {SETTINGS}")
        yield made


def test_the_newest_update_comes_across_the_network(machine: Machine) -> None:
    told = machine.ask("luna update --newest", INSTALL_S)
    assert f"{VERSION} is installed" in told
    machine.reboot()
    assert slot_of(machine) == "B"
    assert machine.settle() == "running"
    wait_for_verdict(machine)


def test_what_runs_already_is_not_installed_again(machine: Machine) -> None:
    assert f"{VERSION} at http" in machine.ask("luna update --newest")
    assert slot_of(machine) == "B"
