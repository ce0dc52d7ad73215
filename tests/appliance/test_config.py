from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance import config
from appliance.errors import ConfigError
from appliance.settings import Settings


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_nothing_said_gives_the_defaults() -> None:
    assert config.load([], {}) == Settings()


def test_later_sources_win_key_by_key(tmp_path: Path) -> None:
    one = write(tmp_path / "1.toml", "[server]\nport = 1\nhost = 'a'\n[queue]\nlength = 9")
    two = write(tmp_path / "2.toml", "[server]\nport = 2\nworkers = 5\ncors_origins = ['x']")
    environ = {"LUNA_SERVER_WORKERS": "7", "LUNA_SERVER_HOST": "b", "OTHER": "1"}
    found = config.load([one, two], environ, {"server.host": "c", "models.fallback": False})
    server = found.server
    assert (server.port, server.host, server.workers) == (2, "c", 7)
    assert server.cors_origins == ("x",)
    assert found.queue.length == 9
    assert found.models.fallback is False
    assert found.queue.stall_seconds == Settings().queue.stall_seconds


def test_tables_of_aliases_are_merged(tmp_path: Path) -> None:
    one = write(tmp_path / "1.toml", "[models.aliases]\na = 'x'\nb = 'y'")
    two = write(tmp_path / "2.toml", "[models.aliases]\nb = 'z'")
    assert config.load([one, two], {}).models.aliases == {"a": "x", "b": "z"}


def test_lists_of_tables_are_read(tmp_path: Path) -> None:
    file = write(tmp_path / "l.toml", "[[server.listeners]]\nport=1\n[[server.listeners]]\nport=2")
    assert [listener.port for listener in config.load([file], {}).server.listeners] == [1, 2]


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("LUNA_SERVER_PORT", "0", lambda s: s.server.port == 0),
        ("LUNA_MODELS_FALLBACK", "false", lambda s: s.models.fallback is False),
        ("LUNA_MODELS_FALLBACK", "1", lambda s: s.models.fallback is True),
        ("LUNA_MODELS_LOAD_WAIT_SECONDS", "0.5", lambda s: s.models.load_wait_seconds == 0.5),
        ("LUNA_CPU_ENGINE_CPUS", "4-7", lambda s: s.cpu_engine.cpus == "4-7"),
        ("LUNA_CPU_ENGINE_CPUS", "", lambda s: s.cpu_engine.cpus == ""),
        ("LUNA_SERVER_CORS_ORIGINS", "a, b,", lambda s: s.server.cors_origins == ("a", "b")),
        ("LUNA_SERVER_CORS_ORIGINS", "", lambda s: s.server.cors_origins == ()),
        ("LUNA_TOOLS_FOLDERS", "/a,/b", lambda s: s.tools.folders == (Path("/a"), Path("/b"))),
        ("LUNA_DATA", "/d", lambda s: s.data == Path("/d")),
        ("LUNA_CPU_ENGINE_LLAMA_SERVER", "/x", lambda s: s.cpu_engine.program == Path("/x")),
        ("LUNA_CPU_ENGINE_LLAMA_SERVER", "", lambda s: s.cpu_engine.program is None),
        ("LUNA_MODELS_FOLDER", "/m", lambda s: s.models.folder == Path("/m")),
    ],
)
def test_variables(name: str, value: str, read: object) -> None:
    assert callable(read)
    assert read(config.load([], {name: value}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[server]\nport = 70000", "'server.port'"),
        ("[server]\nport = '80'", "'server.port'"),
        ("[server]\nprot = 80", "prot"),
        ("[serv]\nport = 80", "serv"),
        ("[cpu_engine]\ncpus = 'all'", "'cpu_engine.cpus'"),
        ("[tools]\nfolders = [3]", "'tools.folders"),
        ("data = 3", "'data'"),
        ("server = 3", "'server'"),
        ("this is not TOML", "cannot be read"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = write(tmp_path / "luna.toml", text)
    with pytest.raises(ConfigError, match=said) as caught:
        config.load([file], {})
    assert str(file) in caught.value.message


def test_what_is_wrong_elsewhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"LUNA_\* variables.*'server\.port'"):
        config.load([], {"LUNA_SERVER_PORT": "many"})
    with pytest.raises(ConfigError, match=r"command line.*'server\.port'"):
        config.load([], {}, {"server.port": -1})
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load([tmp_path / "none.toml"], {})


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = config.load([], {"LUNA_MODELS_FOLDER": "~/models"})
    assert found.models.folder == tmp_path / "models"


def test_folders_follow_xdg() -> None:
    settings = Settings()
    assert settings.data_folder({"XDG_DATA_HOME": "/x"}) == Path("/x/luna")
    assert settings.data_folder({"HOME": "/h"}) == Path("/h/.local/share/luna")
    assert settings.models_folder({"HOME": "/h"}) == Path("/h/.local/share/luna/models")
    assert config.load([], {"LUNA_DATA": "/d"}).models_folder({}) == Path("/d/models")
    assert config.load([], {"LUNA_MODELS_FOLDER": "/m"}).models_folder({}) == Path("/m")


def test_the_files_that_are_read_without_being_named(tmp_path: Path) -> None:
    second = write(tmp_path / "luna/luna.d/20.toml", "")
    first = write(tmp_path / "luna/luna.d/10.toml", "")
    main = write(tmp_path / "luna/luna.toml", "")
    write(tmp_path / "luna/luna.d/README", "")
    found = config.default_files({"XDG_CONFIG_HOME": str(tmp_path)})
    assert [file for file in found if file.is_relative_to(tmp_path)] == [main, first, second]


def test_an_image_speaks_before_its_owner_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_file", lambda file: file.name == "luna.toml")
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: iter(()))
    found = config.default_files({"HOME": "/h"})
    folders = [str(file.parent) for file in found]
    assert folders == ["/usr/share/luna", "/etc/luna", "/h/.config/luna"]


@given(st.dictionaries(st.sampled_from(["LUNA_SERVER_PORT", "LUNA_DATA", "LUNA_X"]), st.text()))
@example({"LUNA_DATA": "~nobody-has-this-name"})
def test_any_environment_is_read_or_refused(environ: dict[str, str]) -> None:
    with suppress(ConfigError):
        assert isinstance(config.load([], environ), Settings)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    )
)
def test_any_override_is_read_or_refused(value: object) -> None:
    for key in ("server", "server.port", "models.aliases", "tools.folders"):
        with suppress(ConfigError):
            assert isinstance(config.load([], {}, {key: value}), Settings)
