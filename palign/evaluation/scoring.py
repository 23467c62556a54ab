"""From answers to figures: hidden utility, paired intervals over users, effects by dimension; knows no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from palign.dimensions import CATALOGUE
from palign.evaluation.arms import Answer, ArmName, Run
from palign.evaluation.judges.measurers import word_count, words
from palign.evaluation.judges.panel import JUDGES, JudgeName, Panel

__all__ = [
    "COMPARISONS",
    "Comparison",
    "DimensionResult",
    "Interval",
    "Judged",
    "Judging",
    "compare",
    "dimension_results",
    "edit_distance",
    "interval",
    "judge",
    "lift",
    "mean_words",
    "repeated_trigrams",
]

Judging = Literal["both", "measurer", "classifier"]
# Fixed in advance. The last shows the swap without memory text, which could hide a useless w.
COMPARISONS: tuple[tuple[ArmName, ArmName], ...] = (
    ("both", "memory only"),
    ("reward only", "neither"),
    ("both", "swapped user"),
    ("reward only", "swapped user, reward only"),
)
_RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over users with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval is positive."""
        return self.low > 0


@dataclass(frozen=True, slots=True)
class Judged:
    """The answers with what the judges say: `z` by judge and dimension (N,), standardised over all answers of the run.

    `utility`: (N,) for the asking user's taste, by the trusted judges together and by each judge alone.
    """

    answers: tuple[Answer, ...]
    z: Mapping[JudgeName, Mapping[str, NDArray[np.float64]]]
    utility: Mapping[Judging, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Utility of one arm less that of another, on the same questions and users, under the trusted judges and each."""

    arm: ArmName
    against: ArmName
    difference: Mapping[Judging, Interval]


@dataclass(frozen=True, slots=True)
class DimensionResult:
    """What became of one dimension. `agreement` is the correlation of both judges over all answers (NaN: no spread).

    `shift`: by arm, the mean move towards the wanted pole against `neither`, in standard deviations, over the users
    who care; by the trusted judges, empty when there is none.
    """

    dimension: str
    trusted: tuple[JudgeName, ...]
    agreement: float
    users: int
    shift: Mapping[ArmName, float]

    @property
    def judged(self) -> bool:
        """Whether any judge may speak for it; a dimension without one counts as not steered."""
        return bool(self.trusted)


def judge(run: Run, panel: Panel) -> Judged:
    """Score all answers and weigh the scores by each asking user's taste."""
    raw = panel.score([answer.text for answer in run.answers])
    z = {name: {key: _standardised(values) for key, values in scores.items()} for name, scores in raw.items()}
    taste = {user.name: user.taste for user in run.users}
    weights = {key: np.array([taste[answer.user].get(key, 0.0) for answer in run.answers]) for key in CATALOGUE}
    trusted = {key: panel.trusted(key) for key in CATALOGUE}
    views: dict[Judging, Mapping[str, Sequence[JudgeName]]] = {"both": trusted}
    for name in JUDGES:
        views[name] = {key: (name,) if name in trusted[key] else () for key in CATALOGUE}
    utility = {view: _utility(weights, z, speakers) for view, speakers in views.items()}
    return Judged(run.answers, z, utility)


def compare(judged: Judged, arm: ArmName, against: ArmName) -> Comparison:
    """Paired difference of two arms; users are resampled, questions are not."""
    difference = {
        view: interval(_per_user(judged, values, arm) - _per_user(judged, values, against))
        for view, values in judged.utility.items()
    }
    return Comparison(arm, against, difference)


def interval(per_user: NDArray[np.float64], *, seed: int = 0) -> Interval:
    """Mean of (U,) values and the 2.5 and 97.5 percentiles of its bootstrap over users."""
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, per_user.size, size=(_RESAMPLES, per_user.size))
    low, high = np.percentile(per_user[picks].mean(axis=1), (2.5, 97.5))
    return Interval(float(per_user.mean()), float(low), float(high))


def lift(judged: Judged, arm: ArmName, view: Judging = "both") -> Interval:
    """Utility of an arm above the generic answer to the same question."""
    values = judged.utility[view]
    return interval(_per_user(judged, values, arm) - _per_user(judged, values, "neither"))


def dimension_results(run: Run, judged: Judged, panel: Panel, arms: Sequence[ArmName]) -> tuple[DimensionResult, ...]:
    """One entry per dimension of the catalogue."""
    return tuple(_dimension(name, run, judged, panel.trusted(name), arms) for name in CATALOGUE)


def repeated_trigrams(text: str) -> float:
    """Share of word trigrams that occurred earlier in the text; a sign of an answer that loops."""
    found = words(text)
    trigrams = list(zip(found, found[1:], found[2:], strict=False))
    return 1 - len(set(trigrams)) / len(trigrams) if trigrams else 0.0


def edit_distance(first: str, second: str) -> float:
    """Levenshtein distance over pieces between spaces, by the longer text's number of them, in [0, 1].

    A bullet is a piece, so layout counts.
    """
    a, b = first.split(), second.split()
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        above, row[0] = row[0], i
        for j, right in enumerate(b, start=1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (left != right))
    return row[-1] / max(len(a), len(b), 1)


def mean_words(answers: Sequence[Answer]) -> float:
    """Mean length in words."""
    return float(np.mean([word_count(answer.text) for answer in answers]))


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)


def _utility(
    weights: Mapping[str, NDArray[np.float64]],
    z: Mapping[JudgeName, Mapping[str, NDArray[np.float64]]],
    speakers: Mapping[str, Sequence[JudgeName]],
) -> NDArray[np.float64]:
    """w* . (mean z of the dimension's judges), (N,); a dimension without a judge adds nothing."""
    total = np.zeros_like(next(iter(weights.values())))
    for key, names in speakers.items():
        if names:
            total = total + weights[key] * np.mean([z[name][key] for name in names], axis=0)
    return total


def _per_user(judged: Judged, values: NDArray[np.float64], arm: ArmName) -> NDArray[np.float64]:
    """(U,) mean over questions, users in the order in which they first occur."""
    order = dict.fromkeys(answer.user for answer in judged.answers)
    chosen = {
        user: [i for i, answer in enumerate(judged.answers) if answer.user == user and answer.arm == arm]
        for user in order
    }
    return np.array([values[rows].mean() for rows in chosen.values()])


def _dimension(
    name: str, run: Run, judged: Judged, trusted: tuple[JudgeName, ...], arms: Sequence[ArmName]
) -> DimensionResult:
    signs = {user.name: float(np.sign(user.taste[name])) for user in run.users if name in user.taste}
    shift: dict[ArmName, float] = {}
    if trusted and signs:
        z = np.mean([judged.z[speaker][name] for speaker in trusted], axis=0)
        wanted = z * np.array([signs.get(answer.user, 0.0) for answer in judged.answers])
        shift = {arm: _mean_of(judged, wanted, arm, signs) - _mean_of(judged, wanted, "neither", signs) for arm in arms}
    first, second = (judged.z[speaker][name] for speaker in JUDGES)
    agreement = float(np.corrcoef(first, second)[0, 1]) if np.ptp(first) > 0 and np.ptp(second) > 0 else float("nan")
    return DimensionResult(name, trusted, agreement, len(signs), shift)


def _mean_of(judged: Judged, values: NDArray[np.float64], arm: ArmName, users: Mapping[str, float]) -> float:
    rows = [i for i, answer in enumerate(judged.answers) if answer.arm == arm and answer.user in users]
    return float(values[rows].mean())
