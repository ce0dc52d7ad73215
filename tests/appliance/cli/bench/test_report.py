from __future__ import annotations

import json
from dataclasses import replace

from appliance.cli.bench.figures import Comparison, figures
from appliance.cli.bench.load import Round, Sample
from appliance.cli.bench.machine import Machine
from appliance.cli.bench.report import Plan, Report, as_json, as_text

MACHINE = Machine("A76", 4, "aarch64", "", "Debian", "6.1", 8, 0.5, "3.11.2", "0.1.0", "1")
PLAN = Plan("tiny", "", (1,), 2, 100, 1)
GOOD = figures([Round((Sample(0.0, (0.5, 1.0), 100, 2),), 0.1)])
BAD = figures([Round((Sample(0.0, (), 0, 0, "It broke."),), 0.1)])


def test_people_get_a_table() -> None:
    text = as_text(Report(MACHINE, PLAN, {"luna": (GOOD,), "engine": (GOOD,)}, ()))
    assert text.startswith("tiny on A76, 4 cores, Debian")
    row = next(line for line in text.splitlines() if line.startswith("luna"))
    assert row.split() == "luna 1 0 2.0 2.0 200.0 500.0 500.0 500.0 500.0 10 %".split()
    assert "LUNA / ENGINE" not in text


def test_a_comparison_is_shown() -> None:
    report = Report(MACHINE, PLAN, {"luna": (GOOD,)}, (Comparison(1, 0.95, 0.9, 0.0012),))
    text = as_text(report)
    assert "LUNA / ENGINE" in text
    assert any(line.split() == ["1", "0.950", "0.900", "1.20"] for line in text.splitlines())


def test_a_server_elsewhere_is_named() -> None:
    text = as_text(Report(MACHINE, replace(PLAN, model="", url="http://x"), {"luna": (GOOD,)}))
    assert text.startswith("The default model at http://x, seen from A76")


def test_a_failure_is_shown_and_has_no_figures() -> None:
    report = Report(MACHINE, PLAN, {"luna": (GOOD, BAD)})
    assert report.problem == "It broke."
    assert "The first failure: It broke." in as_text(report)
    rows = as_json(report)["results"]["luna"]
    assert rows[0]["throughput"] == 2.0
    assert rows[1]["throughput"] is None
    json.dumps(rows, allow_nan=False)
