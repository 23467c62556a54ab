"""An encoder whose vectors can be worked out by hand: a text is the set of its words, one axis each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class WordEncoder:
    """Two texts have the cosine of their sets of words, but where two words share one of the axes."""

    def __init__(self, name: str = "words", dim: int = 64) -> None:
        self.name = name
        self.sha256 = hashlib.sha256(name.encode()).hexdigest()
        self.dim = dim

    def encode_query(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.encode_document(texts)

    def encode_document(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in text.casefold().split():
                row[self._axis(word)] = 1
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)

    def _axis(self, word: str) -> int:
        return int.from_bytes(hashlib.sha256((self.name + word).encode()).digest()[:4]) % self.dim
