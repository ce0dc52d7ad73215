from __future__ import annotations

import json
from pathlib import Path

from appliance.cli.client import Client
from appliance.cli.status.look import Sources, look
from appliance.importing.progress import Progress, tell
from appliance.system.addresses import Place
from appliance.system.label import Label
from appliance.system.provisioning import Hotspot, ProvisioningUnavailable, Situation
from tests.helpers.canned import CannedServer, http

ANSWER = {
    "generation_speed_tps": "11.30",
    "watchdog": {"state": "helpless"},
    "active": True,
    "model": "qwen3-0.6b",
}
UP = Hotspot(True, b"Luna-CAFE", False, "10.42.0.1/24", stays=False)


def device(root: Path) -> Path:
    settings = root / "etc/luna"
    settings.mkdir(parents=True)
    (settings / "identity.toml").write_text('id = "cafe0123"\n')
    (settings / "label.toml").write_text('passphrase = "on the label"\n')
    return root


def test_everything_is_seen(tmp_path: Path) -> None:
    root = device(tmp_path)
    key = root / "var/lib/luna-firstboot/owner/admin-key"
    key.parent.mkdir(parents=True)
    key.write_text("luna_key\n")
    imports = tmp_path / "imports"
    imports.mkdir()
    tell(imports, "sda1", Progress("done", "1 model is imported."))
    situation = Situation("hotspot", 0, None, UP, "DE", ("No radio.",))
    with CannedServer(http(json.dumps(ANSWER).encode())) as server:
        sources = Sources(
            Client(server.url),
            lambda: situation,
            lambda: (Place("eth0", "192.0.2.7"), Place("wlan0", "10.42.0.1")),
            root,
            imports,
        )
        facts = look(sources)
    assert facts.name == "luna-cafe"
    assert facts.places == (Place("eth0", "192.0.2.7"),)
    assert facts.setup == Label("Luna-CAFE", "on the label")
    assert facts.setup_address == "10.42.0.1"
    assert (facts.serving, facts.generating, facts.helpless) == (True, True, True)
    assert (facts.model, facts.speed) == ("qwen3-0.6b", "11.30 tokens a second")
    assert facts.imports == (Progress("done", "1 model is imported."),)
    assert facts.admin_key == "luna_key"
    assert facts.problems == ("No radio.",)


def test_nothing_is_needed(tmp_path: Path) -> None:
    def nobody() -> Situation:
        raise ProvisioningUnavailable("Nobody is there.")

    (tmp_path / "etc/luna").mkdir(parents=True)
    (tmp_path / "etc/luna/identity.toml").write_text("id =")
    server = Client("http://127.0.0.1:9", timeout=1.0)
    facts = look(Sources(server, nobody, tuple, tmp_path, tmp_path / "none"))
    assert (facts.name, facts.places, facts.setup, facts.serving) == ("luna", (), None, False)


def test_an_open_network_has_no_password_whatever_the_label_says(tmp_path: Path) -> None:
    hotspot = Hotspot(True, b"\xffLuna", True, "10.42.0.1/24", stays=False)
    situation = Situation("hotspot", 0, None, hotspot, "", ())
    with CannedServer(http(b"[]")) as server:
        facts = look(Sources(Client(server.url), lambda: situation, lambda: (), device(tmp_path)))
    assert facts.setup == Label("\ufffdLuna")
