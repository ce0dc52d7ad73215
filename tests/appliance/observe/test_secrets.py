from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.keys import new_secret
from appliance.observe.secrets import redacted


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer {}",
        "authorization: {}",
        'headers {{"Authorization": "Bearer {}", "Host": "luna.local"}}',
        "sent Bearer {} twice",
        "X-API-Key={}",
        "GET /x?api_key={}&model=m",
        '{{"password": "{}"}}',
        "psk='{}' for the network",
        "token: {}, next",
        "cloning https://me:{}@hub.example/x",
        "Cookie: {}",
    ],
)
def test_a_secret_is_hidden(text: str) -> None:
    told = redacted(text.format("Zx81SpectrumQl128"))
    assert "Zx81" not in told
    assert "Q" not in told
    assert "[hidden]" in told
    assert ("luna.local" in told) is ("luna.local" in text)
    assert ("model=m" in told) is ("model=m" in text)


@pytest.mark.parametrize("secret", ["hf_" + "a1B2" * 8, "sk-" + "a1B2-" * 8, new_secret()])
def test_a_key_is_known_by_its_looks(secret: str) -> None:
    told = redacted(f"somebody wrote {secret} somewhere")
    assert secret[8:] not in told
    assert told.endswith(" somewhere")


@pytest.mark.parametrize(
    "text",
    [
        "engine tiny is ready: 12 tokens, 3.5 tokens per second",
        "127.0.0.1 GET '/v1/models' 200 512 bytes 1.2 ms req_0123456789abcdef01234567",
        "http://luna-1a2b.local:8080/docs",
        "basic functions work",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@given(st.text())
def test_any_text_is_safe_to_give(text: str) -> None:
    assert isinstance(redacted(text), str)
