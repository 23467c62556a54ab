"""What a model's own topics are, and which of them a question is about, read off the encoder's vector.

A small model answers well about what it was trained on and reads questions badly; the encoder reads them well and says
nothing. So the model's folder may hold this index, whose guess is written into the prompt. Knows no text.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from palign.schema import AssetError, Encoder, TopicGuess

__all__ = ["TOPICS_FILE", "TopicIndex", "TopicReader"]

TOPICS_FILE = "topics.safetensors"
# Probabilities. Below the last one a question counts as being about none of the topics.
_SURE, _LIKELY, _WEAK = 0.6, 0.3, 0.1
_ALSO = 0.08
_MOST = 3
_REBUILD = "Rebuild it with `python -m palign train topics` and `python -m palign train export`."


class TopicIndex:
    """A linear classifier on unit vectors: `weight` (C, E), `bias` (C,). Class 0 is "none of the topics"."""

    def __init__(self, titles: tuple[str, ...], weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        """`titles` names classes 1 to C - 1."""
        self.titles = titles
        self._weight = weight
        self._bias = bias

    def guess(self, vector: NDArray[np.float32]) -> TopicGuess:
        """(E,) → up to three titles, by probability."""
        logits = self._weight @ vector + self._bias  # (C,)
        odds = np.exp(logits - logits.max())
        odds /= odds.sum()
        first, *others = np.argsort(-odds[1:])[:_MOST] + 1
        if odds[0] > 0.5 or odds[first] < _WEAK:
            return TopicGuess()
        best = self.titles[first - 1]
        if odds[first] >= _SURE:
            return TopicGuess((best,), "sure")
        titles = (best, *(self.titles[i - 1] for i in others if odds[i] >= _ALSO))
        return TopicGuess(titles, "likely" if odds[first] >= _LIKELY else "weak")

    def save(self, path: Path, *, encoder_sha256: str) -> None:
        """Write the index, and whose vectors it reads."""
        metadata = {"titles": json.dumps(self.titles), "encoder_sha256": encoder_sha256}
        # The file keeps the bytes as they lie, whatever the order of the axes.
        weight = np.ascontiguousarray(self._weight)
        save_file({"weight": weight, "bias": self._bias}, path, metadata=metadata)

    @classmethod
    def load(cls, path: Path, *, encoder_sha256: str) -> Self:
        """Read an index.

        Raises:
            AssetError: it cannot be read, or reads another encoder's vectors.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                titles, made_for = tuple(json.loads(metadata["titles"])), metadata["encoder_sha256"]
                weight, bias = file.get_tensor("weight"), file.get_tensor("bias")
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise AssetError(f"{path.name} is no index of topics: {error}.", path=str(path), hint=_REBUILD) from error
        if made_for != encoder_sha256:
            raise AssetError(f"{path.name} was made for another encoder.", path=str(path), hint=_REBUILD)
        if weight.shape[0] != len(titles) + 1 or bias.shape != weight.shape[:1]:
            raise AssetError(f"{path.name} does not fit its own titles.", path=str(path), hint=_REBUILD)
        return cls(titles, weight, bias)


class TopicReader:
    """Reads questions with an encoder and the index of a model's folder; without an index it guesses nothing."""

    def __init__(self, encoder: Encoder, index: TopicIndex | None) -> None:
        self._encoder = encoder
        self._index = index

    @classmethod
    def load(cls, folder: Path, encoder: Encoder) -> Self:
        """Of the model in `folder`; most models come without an index.

        Raises:
            AssetError: the index cannot be read, or was made for another encoder.
        """
        path = folder / TOPICS_FILE
        return cls(encoder, TopicIndex.load(path, encoder_sha256=encoder.sha256) if path.exists() else None)

    def read(self, question: str) -> TopicGuess:
        """What a question is about."""
        return self._index.guess(self._encoder.encode_query([question])[0]) if self._index else TopicGuess()
