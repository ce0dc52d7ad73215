"""Train luna-guide: `python -m appliance.guide.train --out luna-guide.gguf --minutes 40`."""

import argparse
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional

from appliance.guide.batches import Batch, batches
from appliance.guide.corpus import make_corpus
from appliance.guide.export import write_gguf
from appliance.guide.intents import load_knowledge
from appliance.guide.model import GuideNetwork, Shape
from appliance.guide.tokenizer import train_tokenizer, vocabulary

_EMA = 0.998
_WARM_UP = 0.02
_SHARPNESS = 6.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train: CPU seconds of one thread, tokens per batch, peak learning rate."""

    seconds: float
    seed: int = 1
    budget: int = 3000
    rate: float = 2.5e-3
    vocabulary: int = 4096
    tokenizer_samples: int = 60_000
    refusal_bias: float = 0.0


def rate_at(progress: float, peak: float) -> float:
    """Learning rate after a part (0 to 1) of the time: a short warm-up, then a cosine."""
    if progress < _WARM_UP:
        return peak * progress / _WARM_UP
    return peak * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * min(1.0, progress))))


def loss_of(network: GuideNetwork, batch: Batch) -> torch.Tensor:
    """Weighted, smoothed cross-entropy over the tokens of the answers."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = network(batch.tokens)[batch.rows, batch.columns]
        logits = network.logits(hidden)
    losses = functional.cross_entropy(
        logits.float(), batch.targets, reduction="none", label_smoothing=0.05
    )
    return (losses * batch.weights).sum() / batch.weights.sum()


class Average:
    """Exponential moving average of a network's weights, with a warm-up."""

    def __init__(self, network: GuideNetwork) -> None:
        self.weights = {name: value.clone() for name, value in network.state_dict().items()}
        self._steps = 0

    @torch.no_grad()
    def update(self, network: GuideNetwork) -> None:
        """Move towards the network's weights."""
        self._steps += 1
        decay = min(_EMA, self._steps / (self._steps + 20))
        for name, value in network.state_dict().items():
            self.weights[name].lerp_(value, 1 - decay)


def make_optimizers(network: GuideNetwork, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices between embedding and output, AdamW for the rest.

    After 130 seconds on one core the loss was 1.8, with AdamW alone 2.2.
    """
    inner = [p for p in network.blocks.parameters() if p.ndim == 2]
    rest = [network.embedding.weight, *(p for p in network.parameters() if p.ndim == 1)]
    return [
        torch.optim.Muon(inner, lr=rate, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.98), weight_decay=0.1),
    ]


def fit(network: GuideNetwork, source: Iterator[Batch], plan: Plan) -> dict[str, torch.Tensor]:
    """Train for the planned time and return the averaged weights.

    CPU time, not the clock's: on a busy machine it takes longer, and comes out as good.
    """
    optimizers = make_optimizers(network, plan.rate)
    average = Average(network)
    planned = plan.seconds * torch.get_num_threads()
    start = time.process_time()
    recent = 0.0
    for step, batch in enumerate(source):
        progress = (time.process_time() - start) / planned if planned else 1.0
        if progress >= 1:
            break
        loss = loss_of(network, batch)
        network.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate_at(progress, plan.rate)
            optimizer.step()
        average.update(network)
        recent = loss.item() if step == 0 else 0.98 * recent + 0.02 * loss.item()
        if step % 200 == 0:
            print(f"{progress:6.1%}  step {step:6}  loss {recent:.4f}", flush=True)
    return average.weights


@torch.no_grad()
def lean_to_refusal(
    network: GuideNetwork, tokenizer: Tokenizer, sample_source: Iterator[Batch], bias: float
) -> None:
    """Raise the score of the refusal's first token by about `bias`, in the shared embedding.

    The row moves along the mean state in which answers begin; as an input that token
    stands only inside refusals, so nothing else changes.
    """
    states = []
    for batch in islice(sample_source, 40):
        first = batch.weights > 1
        states.append(network(batch.tokens)[batch.rows[first], batch.columns[first]])
    mean = torch.cat(states).mean(dim=0)
    token = tokenizer.encode(load_knowledge().refusal).ids[0]
    network.embedding.weight[token] += bias * mean / mean.square().sum()


@torch.no_grad()
def sharpen(network: GuideNetwork) -> None:
    """Scale all scores up, so that an app that asks for a temperature gets the same answers.

    The last norm feeds nothing but the scores; the most likely token stays the same.
    """
    network.norm.weight *= _SHARPNESS


def begin(plan: Plan, earlier: Path | None) -> tuple[Tokenizer, GuideNetwork]:
    """Learn a tokenizer and make a network, or take both from an earlier run."""
    if earlier:
        tokenizer = Tokenizer.from_file(str(earlier.with_suffix(".json")))
    else:
        text = islice(make_corpus(plan.seed + 1000), plan.tokenizer_samples)
        tokenizer = train_tokenizer((s.prompt + s.answer for s in text), plan.vocabulary)
    network = GuideNetwork(Shape(vocabulary=tokenizer.get_vocab_size()))
    if earlier:
        network.load_state_dict(torch.load(earlier.with_suffix(".pt")))
    return tokenizer, network


def train(plan: Plan, out: Path, earlier: Path | None = None) -> None:
    """Train and write the model file, with the state of the run beside it (.pt, .json)."""
    torch.manual_seed(plan.seed)
    tokenizer, network = begin(plan, earlier)
    count = sum(parameter.numel() for parameter in network.parameters())
    print(f"{count:,} parameters, {network.shape.vocabulary} tokens", flush=True)
    tokenizer.model.dropout = 0.05
    source = batches(make_corpus(plan.seed), tokenizer, plan.budget, random.Random(plan.seed))
    network.load_state_dict(fit(network, source, plan))
    network.eval()
    torch.save(network.state_dict(), out.with_suffix(".pt"))
    tokenizer.model.dropout = None
    tokenizer.save(str(out.with_suffix(".json")))
    lean_to_refusal(network, tokenizer, source, plan.refusal_bias)
    sharpen(network)
    weights = {name: np.asarray(value) for name, value in network.state_dict().items()}
    unfinished = out.with_suffix(".part")  # an engine may have the old file mapped
    write_gguf(unfinished, weights, network.shape, vocabulary(tokenizer))
    unfinished.replace(out)
    print(f"{out}: {out.stat().st_size:,} bytes")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the GGUF file to write")
    parser.add_argument(
        "--minutes", type=float, default=40, help="training time; 0 only sets the bias"
    )
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of PyTorch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--refusal-bias", type=float, default=0.0)
    parser.add_argument("--rate", type=float, default=2.5e-3, help="peak learning rate")
    parser.add_argument("--resume", type=Path, help="go on from the state beside this GGUF file")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    plan = Plan(
        options.minutes * 60, options.seed, rate=options.rate, refusal_bias=options.refusal_bias
    )
    train(plan, options.out, options.resume)


if __name__ == "__main__":
    main()
