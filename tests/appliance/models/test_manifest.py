from __future__ import annotations

from pathlib import Path

import pytest

from appliance.domain.sampling import Sampling
from appliance.models.manifest import BadManifest, Manifest, read


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
