from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.keys import EVERYTHING, NOBODY, Key, Keyring, Scope, digest, new_secret


def key(name: str, *scopes: Scope) -> Key:
    return Key(name, frozenset(scopes), digest(f"secret of {name}"))


def test_a_secret_is_256_random_bits_that_any_header_can_carry() -> None:
    assert re.fullmatch(r"luna_[A-Za-z0-9_-]{43}", new_secret())
    assert len({new_secret() for _ in range(100)}) == 100
    assert new_secret(lambda count: bytes(range(count))).startswith("luna_AAECAw")


def test_a_secret_is_not_kept() -> None:
    secret = new_secret()
    assert secret.encode() not in digest(secret)
    assert len(digest(secret)) == 32
    assert digest(secret) == digest(secret)


def test_a_ring_knows_its_keys() -> None:
    phone, owner = key("phone", "inference"), key("owner", "admin")
    ring = Keyring([phone, owner])
    assert ring.find("secret of phone") is phone
    assert ring.find("secret of owner") is owner
    assert ring.find("secret of none") is None
    assert ring.find("") is None
    assert Keyring().find("secret of phone") is None


def test_what_a_key_grants() -> None:
    assert key("phone", "inference").grants == {"inference"}
    assert key("owner", "admin").grants == EVERYTHING
    assert key("nothing").grants == NOBODY


def test_when_a_key_is_needed() -> None:
    assert not Keyring().closes_inference
    assert not Keyring([key("owner", "admin")]).closes_inference
    assert Keyring([key("phone", "inference")]).closes_inference
    assert Keyring([key("owner", "admin")]).has_admin
    assert not Keyring([key("phone", "inference")]).has_admin


@given(st.text())
def test_anything_can_be_shown(secret: str) -> None:
    assert Keyring([key("phone", "inference")]).find(secret) is None
