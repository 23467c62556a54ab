"""Reduces judged answers to the figures of the report; knows no layout and no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from palign.dimensions import CATALOGUE
from palign.evaluation.arms import ARMS, SWEEP, Answer, ArmName, Run
from palign.evaluation.judges.panel import JudgeAccuracy, Panel
from palign.evaluation.scoring import (
    COMPARISONS,
    Comparison,
    DimensionResult,
    Interval,
    Judged,
    compare,
    dimension_results,
    lift,
    mean_words,
    repeated_trigrams,
)

__all__ = ["ArmRow", "Summary", "SweepRow", "summarise"]


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One arm. `lift`: utility above the generic answer; `wins`, `ties`: shares of answers above it and equal to it.

    `kl`: nats per token; `repeated`: share of repeated word trigrams; `cut`: share that met the token limit.
    """

    arm: ArmName
    lift: Interval
    wins: float
    ties: float
    words: float
    kl: float
    repeated: float
    cut: float
    tokens_per_second: float


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One strength of the reward alone: nats per token, utility above the generic answer, share of changed texts."""

    strength: float
    kl: float
    lift: float
    changed: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole report in figures.

    `understood`: stated tastes whose posterior mean has the right sign, of `tastes` in all. `facts_used`: turns with
    the fact in the prompt, of `facts_asked`.
    """

    users: int
    questions: int
    comparisons: tuple[Comparison, ...]
    arms: tuple[ArmRow, ...]
    dimensions: tuple[DimensionResult, ...]
    accuracies: tuple[JudgeAccuracy, ...]
    sweep: tuple[SweepRow, ...]
    understood: int
    tastes: int
    facts_used: int
    facts_asked: int
    generic_mismatches: int


def summarise(run: Run, judged: Judged, panel: Panel) -> Summary:
    """Reduce a run of at least two users."""
    comparisons = tuple(compare(judged, arm, against) for arm, against in COMPARISONS)
    understood, tastes = _understood(run)
    used, asked = _facts(run)
    return Summary(
        users=len(run.users),
        questions=len({answer.question for answer in run.answers}),
        comparisons=comparisons,
        arms=tuple(_arm_row(judged, arm) for arm in ARMS),
        dimensions=dimension_results(run, judged, panel, ARMS),
        accuracies=panel.accuracies,
        sweep=tuple(_sweep_row(judged, strength) for strength in SWEEP),
        understood=understood,
        tastes=tastes,
        facts_used=used,
        facts_asked=asked,
        generic_mismatches=run.generic_mismatches,
    )


def _generic_rows(judged: Judged) -> Mapping[tuple[str, str], int]:
    return {(answer.question, answer.user): i for i, answer in enumerate(judged.answers) if answer.arm == "neither"}


def _arm_row(judged: Judged, arm: ArmName) -> ArmRow:
    generic = _generic_rows(judged)
    rows = [i for i, answer in enumerate(judged.answers) if answer.arm == arm]
    own = [judged.answers[i] for i in rows]
    utility = judged.utility["both"]
    equal = [judged.answers[generic[answer.question, answer.user]].text == answer.text for answer in own]
    above = [utility[i] > utility[generic[answer.question, answer.user]] for i, answer in zip(rows, own, strict=True)]
    return ArmRow(
        arm=arm,
        lift=lift(judged, arm),
        wins=float(np.mean([win and not same for win, same in zip(above, equal, strict=True)])),
        ties=float(np.mean(equal)),
        words=mean_words(own),
        kl=_kl_per_token(own),
        repeated=float(np.mean([repeated_trigrams(answer.text) for answer in own])),
        cut=float(np.mean([answer.finish_reason == "length" for answer in own])),
        tokens_per_second=sum(answer.tokens for answer in own) / max(sum(answer.seconds for answer in own), 1e-9),
    )


def _sweep_row(judged: Judged, strength: float) -> SweepRow:
    arm: ArmName = "reward only" if strength == 1.0 else "sweep"
    generic = _generic_rows(judged)
    rows = [i for i, answer in enumerate(judged.answers) if answer.arm == arm and answer.strength == strength]
    own = [judged.answers[i] for i in rows]
    bases = [generic[answer.question, answer.user] for answer in own]
    utility = judged.utility["both"]
    changed = [answer.text != judged.answers[base].text for answer, base in zip(own, bases, strict=True)]
    return SweepRow(
        strength=strength,
        kl=_kl_per_token(own),
        lift=float((utility[rows] - utility[bases]).mean()),
        changed=float(np.mean(changed)),
    )


def _kl_per_token(answers: list[Answer]) -> float:
    return sum(answer.kl for answer in answers) / max(sum(answer.tokens for answer in answers), 1)


def _understood(run: Run) -> tuple[int, int]:
    hits = [
        run.believed[user.name].get(name, 0.0) * weight > 0
        for user in run.users
        for name, weight in user.taste.items()
        if name in CATALOGUE
    ]
    return sum(hits), len(hits)


def _facts(run: Run) -> tuple[int, int]:
    facts = {user.name: user.fact for user in run.users if user.fact is not None}
    asked = [answer for answer in run.answers if answer.arm == "both" and answer.user in facts]
    return sum(facts[answer.user] in answer.memories for answer in asked), len(asked)
