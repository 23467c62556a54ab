"""Which topic an answer is about, by sentence embedding: the nearest mean of a topic's authored lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from palign.schema import Encoder
from palign.training.corpus import Topic

__all__ = ["TopicJudge"]


class TopicJudge:
    """Nearest of the topics it was given. What it compares with are the answers' own building blocks, not the asks."""

    def __init__(self, topics: Mapping[str, Topic], encoder: Encoder) -> None:
        self._names = list(topics)
        self._encoder = encoder
        lines = [_lines(topic) for topic in topics.values()]
        vectors = encoder.encode_document([line for group in lines for line in group])
        ends = np.cumsum([len(group) for group in lines])
        means = np.stack([part.mean(0) for part in np.split(vectors, ends[:-1])])  # (T, E)
        self._means = means / np.linalg.norm(means, axis=1, keepdims=True)

    def nearest(self, texts: Sequence[str]) -> list[str]:
        """(N,) texts → the key of each one's topic."""
        scores: NDArray[np.float32] = self._encoder.encode_document(list(texts)) @ self._means.T
        return [self._names[i] for i in scores.argmax(1)]


def _lines(topic: Topic) -> list[str]:
    return [topic.answer_first, *(line for point in topic.points for line in (point.tip, point.why, point.example))]
