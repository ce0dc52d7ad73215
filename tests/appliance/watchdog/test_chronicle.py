from __future__ import annotations

from datetime import UTC, datetime

from appliance.watchdog.chronicle import Chronicle
from appliance.watchdog.illness import Finding, Illness
from appliance.watchdog.ladder import Step
from appliance.watchdog.ledger import Incident, Ledger
from appliance.watchdog.policy import Action, Decision

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
HUNG = Finding(Illness.NPU_HUNG, "qwen", "No token for 21 s.")
CALM = Decision((), (), 0.0, 1.0, "well")


def ill(*steps: Step) -> Decision:
    return Decision((HUNG,), tuple(Action(s, "qwen", finding=HUNG) for s in steps), 0.0, 1.0, "ill")


def test_an_illness_is_one_incident_with_its_steps() -> None:
    chronicle = Chronicle(Ledger("b"))
    assert chronicle.note(ill(Step.ABORT), 100.0, NOW)
    assert not chronicle.note(ill(), 110.0, NOW)
    assert chronicle.note(ill(Step.RESTART_ENGINE), 120.0, NOW)
    (incident,) = chronicle.ledger.incidents
    assert incident == Incident(
        "npu_hung",
        "2026-11-21T10:00:00+00:00",
        100.0,
        "No token for 21 s.",
        "qwen",
        ("abort", "restart_engine"),
    )
    assert chronicle.ledger.counts == {"npu_hung": 1, "abort": 1, "restart_engine": 1}
    assert chronicle.ledger.state == "ill"


def test_it_ends_when_nothing_was_seen_of_it_for_a_minute() -> None:
    chronicle = Chronicle(Ledger())
    chronicle.note(ill(Step.ABORT), 100.0, NOW)
    chronicle.note(ill(), 130.0, NOW)
    assert chronicle.note(CALM, 150.0, NOW), "the state has changed"
    assert not chronicle.note(CALM, 190.0, NOW)
    assert chronicle.note(CALM, 191.0, NOW)
    assert [each.lasted_s for each in chronicle.ledger.incidents] == [30.0]
    chronicle.note(ill(), 500.0, NOW)
    assert [each.lasted_s for each in chronicle.ledger.incidents] == [30.0, None]
    assert chronicle.ledger.counts["npu_hung"] == 2


def test_it_goes_on_from_what_was_remembered() -> None:
    old = Incident("hot", "2025-01-01T00:00:00+00:00", 5.0, "Hot.")
    chronicle = Chronicle(Ledger("b", counts={"abort": 4}, incidents=(old,)))
    chronicle.note(ill(Step.ABORT), 1.0, NOW)
    assert chronicle.ledger.counts["abort"] == 5
    assert chronicle.ledger.incidents[0] == old


def test_the_list_is_bounded() -> None:
    chronicle = Chronicle(Ledger())
    for at in range(0, 200_000, 100):
        chronicle.note(ill() if at % 200 else CALM, float(at), NOW)
    assert len(chronicle.ledger.incidents) == 100
    assert chronicle.ledger.counts == {"npu_hung": 1000}


def test_what_must_be_remembered_is_news_and_a_canary_is_not() -> None:
    chronicle = Chronicle(Ledger())
    assert not chronicle.note(Decision((), (Action(Step.CANARY, "m"),), 0.0, 1.0, "well"), 1, NOW)
    assert chronicle.note(Decision((), (), 3600.0, 1.0, "well"), 2, NOW)
    assert chronicle.note(Decision((), (), 3600.0, 0.6, "hot"), 3, NOW)
    assert (chronicle.ledger.reboot_from, chronicle.ledger.share) == (3600.0, 0.6)
