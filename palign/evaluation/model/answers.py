"""Many answers at once: greedy, steered or not, in batches; and what can be counted in one answer. Knows no judge."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from palign.config import DecodingConfig
from palign.evaluation.judges.measurers import words
from palign.evaluation.model.engine import Agreement, agreement
from palign.prompts import messages
from palign.training.report import head_report, reach_report

if TYPE_CHECKING:
    from palign.decoding import GuidedDecoder
    from palign.models.language import LanguageModel
    from palign.models.topics import TopicReader
    from palign.rewards import AnswerScorer
    from palign.training.corpus import Topic

__all__ = ["Answer", "Ask", "Writer", "repeated_grams", "sentences"]

_BATCH = 32


@dataclass(frozen=True, slots=True)
class Ask:
    """A question, the memories beside it, and w by dimension; without w the answer is the generic one."""

    question: str
    known: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `ended` says whether it came to its end before the limit."""

    text: str
    ended: bool


class Writer:
    """Answers asks as the app does at temperature 0, without its safety rules."""

    def __init__(
        self,
        model: LanguageModel,
        reader: TopicReader,
        decoder: GuidedDecoder,
        scorer: AnswerScorer,
    ) -> None:
        self._model = model
        self._scorer = scorer
        self._reader = reader
        self._decoder = decoder
        self._config = DecodingConfig(temperature=0.0, alternatives=0)

    def answers(
        self, asks: Sequence[Ask], progress: Callable[[int], None], *, longest: int = DecodingConfig().max_new_tokens
    ) -> list[Answer]:
        """One answer for each ask, in its order; `progress` hears how many more are done."""
        config = replace(self._config, max_new_tokens=longest)
        prompts = [self._prompt(ask) for ask in asks]
        # Prompts of like length share a batch, so that little of it is padding.
        order = sorted(range(len(asks)), key=lambda i: len(prompts[i]))
        done: dict[int, Answer] = {}
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            found = self._batch([prompts[i] for i in batch], [asks[i].weights for i in batch], config)
            done.update(zip(batch, found, strict=True))
            progress(len(batch))
        return [done[i] for i in range(len(asks))]

    def reach(self, asks: Sequence[tuple[Topic, str]]) -> dict[str, float]:
        """Share of asks at which each register is a candidate of the unsteered model."""
        return reach_report(self._model, self._reader, asks)

    def pair_accuracy(self, topics: Mapping[str, Topic], n: int) -> Mapping[str, float]:
        """Of `n` pairs for each dimension the share that its head ranks as they were rendered."""
        return head_report(self._model, self._reader, self._scorer, topics, n=n)["pair_accuracy"]

    def agreement(self, asks: Sequence[Ask]) -> Agreement:
        """The decoding engine beside one fp32 pass, on its own generic answers."""
        prompts = [self._prompt(ask) for ask in asks]
        texts = [
            (prompt, self._model.tokenizer.encode_answer(answer.text))
            for prompt, answer in zip(prompts, self.answers(asks, lambda n: None), strict=True)
        ]
        return agreement(self._model, [text for text in texts if text[1]])

    def _prompt(self, ask: Ask) -> list[int]:
        return self._model.tokenizer.encode_chat(messages(ask.question, ask.known, self._reader.read(ask.question)))

    def _batch(
        self, prompts: Sequence[Sequence[int]], weights: Sequence[Mapping[str, float]], config: DecodingConfig
    ) -> list[Answer]:
        ids: list[list[int]] = [[] for _ in prompts]
        ended = [False] * len(prompts)
        for steps in self._decoder.stream(prompts, weights, config):
            for step in steps:
                if step.ended == "stop":
                    ended[step.row] = True
                else:
                    ids[step.row].append(step.token_id)
        return [Answer(self._model.tokenizer.decode(row).strip(), end) for row, end in zip(ids, ended, strict=True)]


def sentences(text: str) -> list[str]:
    """The sentences of an answer; the numbers of a list are none."""
    unnumbered = re.sub(r"^\d+\. ", "", text, flags=re.MULTILINE)
    return [piece.strip() for piece in re.split(r"(?<=[.!?])\s+|\n+", unnumbered) if piece.strip()]


def repeated_grams(text: str, n: int = 4) -> tuple[int, int]:
    """How many n-grams of words an answer says again, and how many it has."""
    found = words(text)
    grams = [tuple(found[i : i + n]) for i in range(len(found) - n + 1)]
    return len(grams) - len(set(grams)), len(grams)
