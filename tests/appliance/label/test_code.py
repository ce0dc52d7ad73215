from __future__ import annotations

import pytest

from appliance.label.code import modules, wifi_text
from appliance.system.label import Label


@pytest.mark.parametrize(
    ("passphrase", "text"),
    [
        ("k7rm-2xqp", "WIFI:T:WPA;S:Luna-CAFE;P:k7rm-2xqp;;"),
        ('a;b"c\\d,e:f', 'WIFI:T:WPA;S:Luna-CAFE;P:a\\;b\\"c\\\\d\\,e\\:f;;'),
        ("", "WIFI:T:nopass;S:Luna-CAFE;;"),
    ],
)
def test_phones_can_read_what_it_says(passphrase: str, text: str) -> None:
    assert wifi_text(Label("Luna-CAFE", passphrase)) == text


def test_a_code_is_square_with_a_light_border() -> None:
    code = modules("http://luna-cafe.local", quiet=2)
    assert {len(row) for row in code} == {len(code)}
    assert not any(code[0] + code[1] + code[-1])
    # The finder pattern of a corner (ISO/IEC 18004, 6.3.3).
    assert [row[2:9] for row in code[2:5]] == [
        (True,) * 7,
        (True, *[False] * 5, True),
        (True, False, True, True, True, False, True),
    ]
