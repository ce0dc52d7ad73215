from __future__ import annotations

import threading

from appliance.cli.doctor.check import Check, Finding, Level, ok, run_all
from appliance.errors import ReadingUnavailable


def test_findings_come_in_order() -> None:
    found = run_all([Check(name, lambda name=name: ok(name, "Fine.")) for name in "ab"])  # type: ignore[misc]
    assert [finding.name for finding in found] == ["a", "b"]


def test_a_check_that_hangs_is_left_behind() -> None:
    release = threading.Event()

    def hang() -> Finding:
        release.wait(30)
        return ok("slow", "Too late.")

    found = run_all([Check("slow", hang, 0.05), Check("next", lambda: ok("next", "Fine."))])
    release.set()
    assert [finding.level for finding in found] == [Level.PROBLEM, Level.OK]
    assert "did not end within" in found[0].sentence
    assert found[0].remedy


def test_a_check_that_fails_is_a_problem_with_its_sentence() -> None:
    def unreadable() -> Finding:
        raise ReadingUnavailable("It cannot be read.")

    def wrong() -> Finding:
        raise KeyError

    found = run_all([Check("a", unreadable), Check("b", wrong)])
    assert found[0].sentence == "This could not be checked: It cannot be read."
    assert found[1].sentence == "This could not be checked: KeyError"
    assert all(finding.level is Level.PROBLEM and finding.remedy for finding in found)
