"""`palign eval`: builds the parts, runs the arms or the laws and writes the folder; holds no figure of its own."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from palign.compose import build_service
from palign.config import ASSETS, Settings, load_settings
from palign.dimensions import CATALOGUE
from palign.evaluation.arms import SWEEP, Answer, answer_all, turns_needed
from palign.evaluation.judges.panel import JUDGES, TRUSTED, Panel
from palign.evaluation.laws import Laws, laws_turns, measure_laws
from palign.evaluation.manifest import manifest
from palign.evaluation.plots import plot_dimensions, plot_fit, plot_sweep
from palign.evaluation.questions import QUESTIONS
from palign.evaluation.report import FIGURES, headline, page, readme_block, update_readme
from palign.evaluation.scoring import Judged, judge
from palign.evaluation.summary import Summary, summarise
from palign.evaluation.users import simulated_users
from palign.models.encoder import TextEncoder
from palign.schema import ConfigError

__all__ = ["plain_values", "run", "write_arms"]

DEFAULT_OUT = ASSETS / "eval"
_README = ASSETS.parent / "README.md"


@dataclass(frozen=True, slots=True)
class _Options:
    questions: int
    users: int
    seed: int
    out: Path
    laws: bool


def run(argv: Sequence[str]) -> bool:
    """Run `palign eval` with these arguments; whether all holds that was put to the test.

    Raises:
        ConfigError: a number is out of range, or the README has no place for the result.
        AssetError: the model, its heads or the encoder are missing or altered.
    """
    options = _parse(argv)
    settings = load_settings()
    console = Console(stderr=True)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.laws:
        return _run_laws(options, settings, console)
    _run_arms(options, settings, console)
    return True


def _parse(argv: Sequence[str]) -> _Options:
    parser = argparse.ArgumentParser(prog="palign eval", description="Measure the arms on simulated users.")
    parser.add_argument("--questions", type=int, help=f"how many, up to {len(QUESTIONS)} (10; with --laws 20)")
    parser.add_argument("--users", type=int, default=6, help="simulated users, 2 or more (6)")
    parser.add_argument("--seed", type=int, default=0, help="draws the users (0)")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder of the results (assets/eval)")
    parser.add_argument("--laws", action="store_true", help="measure length, strength and learning instead")
    found = parser.parse_args(argv)
    questions = found.questions if found.questions is not None else (20 if found.laws else 10)
    if not 1 <= questions <= len(QUESTIONS):
        raise ConfigError(f"--questions is {questions}.", hint=f"Use a number from 1 to {len(QUESTIONS)}.")
    if found.users < 2:
        raise ConfigError(f"--users is {found.users}.", hint="Use 2 or more: one is swapped for another.")
    return _Options(questions, found.users, found.seed, found.out, found.laws)


def _run_arms(options: _Options, settings: Settings, console: Console) -> None:
    start = time.perf_counter()
    encoder = TextEncoder.load()
    users = simulated_users(options.users, options.seed)
    questions = QUESTIONS[: options.questions]
    with (
        build_service(settings, throwaway=True) as service,
        _progress("arms", turns_needed(len(questions), len(users)), console) as advance,
    ):
        status = service.status()
        result = answer_all(service, users, questions, max_new_tokens=settings.max_new_tokens, progress=advance)
    panel = Panel.build(encoder)
    judged = judge(result, panel)
    summary = summarise(result, judged, panel)
    configuration = {
        "questions": len(questions),
        "users": len(users),
        "seed": options.seed,
        "temperature": 0.0,
        "max_new_tokens": settings.max_new_tokens,
        "threads": settings.threads,
        "judges": list(JUDGES),
        "trusted_from": TRUSTED,
        "sweep": list(SWEEP),
        "encoder": {"name": encoder.name, "sha256": encoder.sha256},
    }
    write_arms(options.out, judged, summary)
    command = f"python -m palign eval --questions {len(questions)} --users {len(users)} --seed {options.seed}"
    _write_json(options.out / "manifest.json", manifest(status, command, configuration, time.perf_counter() - start))
    if options.out.resolve() == DEFAULT_OUT.resolve():
        update_readme(_README, readme_block(summary, "assets/eval"))
    console.print(headline(summary), markup=False)
    console.print(f"Written: {options.out}", markup=False)


def write_arms(out: Path, judged: Judged, summary: Summary) -> None:
    """Write results.jsonl, summary.json, README.md and the three figures into an existing folder."""
    lines = [json.dumps(plain_values(row), ensure_ascii=False) for row in _rows(judged)]
    (out / "results.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _write_json(out / "summary.json", asdict(summary))
    (out / "README.md").write_text(page(summary, _examples(judged)), encoding="utf-8")
    plot_fit({row.arm: row.lift for row in summary.arms}, out / FIGURES.fit)
    plot_dimensions(summary.dimensions, out / FIGURES.dimensions)
    sweep = summary.sweep
    plot_sweep(
        [row.strength for row in sweep], [row.kl for row in sweep], [row.lift for row in sweep], out / FIGURES.sweep
    )


def _rows(judged: Judged) -> Iterator[dict[str, object]]:
    for i, answer in enumerate(judged.answers):
        scores = {name: {key: round(float(judged.z[name][key][i]), 4) for key in CATALOGUE} for name in JUDGES}
        utility = {view: round(float(values[i]), 4) for view, values in judged.utility.items()}
        yield {**asdict(answer), "z": scores, "utility": utility}


def _examples(judged: Judged) -> list[Answer]:
    """The first question for every user: generic once, then memory only, reward only and both."""
    first = judged.answers[0]
    chosen = [answer for answer in judged.answers if answer.question == first.question]
    generic = [answer for answer in chosen if answer.arm == "neither"][:1]
    return generic + [answer for answer in chosen if answer.arm in ("memory only", "reward only", "both")]


def _run_laws(options: _Options, settings: Settings, console: Console) -> bool:
    start = time.perf_counter()
    questions = QUESTIONS[: options.questions]
    with (
        build_service(settings, throwaway=True) as service,
        _progress("laws", laws_turns(len(questions)), console) as advance,
    ):
        status = service.status()
        laws = measure_laws(service, questions, max_new_tokens=settings.max_new_tokens, progress=advance)
    configuration = {"questions": len(questions), "max_new_tokens": settings.max_new_tokens}
    command = f"python -m palign eval --laws --questions {len(questions)}"
    document = {
        "laws": _laws_values(laws),
        "manifest": manifest(status, command, configuration, time.perf_counter() - start),
    }
    _write_json(options.out / "laws.json", document)
    console.print_json(json.dumps(plain_values(document["laws"])))
    if not laws.hold:
        console.print(f"These laws do not hold: {', '.join(_broken(laws))}.", markup=False, soft_wrap=True)
    return laws.hold


def _broken(laws: Laws) -> list[str]:
    length = [f"length at temperature {law.temperature:g}" for law in laws.length if not law.holds]
    others = [name for name, law in (("strength", laws.strength), ("learning", laws.learning)) if not law.holds]
    return length + others


def _laws_values(laws: Laws) -> dict[str, object]:
    return {
        "hold": laws.hold,
        "length": [{**asdict(law), "ratio": law.ratio, "holds": law.holds} for law in laws.length],
        "strength": {**asdict(laws.strength), "holds": laws.strength.holds},
        "learning": {
            "median_p_concise": laws.learning.median_p,
            "concise_most_certain": laws.learning.most_certain,
            "holds": laws.learning.holds,
            **asdict(laws.learning),
        },
    }


@contextmanager
def _progress(title: str, total: int, console: Console) -> Iterator[Callable[[], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=total)
        yield lambda: bar.advance(task)


def plain_values(value: object) -> object:
    """The same value in what JSON knows: text keys, lists for tuples, null for NaN."""
    if isinstance(value, dict):
        return {str(key): plain_values(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(entry) for entry in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(plain_values(value), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
