"""Both judges together: how far each can be trusted on the test topics, and their scores of any texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from palign.dimensions import CATALOGUE
from palign.evaluation.judges.classifier import Pair, StyleClassifier, load_pairs
from palign.evaluation.judges.measurers import MEASURERS
from palign.schema import Encoder

__all__ = ["JUDGES", "TRUSTED", "JudgeAccuracy", "JudgeName", "Panel", "Scores"]

JudgeName = Literal["measurer", "classifier"]
JUDGES: tuple[JudgeName, ...] = ("measurer", "classifier")
TRUSTED = 0.85

Scores = Mapping[JudgeName, Mapping[str, NDArray[np.float64]]]


@dataclass(frozen=True, slots=True)
class JudgeAccuracy:
    """How a judge does on the `n` test pairs of one dimension.

    `pairwise`: share of pairs whose first pole scores higher, a tie counting half; arms are compared the same way,
    on the same question. `alone`: share of single texts on the right side of the threshold that is best on the fit
    topics; harder, and what tells equal judges apart.
    """

    dimension: str
    judge: JudgeName
    pairwise: float
    alone: float
    n: int

    @property
    def trusted(self) -> bool:
        """Whether the judge may speak for this dimension."""
        return self.pairwise >= TRUSTED


class Panel:
    """The two judges of every dimension, and what is known of their accuracy."""

    def __init__(self, classifier: StyleClassifier, pairs: Sequence[Pair]) -> None:
        self._classifier = classifier
        self.accuracies = tuple(self._accuracies(pairs))

    @classmethod
    def build(cls, encoder: Encoder) -> Panel:
        """Fit on the shipped pairs."""
        pairs = load_pairs()
        return cls(StyleClassifier.fit(pairs, encoder), pairs)

    def trusted(self, dimension: str) -> tuple[JudgeName, ...]:
        """The judges that may speak for a dimension; empty means that it cannot be judged."""
        return tuple(entry.judge for entry in self.accuracies if entry.dimension == dimension and entry.trusted)

    def score(self, texts: Sequence[str]) -> Scores:
        """(N,) texts → by judge and dimension (N,) raw scores, growing towards the first pole."""
        measured = {name: np.array([measure(text) for text in texts]) for name, measure in MEASURERS.items()}
        return {"measurer": measured, "classifier": self._classifier.score(texts)}

    def _accuracies(self, pairs: Sequence[Pair]) -> list[JudgeAccuracy]:
        found: list[JudgeAccuracy] = []
        for name in CATALOGUE:
            own = [pair for pair in pairs if pair.dimension == name]
            split = np.array([pair.part == "test" for pair in own])
            high = self.score([pair.positive for pair in own])
            low = self.score([pair.negative for pair in own])
            found += [_accuracy(name, judge, high[judge][name], low[judge][name], split) for judge in JUDGES]
        return found


def _accuracy(
    name: str, judge: JudgeName, high: NDArray[np.float64], low: NDArray[np.float64], test: NDArray[np.bool_]
) -> JudgeAccuracy:
    wins = (high[test] > low[test]) + 0.5 * (high[test] == low[test])
    threshold = _best_threshold(high[~test], low[~test])
    alone = np.concatenate([high[test] > threshold, low[test] <= threshold])
    return JudgeAccuracy(name, judge, float(wins.mean()), float(alone.mean()), int(test.sum()))


def _best_threshold(high: NDArray[np.float64], low: NDArray[np.float64]) -> float:
    """The cut, among the midpoints of neighbouring scores, with the most texts of the fit topics on the right side."""
    scores = np.unique(np.concatenate([high, low]))
    cuts = (scores[1:] + scores[:-1]) / 2 if scores.size > 1 else scores
    right = [(high > cut).sum() + (low <= cut).sum() for cut in cuts]
    return float(cuts[int(np.argmax(right))])
