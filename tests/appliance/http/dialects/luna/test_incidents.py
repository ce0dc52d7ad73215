from __future__ import annotations

from pathlib import Path

from appliance.http.dialects.luna.incidents import report
from appliance.watchdog.ledger import Incident, Ledger, save


def test_where_no_watchdog_ran_there_is_no_report(tmp_path: Path) -> None:
    assert report(tmp_path) is None


def test_the_newest_incidents_come_first(tmp_path: Path) -> None:
    incidents = tuple(Incident("hot", "2026-11-21T10:00:00+00:00", at, "Hot.") for at in range(9))
    save(tmp_path, Ledger(state="ill", counts={"hot": 9}, incidents=incidents))
    told = report(tmp_path)
    assert told is not None
    assert (told.state, told.counts) == ("ill", {"hot": 9})
    assert [incident.uptime_s for incident in told.incidents] == [8, 7, 6, 5, 4]
