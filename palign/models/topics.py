"""What a model's own topics are, and which of them a question is about, read off the encoder's vector.

A small model answers well about what it was trained on and reads questions badly; the encoder reads them well and says
nothing. So the model's folder may hold this index, whose guess is written into the prompt. Knows no text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from palign.schema import AssetError, Encoder, TopicGuess

__all__ = ["TOPICS_FILE", "Alarm", "TopicIndex", "TopicReader"]

TOPICS_FILE = "topics.safetensors"
# Probabilities. Below the last one a question counts as being about none of the topics.
_SURE, _LIKELY, _WEAK = 0.6, 0.3, 0.1
_ALSO = 0.08
_MOST = 3
_REBUILD = "Rebuild it with `python -m palign train topics` and `python -m palign train export`."


@dataclass(frozen=True, slots=True)
class Alarm:
    """A support vector machine with a Gaussian kernel: how much a question is like those that mean harm.

    score = sum_i weights_i exp(-gamma |x - vectors_i|^2) + bias, of unit vectors x; `vectors` (S, E), `weights` (S,).
    Harm has no place of its own in the space: a line around a kind takes in what merely sounds alike, so each example
    speaks for its neighbourhood. A question sounds the alarm where the score less the probability of its likeliest
    topic is `least` or more; its kind is the likeliest of the classes whose titles begin with `prefix`.
    """

    prefix: str
    vectors: NDArray[np.float16]
    weights: NDArray[np.float32]
    gamma: float
    bias: float
    least: float

    def score(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, E) → (N,)."""
        nearness = np.exp(2 * self.gamma * (vectors @ self.vectors.astype(np.float32).T - 1))  # (N, S)
        return np.asarray(nearness @ self.weights + self.bias, dtype=np.float32)


class TopicIndex:
    """A linear classifier on unit vectors: `weight` (C, E), `bias` (C,). Class 0 is "none of the topics"."""

    def __init__(
        self,
        titles: tuple[str, ...],
        weight: NDArray[np.float32],
        bias: NDArray[np.float32],
        alarm: Alarm | None = None,
    ) -> None:
        """`titles` names classes 1 to C - 1."""
        self.titles = titles
        self.alarm = alarm
        self._weight = weight
        self._bias = bias
        self._alarming = np.array([False, *(alarm is not None and title.startswith(alarm.prefix) for title in titles)])

    def guess(self, vector: NDArray[np.float32]) -> TopicGuess:
        """(E,) → up to three titles, by probability."""
        odds = self._odds(vector)
        if self.alarm:
            harm = np.where(self._alarming, odds, 0.0)
            odds = np.where(self._alarming, 0.0, odds)
            if self.alarm_level(vector) >= self.alarm.least:
                return TopicGuess((self.titles[np.argmax(harm) - 1],), "sure")
        first, *others = np.argsort(-odds[1:])[:_MOST] + 1
        if odds[0] > 0.5 or odds[first] < _WEAK:
            return TopicGuess()
        best = self.titles[first - 1]
        if odds[first] >= _SURE:
            return TopicGuess((best,), "sure")
        titles = (best, *(self.titles[i - 1] for i in others if odds[i] >= _ALSO))
        return TopicGuess(titles, "likely" if odds[first] >= _LIKELY else "weak")

    def with_alarm(self, alarm: Alarm) -> TopicIndex:
        """The same classifier, with an alarm."""
        return TopicIndex(self.titles, self._weight, self._bias, alarm)

    def alarm_level(self, vector: NDArray[np.float32]) -> float:
        """(E,) → the alarm's score less the probability of the likeliest topic, for the alarm to compare.

        Raises:
            ValueError: the index has no alarm.
        """
        if self.alarm is None:
            raise ValueError("an index without an alarm has no level of it")
        innocent = np.where(self._alarming, 0.0, self._odds(vector))[1:].max()
        return float(self.alarm.score(vector[None])[0] - innocent)

    def _odds(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        logits = self._weight @ vector + self._bias  # (C,)
        odds = np.exp(logits - logits.max())
        return np.asarray(odds / odds.sum(), dtype=np.float32)

    def save(self, path: Path, *, encoder_sha256: str) -> None:
        """Write the index, and whose vectors it reads."""
        metadata = {"titles": json.dumps(self.titles), "encoder_sha256": encoder_sha256}
        # The file keeps the bytes as they lie, whatever the order of the axes.
        tensors = {"weight": np.ascontiguousarray(self._weight), "bias": self._bias}
        if alarm := self.alarm:
            tensors |= {"alarm_vectors": np.ascontiguousarray(alarm.vectors), "alarm_weights": alarm.weights}
            numbers = {"prefix": alarm.prefix, "gamma": alarm.gamma, "bias": alarm.bias, "least": alarm.least}
            metadata["alarm"] = json.dumps(numbers)
        save_file(tensors, path, metadata=metadata)

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
                names = file.keys()
                tensors = {name: file.get_tensor(name) for name in names}
                weight, bias = tensors["weight"], tensors["bias"]
                alarm = _alarm(tensors, json.loads(metadata["alarm"])) if "alarm" in metadata else None
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise AssetError(f"{path.name} is no index of topics: {error}.", path=str(path), hint=_REBUILD) from error
        if made_for != encoder_sha256:
            raise AssetError(f"{path.name} was made for another encoder.", path=str(path), hint=_REBUILD)
        if weight.shape[0] != len(titles) + 1 or bias.shape != weight.shape[:1]:
            raise AssetError(f"{path.name} does not fit its own titles.", path=str(path), hint=_REBUILD)
        if alarm and alarm.vectors.shape != (len(alarm.weights), weight.shape[1]):
            raise AssetError(f"{path.name} has an alarm that does not fit it.", path=str(path), hint=_REBUILD)
        return cls(titles, weight, bias, alarm)


def _alarm(tensors: Mapping[str, NDArray[Any]], numbers: Mapping[str, Any]) -> Alarm:
    return Alarm(vectors=tensors["alarm_vectors"], weights=tensors["alarm_weights"], **numbers)


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
