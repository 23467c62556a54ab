"""A style classifier on sentence embeddings, fitted on hand-written pairs; knows no user, no prompt and no reward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from palign.dimensions import CATALOGUE, dimension
from palign.schema import AssetError, Encoder

__all__ = ["Pair", "StyleClassifier", "load_pairs"]

Part = Literal["fit", "test"]
_KEYS_OF_A_TOPIC = {"topic", "part"}


@dataclass(frozen=True, slots=True)
class Pair:
    """The same content at either pole of one dimension. `part` splits by topic: no topic is in both parts."""

    dimension: str
    topic: str
    part: Part
    positive: str
    negative: str


def load_pairs() -> tuple[Pair, ...]:
    """The shipped pairs, by topic.

    Raises:
        AssetError: the file does not hold two texts for a dimension of a topic.
        UnknownDimensionError: it names a dimension outside the catalogue.
    """
    source = files("palign.evaluation.judges").joinpath("pairs.yaml")
    entries = yaml.safe_load(source.read_text(encoding="utf-8"))
    return tuple(pair for entry in entries for pair in _pairs_of_topic(entry))


def _pairs_of_topic(entry: Mapping[str, object]) -> list[Pair]:
    topic, part = entry["topic"], entry["part"]
    found: list[Pair] = []
    for name in entry.keys() - _KEYS_OF_A_TOPIC:
        texts = entry[name]
        if not isinstance(texts, list) or len(texts) != 2 or part not in ("fit", "test"):
            raise AssetError(
                f"The topic '{topic}' has no pair for '{name}'.",
                path="palign/evaluation/judges/pairs.yaml",
                hint="Write the text at the first pole, then the one at the other.",
            )
        found.append(Pair(dimension(name).name, str(topic), part, str(texts[0]), str(texts[1])))
    return found


class _Embeddings:
    """Embeds every text once: in another batch the encoder would give it another last digit, and it is slow."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N,) texts → (N, E)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._encoder.encode_document(new), strict=True))
        return np.stack([self._known[text] for text in texts])


class StyleClassifier:
    """Logistic regressions, one per dimension, from an embedding (E,) to the log odds of the first pole."""

    def __init__(self, embed: _Embeddings, models: Mapping[str, LogisticRegression]) -> None:
        """Use `fit`."""
        self._embed = embed
        self._models = dict(models)

    @classmethod
    def fit(cls, pairs: Sequence[Pair], encoder: Encoder) -> StyleClassifier:
        """Fit on the pairs of part `fit`; the others are left alone."""
        embed = _Embeddings(encoder)
        embed([text for pair in pairs if pair.part == "fit" for text in (pair.positive, pair.negative)])
        models: dict[str, LogisticRegression] = {}
        for name in CATALOGUE:
            chosen = [pair for pair in pairs if pair.part == "fit" and pair.dimension == name]
            texts = [pair.positive for pair in chosen] + [pair.negative for pair in chosen]
            labels = [1] * len(chosen) + [0] * len(chosen)
            models[name] = LogisticRegression(max_iter=1000).fit(embed(texts), labels)
        return cls(embed, models)

    def score(self, texts: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """(N,) texts → by dimension (N,) log odds of the first pole."""
        embeddings = self._embed(texts)  # (N, E)
        return {
            name: np.asarray(model.decision_function(embeddings), dtype=np.float64)
            for name, model in self._models.items()
        }
