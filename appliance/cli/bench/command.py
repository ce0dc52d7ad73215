"""The command itself: options, the order of the rounds, and where the report goes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from appliance import guide
from appliance.cli import connect, settings
from appliance.cli.bench import figures, load, prompts, servers
from appliance.cli.bench.machine import describe
from appliance.cli.bench.report import Plan, Report, as_json, as_text
from appliance.cli.client import Client
from appliance.errors import BadRequest, ConfigError
from appliance.models.registry import Registry

_OURS, _PEER = "luna", "engine"
_WARM_UP = 4  # clients


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "bench",
        help="measure how quick a model is",
        description="Measure prefill and generation, the time to the first token, and the gaps "
        "between tokens, with one client and with many at once. Without --url a server of its own "
        "is started for it; stop a running one first, they would share the processor.",
        epilog="Examples:\n  luna bench\n  luna bench --clients 1,4 --tokens 128 --peer\n"
        "  luna bench --url http://luna.local --json -",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", default="", help="model to measure (default: the default one)")
    parser.add_argument(
        "--clients", type=_counts, default=(1, 8, 64), help="numbers of clients (default: 1,8,64)"
    )
    parser.add_argument("--tokens", type=_count, default=64, help="tokens to generate (64)")
    parser.add_argument("--prompt-tokens", type=_count, default=256, help="prompt length (256)")
    parser.add_argument("--rounds", type=_count, default=3, help="rounds of each load (3)")
    parser.add_argument(
        "--peer",
        action="store_true",
        help="the same, in turns, on the engine's own HTTP server: what does our layer cost?",
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures there; - for stdout")
    connect.add_options(parser, "measure a server that runs already")
    settings.add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure and report; the exit status is 1 if a request failed."""
    with ExitStack() as stack:
        model, targets = _targets(args, stack)
        plan = Plan(
            model, args.url or "", args.clients, args.tokens, args.prompt_tokens, args.rounds
        )
        report = measure(targets, plan, lambda text: print(text, file=sys.stderr))
    if args.json != "-":
        print(as_text(report))
    if args.json:
        _write(args.json, json.dumps(as_json(report), indent=2))
    return 1 if report.problem else 0


def measure(targets: Mapping[str, Client], plan: Plan, tell: Callable[[str], None]) -> Report:
    """Run every load on all targets in turns, A B A B, after a warm-up of each."""
    machine = describe()
    order = load.Order(plan.model, plan.tokens)
    words = [prompts.measure(client, plan.model) for client in targets.values()]
    length = words[0].words(plan.prompt_tokens)
    _round(targets, order, [prompts.prompt(length, f"warm {each}") for each in range(_WARM_UP)])
    found: list[dict[str, list[load.Round]]] = []
    for clients in plan.clients:
        found.append({name: [] for name in targets})
        for number in range(1, plan.rounds + 1):
            tell(f"{clients} clients, round {number} of {plan.rounds} ...")
            seeds = (f"{clients} {number} {each}" for each in range(clients))
            texts = [prompts.prompt(length, seed) for seed in seeds]
            for name, measured in _round(targets, order, texts).items():
                found[-1][name].append(measured)
    return Report(
        machine,
        plan,
        {name: tuple(figures.figures(each[name]) for each in found) for name in targets},
        tuple(figures.compare(each[_OURS], each[_PEER]) for each in found if _PEER in targets),
    )


def _round(
    targets: Mapping[str, Client], order: load.Order, texts: Sequence[str]
) -> dict[str, load.Round]:
    return {name: load.run_round(client, order, texts) for name, client in targets.items()}


def _targets(args: argparse.Namespace, stack: ExitStack) -> tuple[str, dict[str, Client]]:
    """The model's id and the servers to measure, which end with `stack`."""
    if args.url:
        if args.peer:
            raise BadRequest("--peer starts servers of its own; leave out --url.")
        return args.model, {_OURS: connect.client(args)}
    chosen = settings.read(args)
    registry = Registry(chosen.models_folder(os.environ), chosen.models, guide.model_path())
    entry = registry.find(args.model) if args.model else registry.default()
    targets = {_OURS: stack.enter_context(servers.own_server(chosen, entry))}
    if args.peer:
        targets[_PEER] = stack.enter_context(servers.engine_server(chosen, entry))
    return entry.id, targets


def _write(target: str, text: str) -> None:
    if target == "-":
        print(text)
        return
    try:
        Path(target).write_text(f"{text}\n", "utf-8")
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}.") from error


def _count(text: str) -> int:
    """A whole number above zero; argparse makes a sentence of the error."""
    if not text.isascii() or not text.isdecimal() or not (count := int(text)):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above zero")
    return count


def _counts(text: str) -> tuple[int, ...]:
    """Numbers separated by commas."""
    return tuple(_count(part.strip()) for part in text.split(","))
