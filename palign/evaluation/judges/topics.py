"""Which topic an answer is about, by sentence embedding: the nearest mean of a topic's authored lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from palign.schema import Encoder

__all__ = ["TopicJudge"]


class TopicJudge:
    """Nearest of the topics it was given, by lines that an answer about each may be made of.

    The index that tells the model its topic has read some of the same lines with the same encoder, so where that errs
    this may err alike.
    """

    def __init__(self, lines: Mapping[str, Sequence[str]], encoder: Encoder) -> None:
        self._names = list(lines)
        self._encoder = encoder
        vectors = encoder.encode_document([line for group in lines.values() for line in group])
        ends = np.cumsum([len(group) for group in lines.values()])
        means = np.stack([part.mean(0) for part in np.split(vectors, ends[:-1])])  # (T, E)
        self._means = means / np.linalg.norm(means, axis=1, keepdims=True)

    def nearest(self, texts: Sequence[str]) -> list[str]:
        """(N,) texts → the key of each one's topic."""
        scores: NDArray[np.float32] = self._encoder.encode_document(list(texts)) @ self._means.T
        return [self._names[i] for i in scores.argmax(1)]
