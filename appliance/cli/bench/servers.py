"""What is measured: a server that is started for it, and the engine's own one to hold it against.

Both run in processes of their own, so that they share no interpreter with the load generator.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from appliance.cli.bench.served import READY
from appliance.cli.client import Client
from appliance.engines import launch
from appliance.engines.child import Child, ChildPlan
from appliance.engines.llamacpp import command, reasons
from appliance.engines.llamacpp.connection import Connection
from appliance.errors import ConfigError
from appliance.models.folder import Entry
from appliance.settings import ServerSettings, Settings
from appliance.specs import model_spec
from appliance.system.processes import OutputTail, Spawner, kill_group

_URL = re.compile(rf"^{READY}(\S+)$", re.MULTILINE)
_START_SECONDS = 60.0
_LOAD_SECONDS = 300.0
_STOP_SECONDS = 10.0


@contextmanager
def own_server(settings: Settings, entry: Entry) -> Iterator[Client]:
    """A server with `settings` that has loaded `entry`, on a free port of this machine."""
    settings = msgspec.structs.replace(
        settings,
        server=ServerSettings(host="127.0.0.1", port=0, access_log=False, drain_seconds=1.0),
        models=msgspec.structs.replace(settings.models, default=entry.id),
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="luna-bench-")))
        file = folder / "settings.json"
        file.write_bytes(msgspec.json.encode(settings, enc_hook=str))
        spawner = Spawner()
        stack.callback(spawner.close)
        program = [sys.executable, "-m", "appliance.cli.bench.served", str(file)]
        process = spawner.spawn(launch.command(program))
        assert process.stdout is not None
        tail = OutputTail(process.stdout)
        stack.callback(tail.join, 1.0)
        stack.callback(kill_group, process, _STOP_SECONDS)
        deadline = time.monotonic() + _START_SECONDS
        while not (found := _URL.search(tail.text())):
            if process.poll() is not None or time.monotonic() > deadline:
                tail.join(1.0)
                raise ConfigError(f"The server to measure did not start: {tail.text()[-500:]}")
            time.sleep(0.01)
        yield Client(found[1])


@contextmanager
def engine_server(settings: Settings, entry: Entry) -> Iterator[Client]:
    """llama.cpp's own HTTP server, run as our engine runs it, on its Unix socket."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="luna-bench-")))
        socket = folder / "chat.sock"
        spec, engine = model_spec(entry, settings), settings.cpu_engine
        layout = command.Layout(engine.slots, spec.context, engine.batch)
        connection = Connection(socket, death=lambda: child.death())
        spawner = Spawner()
        stack.callback(spawner.close)
        child = Child(
            ChildPlan(
                name=entry.id,
                command=lambda: command.build(spec, layout, engine, socket),
                probe=lambda: socket.exists() and connection.healthy(),
                explain=reasons.explain,
            ),
            spawner,
        )
        stack.callback(child.stop)
        child.start()
        child.wait_ready(_LOAD_SECONDS)
        yield Client(f"unix:{socket}")
