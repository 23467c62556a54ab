"""The authored corpus, read once for the whole session, and what the tests of the training room count in it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from palign.training.corpus import Corpus, Point, Topic, load_corpus
from palign.training.dialogues import Sampler
from palign.training.topics import Reading


@functools.cache
def corpus() -> Corpus:
    """The corpus as it stands in the repository."""
    return load_corpus()


def sampler_of(made: Corpus, reading: Reading | None = None) -> Sampler:
    """A sampler of training topics; without a reading no prompt says what its question is about."""
    return Sampler(made, made.training_topics(), reading or Reading({}, ()))


def point_lines(point: Point) -> dict[str, str]:
    """Line by register."""
    return {name: line for name, line in point.model_dump().items() if isinstance(line, str)}


def lines_of(topic: Topic) -> Iterator[str]:
    """Everything of a topic that an answer may hold."""
    yield from (topic.answer_first, *topic.warm_openers, *topic.question_back, *topic.when.values())
    for point in topic.points:
        yield from point_lines(point).values()


def words(text: str) -> tuple[str, ...]:
    """Lower-case words without punctuation, which alone makes no two lines different."""
    return tuple(re.findall(r"[a-z0-9]+", text.lower().replace("'", "")))
