from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.attempt import Ending
from provisioning.credentials import Account, Credentials, Security
from provisioning.results import Outcome, result
from provisioning.verdicts import judge, mismatch


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        (Ending(False, 7), Outcome.WRONG_PASSWORD),
        (Ending(False, 7, asked_again=True), Outcome.WRONG_PASSWORD),
        (Ending(False, 7, asked_again=True, addressing=True), Outcome.TIMED_OUT),
        (Ending(False, 11), Outcome.REFUSED),
        (Ending(False, 8, asked_again=True), Outcome.WRONG_PASSWORD),
        (Ending(False, 53), Outcome.NOT_IN_RANGE),
        (Ending(False, 5, addressing=True), Outcome.NO_ADDRESS),
        (Ending(False, 17), Outcome.NO_ADDRESS),
        (Ending(False, 36), Outcome.UNAVAILABLE),
        (Ending(False, 60), Outcome.CANCELLED),
        (Ending(False), Outcome.TIMED_OUT),
        (Ending(False, asked_again=True), Outcome.WRONG_PASSWORD),
        (Ending(False, addressing=True), Outcome.NO_ADDRESS),
    ],
)
def test_a_reason_becomes_an_outcome(ending: Ending, outcome: Outcome) -> None:
    assert judge(b"home", Security.PSK, ending).outcome is outcome


@pytest.mark.parametrize("ending", [Ending(False, 53), Ending(False)])
@pytest.mark.parametrize(
    ("security", "outcomes"),
    [
        (Security.SAE, (Outcome.WRONG_PASSWORD, Outcome.WRONG_PASSWORD)),
        (Security.TRANSITION, (Outcome.WRONG_PASSWORD, Outcome.WRONG_PASSWORD)),
        (Security.PSK, (Outcome.REFUSED, Outcome.TIMED_OUT)),
        (Security.OPEN, (Outcome.REFUSED, Outcome.TIMED_OUT)),
    ],
)
def test_a_network_that_is_still_there_is_not_out_of_range(
    ending: Ending, security: Security, outcomes: tuple[Outcome, Outcome]
) -> None:
    expected = outcomes[ending.reason is None]
    assert judge(b"home", security, ending, heard=True).outcome is expected


def test_where_there_is_no_password_it_is_not_wrong() -> None:
    assert judge(b"cafe", Security.OPEN, Ending(False, 7)).outcome is Outcome.REFUSED


@given(st.one_of(st.none(), st.integers(0, 200)), st.booleans(), st.booleans())
def test_any_ending_has_a_verdict(reason: int | None, asked: bool, addressing: bool) -> None:
    told = judge(b"home", Security.SAE, Ending(False, reason, asked, addressing))
    assert not told.good
    assert "home" in told.message or told.outcome is Outcome.UNAVAILABLE


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_sentence_with_the_name(outcome: Outcome) -> None:
    told = result("Café 🌙".encode(), outcome)
    assert "Café 🌙" in told.message or outcome is Outcome.UNAVAILABLE
    assert told.message.endswith(".")


@pytest.mark.parametrize(
    ("credentials", "kinds", "outcome", "words"),
    [
        (Credentials(b"n", b"12345678"), {Security.UNSUPPORTED}, Outcome.UNSUPPORTED, "WPA2"),
        (Credentials(b"n", b"12345678"), {Security.OPEN}, Outcome.MISMATCH, "open network"),
        (Credentials(b"n"), {Security.PSK}, Outcome.MISMATCH, "needs a password"),
        (Credentials(b"n"), {Security.ENTERPRISE}, Outcome.MISMATCH, "user name"),
        (Credentials(b"n", b"0" * 64), {Security.SAE}, Outcome.MISMATCH, "password itself"),
        (
            Credentials(b"n", b"pw", account=Account("ann")),
            {Security.PSK},
            Outcome.MISMATCH,
            "no user name",
        ),
    ],
)
def test_what_does_not_fit_is_said(
    credentials: Credentials, kinds: set[Security], outcome: Outcome, words: str
) -> None:
    told = mismatch(credentials, kinds)
    assert told.outcome is outcome
    assert words in told.message
