from __future__ import annotations

from pathlib import Path

import pytest

from appliance.domain.cancel import CancelToken
from appliance.errors import ConfigError
from appliance.models.downloads.means import means_of, this_machine
from appliance.settings import DownloadSettings
from tests.helpers.hub import FakeHub


def test_the_token_comes_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("hf_abc\n")
    with FakeHub({"ann/m": {"m.gguf": b"x"}}) as served:
        served.secret = "hf_abc"
        means = means_of(DownloadSettings(hub=served.url, token_file=file), tmp_path)
        assert means.hub.look("ann/m", CancelToken()).name == "ann/m"
    assert means.free() > 0


@pytest.mark.parametrize("content", [b"two words", b"a\nb", b"\xff", None])
def test_what_is_no_token_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match="token_file"):
        means_of(DownloadSettings(token_file=file), tmp_path)


def test_this_machine_has_memory() -> None:
    assert this_machine().memory_bytes > 0
