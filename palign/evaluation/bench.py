"""`make bench`: what a guided token costs, as ratios within one run. Knows the decoder, no users and no judges.

Arms are interleaved A B B A and compared by process CPU time within a round, so that a busy machine shifts both; an
A/A control beside them says how far the figures can be trusted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from palign.chat import Status
from palign.config import DecodingConfig, load_settings
from palign.decoding import GuidedDecoder
from palign.dimensions import CATALOGUE
from palign.evaluation.manifest import manifest
from palign.evaluation.questions import QUESTIONS
from palign.models.encoder import TextEncoder
from palign.models.language import LanguageModel
from palign.models.topics import TopicReader
from palign.prompts import messages
from palign.rewards import PersRMHeads
from palign.safety import SAFETY_WEIGHT

__all__ = ["run_bench"]

Arm = Callable[[], int]
_TOKENS = 96
_CONTROL = "plain loop again (control)"
_REFERENCE = "plain loop"


def run_bench(argv: Sequence[str]) -> None:
    """Parse options, measure, print the table and write bench.json."""
    parser = argparse.ArgumentParser(prog="palign bench", description="Cost of guided tokens, as ratios.")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of A B B A")
    parser.add_argument("--out", type=Path, default=Path("assets/eval"), help="folder for bench.json")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    start = time.monotonic()
    folder = Path(load_settings().model)
    model = LanguageModel.load(folder)
    heads = PersRMHeads.load(folder / "heads.safetensors", model).covering(tuple(CATALOGUE))
    table = measure(_arms(model, TopicReader.load(folder, TextEncoder.load()), heads), rounds=options.rounds)
    status = Status(model.name, model.sha256, heads.sha256, model.parameters, persistent=False)
    chosen = {"reference": _REFERENCE, "tokens": _TOKENS, "rounds": options.rounds}
    document = {"manifest": manifest(status, "make bench", chosen, time.monotonic() - start), "ratios": table}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "bench.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    Console().print(_shown(table))


def measure(arms: Mapping[str, Arm], *, rounds: int) -> dict[str, dict[str, float]]:
    """Median within-round ratio of seconds a token to the reference's, with quartiles, by arm."""
    ratios: dict[str, list[float]] = {name: [] for name in arms}
    for _ in tqdm(range(rounds), desc="rounds"):
        forth = {name: _seconds(arm) for name, arm in arms.items()}
        back = {name: _seconds(arms[name]) for name in reversed(list(arms))}
        base = forth[_REFERENCE] + back[_REFERENCE]
        for name in arms:
            ratios[name].append((forth[name] + back[name]) / base)
    return {name: _quartiles(values) for name, values in ratios.items()}


def _quartiles(values: Sequence[float]) -> dict[str, float]:
    low, middle, high = np.percentile(values, (25, 50, 75))
    return {"q25": float(low), "median": float(middle), "q75": float(high)}


def _shown(ratios: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table("one token of", "CPU time, relative", "quartiles")
    for name, row in ratios.items():
        table.add_row(name, f"{row['median']:.2f}", f"{row['q25']:.2f} to {row['q75']:.2f}")
    return table


def _seconds(arm: Arm) -> float:
    start = time.process_time()
    tokens = arm()
    return (time.process_time() - start) / tokens


def _arms(model: LanguageModel, reader: TopicReader, heads: PersRMHeads) -> dict[str, Arm]:
    decoder = GuidedDecoder(model, heads, safety_weight=SAFETY_WEIGHT)
    prompt = model.tokenizer.encode_chat(messages(QUESTIONS[0], guess=reader.read(QUESTIONS[0])))
    w = dict.fromkeys(CATALOGUE, 0.5)

    def plain() -> int:
        return _plain_loop(model, prompt)

    def guided(weights: Sequence[Mapping[str, float]]) -> Arm:
        # A token of one row is counted once, however many rows go along: the question is what the company costs.
        config = DecodingConfig(max_new_tokens=_TOKENS, temperature=0.0)
        prompts = [prompt] * len(weights)
        return lambda: sum(1 for _ in decoder.stream(prompts, weights, config))

    return {
        _REFERENCE: plain,
        "transformers generate": lambda: len(model.generate(prompt, max_new_tokens=_TOKENS)),
        "guided, one row": guided([w]),
        "generic and guided, two rows": guided([{}, w]),
        _CONTROL: plain,
    }


def _plain_loop(model: LanguageModel, prompt: Sequence[int]) -> int:
    state = model.prefill([prompt])
    for step in range(_TOKENS):
        token = int(state.logits[0].argmax())
        if token in model.stop_ids:
            return step + 1
        state = model.step(state, [token])
    return _TOKENS


if __name__ == "__main__":
    run_bench(sys.argv[1:])
