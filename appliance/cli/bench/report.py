"""The figures of a whole run, as a table and as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from appliance.cli.bench.figures import Comparison, Figures
from appliance.cli.bench.machine import Machine
from appliance.cli.table import table

_HEADS = (
    "SERVER", "CLIENTS", "FAILED", "TOKENS/S", "GENERATED/S", "PREFILL/S", "FIRST p50", "p99",
    "GAP p50", "p99", "LOAD GENERATOR",
)  # fmt: skip
_NOTES = """\
Every client asks at the same moment for {tokens} tokens after a prompt of about {prompt} tokens,
{rounds} times; greedily, past any end of turn, and no two prompts begin alike, so no cache helps.
TOKENS/S counts the answers' tokens over the whole time, prefill and all, GENERATED/S from the
first text on. Times are in ms, from before the connection to the first text, and from piece to
piece; waiting for a slot is part of them. LOAD GENERATOR is its own use of one core."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for; `model` "" is the server's default, `url` "" a server of our own."""

    model: str
    url: str
    clients: tuple[int, ...]
    tokens: int
    prompt_tokens: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a run found out; `results` by the server's name."""

    machine: Machine
    plan: Plan
    results: dict[str, tuple[Figures, ...]]
    comparisons: tuple[Comparison, ...] = ()

    @property
    def problem(self) -> str:
        """The first thing that failed, "" if nothing did."""
        found = (row.problem for rows in self.results.values() for row in rows if row.problem)
        return next(found, "")


def as_json(report: Report) -> dict[str, Any]:
    """Times in seconds, speeds in tokens per second; null for what could not be measured."""
    found: dict[str, Any] = _without_nan(asdict(report))
    return found


def as_text(report: Report) -> str:
    """For people."""
    machine, plan = report.machine, report.plan
    place = f"at {plan.url}, seen from" if plan.url else "on"
    rows = [_row(name, each) for name, all_of in report.results.items() for each in all_of]
    rows.sort(key=lambda row: int(row[1]))
    paragraphs = [
        f"{plan.model or 'The default model'} {place} {machine.cpu}, {machine.cores} cores, "
        f"{machine.system} (Luna {machine.luna}, xllamacpp {machine.xllamacpp}, load "
        f"{machine.load:.2f})",
        table(_HEADS, rows),
        *([_against(report.comparisons)] if report.comparisons else []),
        _NOTES.format(tokens=plan.tokens, prompt=plan.prompt_tokens, rounds=plan.rounds),
        *([f"The first failure: {report.problem}"] if report.problem else []),
    ]
    return "\n\n".join(paragraphs)


def _row(name: str, each: Figures) -> tuple[str, ...]:
    return (
        name,
        str(each.clients),
        str(each.failures),
        _figure(each.throughput, 1),
        _figure(each.generation, 1),
        _figure(each.prefill, 1),
        *(
            _figure(1000 * seconds, 1)
            for seconds in (each.first_p50, each.first_p99, each.gap_p50, each.gap_p99)
        ),
        _figure(100 * each.client_cpu, 0) + " %",
    )


def _against(comparisons: tuple[Comparison, ...]) -> str:
    heads = ("CLIENTS", "LUNA / ENGINE: TOKENS", "GENERATED", "ADDED TO FIRST")
    rows = [
        (
            str(each.clients),
            _figure(each.throughput_ratio, 3),
            _figure(each.generation_ratio, 3),
            _figure(1000 * each.added_first, 2),
        )
        for each in comparisons
    ]
    return table(heads, rows)


def _figure(value: float, digits: int) -> str:
    return "?" if math.isnan(value) else f"{value:.{digits}f}"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
