from __future__ import annotations

import pytest

from appliance.cli.status.facts import Facts, State
from appliance.system.addresses import Place
from appliance.system.label import Label

HOME = (Place("eth0", "192.0.2.7"),)
SETUP = Label("Luna-CAFE")


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (Facts("luna", HOME), State.ONLINE),
        (Facts("luna", HOME, setup=SETUP), State.SETUP),
        (Facts("luna", HOME, setup=SETUP, generating=True), State.THINKING),
        (Facts("luna", HOME, serving=False, generating=True), State.FAULT),
        (Facts("luna", HOME, helpless=True), State.FAULT),
        (Facts("luna"), State.OFFLINE),
    ],
)
def test_one_word_says_what_matters_most(facts: Facts, state: State) -> None:
    assert facts.state is state


def test_names_come_before_numbers() -> None:
    facts = Facts("luna-cafe", (Place("eth0", "192.0.2.7"), Place("eth0", "fd00::7")))
    assert facts.urls == ("http://luna-cafe.local", "http://192.0.2.7", "http://[fd00::7]")
    assert Facts("luna-cafe").urls == ()
