"""What chat needs of the parts that it is given, and what it says of them. Knows no part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from palign.schema import TopicGuess

__all__ = ["Reader", "Scorer", "Status"]


class Scorer(Protocol):
    """What chat needs of `rewards.AnswerScorer`."""

    def score(self, prompt: Sequence[int], answer: Sequence[int]) -> dict[str, float]:
        """Phi of an answer by dimension."""


class Reader(Protocol):
    """What chat needs of `models.TopicReader`."""

    def read(self, question: str) -> TopicGuess:
        """Which of the model's own topics a question is about."""


@dataclass(frozen=True, slots=True)
class Status:
    """What runs: for the screen's status line and `palign doctor`."""

    model: str
    model_sha256: str
    heads_sha256: str
    parameters: int
    persistent: bool
