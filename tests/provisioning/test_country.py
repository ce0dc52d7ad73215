from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.system.nl80211 import WifiUnavailable
from provisioning.country import BadCountry, Country, checked


def test_a_country_is_kept_and_told_again_after_a_boot(tmp_path: Path) -> None:
    told: list[str] = []
    file = tmp_path / "made" / "country"
    asyncio.run(Country(file, told.append).set("DE"))
    again = Country(file, told.append)
    asyncio.run(again.restore())
    assert again.code == "DE"
    assert told == ["DE", "DE"]
    assert [path.name for path in file.parent.iterdir()] == ["country"]


@pytest.mark.parametrize("content", [b"", b"xx", b"\xff", b"DE FR"])
def test_a_file_that_was_spoilt_is_no_country(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "country"
    file.write_bytes(content)
    country = Country(file, lambda code: None)
    asyncio.run(country.restore())
    assert country.code == ""


def test_no_file_is_no_country(tmp_path: Path) -> None:
    country = Country(tmp_path / "country", lambda code: pytest.fail("nothing is to be told"))
    asyncio.run(country.restore())
    assert country.code == ""


def test_a_kernel_that_refuses_keeps_what_was(tmp_path: Path) -> None:
    def refuse(code: str) -> None:
        raise WifiUnavailable("no")

    country = Country(tmp_path / "country", refuse)
    with pytest.raises(WifiUnavailable):
        asyncio.run(country.set("DE"))
    assert country.code == ""
    assert not (tmp_path / "country").exists()


def test_a_disk_that_is_full_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    country = Country(tmp_path / "file" / "country", lambda code: None)
    with pytest.raises(BadCountry, match="not for the next start"):
        asyncio.run(country.set("DE"))


@given(st.text(max_size=4))
def test_only_two_capital_letters_are_a_country(text: str) -> None:
    good = len(text) == 2 and text.isascii() and text.isalpha() and text.isupper()
    if good:
        assert checked(text) == text
    else:
        with pytest.raises(BadCountry):
            checked(text)
