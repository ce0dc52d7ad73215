from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.sampling import Sampling
from appliance.models.manifest import (
    BadManifest,
    Manifest,
    Source,
    compose,
    read,
    without_source,
)


def test_no_manifest_is_an_empty_one(tmp_path: Path) -> None:
    assert read(tmp_path) == Manifest()
    assert Manifest().defaults() == Sampling()


def test_all_of_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "luna.toml").write_text(
        'aliases = ["small", "tiny"]\ncontext = 1024\ntemplate = "chat.jinja"\n'
        "[sampling]\ntemperature = 0.5\ntop_p = 0.9\ntop_k = 40\nmin_p = 0.1\n"
        "repeat_penalty = 1.1\n"
    )
    manifest = read(tmp_path)
    assert manifest.aliases == ("small", "tiny")
    assert (manifest.context, manifest.template) == (1024, "chat.jinja")
    assert manifest.defaults() == Sampling(
        temperature=0.5, top_p=0.9, top_k=40, min_p=0.1, repeat_penalty=1.1
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("context = -1", r"\$\.context"),
        ("contxt = 1", "contxt"),
        ("[sampling]\ntop_p = 2", r"\$\.sampling\.top_p"),
        ("aliases = 'one'", r"\$\.aliases"),
        ("no toml", "luna.toml"),
        ("x = '\xff'", "luna.toml"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "luna.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(BadManifest, match=said):
        read(tmp_path)


def test_a_folder_of_that_name_is_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "luna.toml").mkdir()
    with pytest.raises(BadManifest, match=r"luna\.toml"):
        read(tmp_path)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=40))
def test_where_a_model_came_from_is_read_as_it_was_written(text: str) -> None:
    source = Source(text, f"{text}.gguf", "c0ffee")
    assert tomllib.loads(compose(source)) == {"source": msgspec.structs.asdict(source)}


def test_a_copy_came_from_nowhere(tmp_path: Path) -> None:
    text = "context = 5\n[source]\nrepo = 'a/b'\nfile = 'c'\n[sampling]\ntop_k = 3\n"
    (tmp_path / "luna.toml").write_text(without_source(text))
    found = read(tmp_path)
    assert (found.source, found.context, found.sampling.top_k) == (None, 5, 3)
    assert without_source(compose(Source("a/b", "c"))) == ""
