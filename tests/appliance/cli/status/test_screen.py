from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cli.status.facts import Facts
from appliance.cli.status.screen import render
from appliance.importing.progress import Progress
from appliance.label.code import modules
from appliance.system.addresses import Place
from appliance.system.label import Label

SETUP = Facts("luna-cafe", setup=Label("Luna-CAFE", "k7rm-2xqp-9dht"), model="luna-guide")
HOME = Facts("luna-cafe", (Place("eth0", "192.0.2.7"), Place("wlan0", "fd00::7")))
COLOUR = re.compile("\x1b\\[[0-9;]*m")


def plain(lines: list[str]) -> list[str]:
    return [COLOUR.sub("", line) for line in lines]


def test_a_new_device_says_how_to_begin() -> None:
    text = "\n".join(plain(render(SETUP, 80, 25, colours=True)))
    for words in ("luna-cafe", "setup", "Luna-CAFE", "k7rm-2xqp-9dht", "http://10.42.0.1"):
        assert words in text


def test_one_at_home_says_where_it_is() -> None:
    text = "\n".join(render(HOME, 80, 25, colours=False))
    assert "online" in text
    for url in ("http://luna-cafe.local", "http://192.0.2.7", "http://[fd00::7]"):
        assert url in text


def test_the_code_is_on_the_screen_module_by_module() -> None:
    lines = plain(render(HOME, 80, 25, colours=True))[2:]
    code = modules("http://luna-cafe.local", quiet=2)
    halves = {"█": (True, True), "▀": (True, False), "▄": (False, True), " ": (False, False)}
    rows: list[list[bool]] = []
    for line in lines:
        pairs = [halves[each] for each in line[: len(code)].ljust(len(code))]
        rows += [[upper for upper, _ in pairs], [lower for _, lower in pairs]]
    assert tuple(map(tuple, rows[: len(code)])) == code


@pytest.mark.parametrize(("width", "height"), [(60, 25), (80, 18), (40, 12)])
def test_where_there_is_no_room_for_the_code_there_is_only_text(width: int, height: int) -> None:
    lines = render(SETUP, width, height, colours=True)
    assert not any("▀" in line for line in lines)
    assert any("Luna-CAFE" in line for line in lines)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (Facts("luna", serving=False), "The server does not answer"),
        (Facts("luna"), "plug in a cable"),
        (Facts("luna", helpless=True), "fault"),
        (Facts("luna", generating=True, model="m", speed="11 tokens a second"), "11 tokens"),
        (
            Facts("luna", imports=(Progress("copying", "a is copied", 1, 4),)),
            "USB 25 %: a is copied",
        ),
        (
            Facts("luna", imports=(Progress("failed", "No room.", problems=("b",)),)),
            "USB: No room.",
        ),
        (Facts("luna", admin_key="luna_secret"), "luna_secret"),
        (Facts("luna", problems=("No radio.",)), "No radio."),
    ],
)
def test_what_matters_is_told(facts: Facts, words: str) -> None:
    assert words in "\n".join(render(facts, 80, 25, colours=False))


@given(
    name=st.text(max_size=80),
    ssid=st.text(min_size=1, max_size=32),
    width=st.integers(1, 120),
    height=st.integers(1, 40),
    colours=st.booleans(),
)
def test_it_never_leaves_its_bounds_nor_steers_the_terminal(
    name: str, ssid: str, width: int, height: int, colours: bool
) -> None:
    facts = Facts(name, (Place("eth0", "192.0.2.7"),), Label(ssid, "12345678"), problems=(ssid,))
    lines = render(facts, width, height, colours=colours)
    assert len(lines) <= height
    shown = plain(lines) if colours else lines
    assert all(len(line) <= width for line in shown)
    assert not re.search("[\x00-\x1f\x7f-\x9f]", "".join(shown))
