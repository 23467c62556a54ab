"""Figures of a trained model that need no judge: held-out loss, whole sentences, facts used, reach, head accuracy.

Knows the shipped model and the renderer's labels; how steering reads to others is `evaluation`'s business.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch

from palign.config import DecodingConfig
from palign.dimensions import CATALOGUE
from palign.models.language import LanguageModel
from palign.models.topics import TopicReader
from palign.prompts import messages
from palign.rewards.heads import AnswerScorer
from palign.training.corpus import Corpus, Topic
from palign.training.recipe import Recipe
from palign.training.render import render

__all__ = ["greedy_answer", "head_report", "held_out_loss", "reach_report", "recall_report", "sentence_report"]

_NEUTRAL = dict.fromkeys(CATALOGUE, 0.0)


def greedy_answer(
    model: LanguageModel, reader: TopicReader, question: str, *, known: Sequence[str] = (),
    longest: int = DecodingConfig().max_new_tokens,
) -> str:  # fmt: skip
    """The unsteered greedy answer to a question beside the memories `known`."""
    ids = model.generate(_prompt(model, reader, question, known), max_new_tokens=longest)
    return model.tokenizer.decode([token for token in ids if token not in model.stop_ids])


def _prompt(model: LanguageModel, reader: TopicReader, question: str, known: Sequence[str] = ()) -> list[int]:
    return model.tokenizer.encode_chat(messages(question, known, reader.read(question)))


def held_out_loss(model: LanguageModel, reader: TopicReader, corpus: Corpus, recipe: Recipe) -> float:
    """Nats per answer token on held-out ways of asking known topics, answers rendered in the middle stance."""
    total, count = 0.0, 0
    rng = random.Random(f"loss-{recipe.seed}")
    for topic, ask in _asks(corpus, rng, recipe.report_asks):
        prompt = _prompt(model, reader, ask)
        answer = [*model.tokenizer.encode_answer(render(topic, _NEUTRAL, (), rng)), *model.stop_ids]
        _, logits = model.hidden_states(prompt, answer)
        losses = torch.nn.functional.cross_entropy(logits, torch.tensor(answer[: len(logits)]), reduction="sum")
        total, count = total + float(losses), count + len(logits)
    return total / count


def sentence_report(
    model: LanguageModel, reader: TopicReader, corpus: Corpus, recipe: Recipe, *, held_out: bool
) -> dict[str, float]:
    """Of the sentences of greedy answers: the share authored as they stand, on the right topic, and said before.

    Asked in held-out words, or in those of training.
    """
    rng = random.Random(f"sentences-{recipe.seed}")
    everything = {line for topic in corpus.training_topics().values() for line in _lines(topic)}
    whole = right = repeated = sentences = 0
    for topic, ask in _asks(corpus, rng, recipe.report_asks, held_out=held_out):
        own, said = set(_lines(topic)), set[str]()
        for sentence in _split(greedy_answer(model, reader, ask)):
            sentences += 1
            whole += sentence in everything
            right += sentence in own
            repeated += sentence in said
            said.add(sentence)
    counts = {"whole": whole, "on_topic": right, "repeated": repeated}
    return {"sentences": sentences, **{name: count / max(1, sentences) for name, count in counts.items()}}


def recall_report(model: LanguageModel, reader: TopicReader, corpus: Corpus, recipe: Recipe) -> dict[str, float]:
    """What answers to known asks make of one remembered fact that bears on the topic, as shares of the answers.

    `right` says what the corpus says of that fact there, `other` what it says of another fact. `unasked` and `styled`
    are the shares that say such a line where nothing is remembered, and where only a taste is.
    """
    rng = random.Random(f"recall-{recipe.seed}")
    pairs = [
        (topic, fact)
        for topic in corpus.training_topics().values()
        for fact in sorted(topic.when)
        if fact in corpus.facts
    ]
    lines = {line: fact for topic, _ in pairs for fact, line in topic.when.items()}
    tastes = [line for words in corpus.stances.values() for line in (*words.positive, *words.negative)]
    counts = {"right": 0, "other": 0, "unasked": 0, "styled": 0}
    for topic, fact in rng.sample(pairs, min(recipe.report_asks, len(pairs))):
        ask = rng.choice(topic.asks)
        answer = greedy_answer(model, reader, ask, known=[rng.choice(corpus.facts[fact])])
        plain, styled = greedy_answer(model, reader, ask), greedy_answer(model, reader, ask, known=[rng.choice(tastes)])
        counts["right"] += topic.when[fact] in answer
        counts["other"] += any(line in answer for line, of in lines.items() if of != fact)
        counts["unasked"] += any(line in plain for line in lines)
        counts["styled"] += any(line in styled for line in lines)
    return {name: count / recipe.report_asks for name, count in counts.items()}


def reach_report(model: LanguageModel, reader: TopicReader, corpus: Corpus, recipe: Recipe) -> dict[str, float]:
    """Share of held-out asks in which the other choice at a decision point is a candidate unsteered: what is in reach.

    `list` and `prose` ask at the answer's first token, `stop` and `go_on` after its first sentence.
    """
    rng = random.Random(f"reach-{recipe.seed}")
    decoding = DecodingConfig()
    one = model.tokenizer.encode_answer("1. ")[0]
    inside = {"list": 0, "prose": 0, "stop": 0, "go_on": 0}
    for topic, ask in _asks(corpus, rng, recipe.report_asks):
        prompt = _prompt(model, reader, ask)
        first = _inside(model, prompt, decoding.min_p)
        inside["list"] += one in first
        inside["prose"] += bool(first - {one})
        after = [*prompt, *model.tokenizer.encode_answer(topic.points[0].tip)]
        inside["stop"] += bool(_inside(model, after, decoding.min_p_end) & model.stop_ids)
        inside["go_on"] += bool(_inside(model, after, decoding.min_p) - model.stop_ids)
    return {name: count / recipe.report_asks for name, count in inside.items()}


def _inside(model: LanguageModel, prompt: list[int], min_p: float) -> set[int]:
    """Tokens that may follow `prompt` with at least `min_p` of the best one's probability."""
    logits = model.prefill([prompt]).logits[0]  # (V,)
    return set(torch.nonzero(logits >= logits.max() + math.log(min_p))[:, 0].tolist())


def head_report(
    model: LanguageModel, reader: TopicReader, scorer: AnswerScorer, topics: Mapping[str, Topic], recipe: Recipe
) -> dict[str, Mapping[str, float]]:
    """Pair accuracy of each head over `topics`: whether Phi_k ranks a fresh answer at +1 above one at -1."""
    rng = random.Random(f"pairs-{recipe.seed}")
    drawn = list(topics.values())
    accuracy, effect = {}, {}
    for name in CATALOGUE:
        gaps = []
        for _ in range(recipe.report_asks):
            topic = rng.choice(drawn)
            prompt = _prompt(model, reader, rng.choice(topic.asks))
            plus, minus = (_rendered_score(model, scorer, prompt, topic, name, sign, rng) for sign in (1.0, -1.0))
            gaps.append(plus - minus)
        accuracy[name] = float(np.mean([gap > 0 for gap in gaps]))
        effect[name] = float(np.mean(gaps) / (np.std(gaps) + 1e-9))
    return {"pair_accuracy": accuracy, "effect_size": effect}


def _rendered_score(
    model: LanguageModel, scorer: AnswerScorer, prompt: list[int], topic: Topic, name: str, sign: float,
    rng: random.Random,
) -> float:  # fmt: skip
    text = render(topic, {**_NEUTRAL, name: sign}, (), rng)
    return scorer.score(prompt, [*model.tokenizer.encode_answer(text), *model.stop_ids])[name]


def _asks(corpus: Corpus, rng: random.Random, n: int, *, held_out: bool = True) -> Iterator[tuple[Topic, str]]:
    topics = list(corpus.training_topics().values())
    for _ in range(n):
        topic = rng.choice(topics)
        yield topic, rng.choice(topic.held_out_asks if held_out else topic.asks)


def _lines(topic: Topic) -> Iterator[str]:
    texts = [topic.answer_first, *topic.warm_openers, *topic.question_back, *topic.when.values()]
    texts += [line for point in topic.points for line in point.model_dump().values() if isinstance(line, str)]
    for text in texts:
        yield from _split(text)


def _split(text: str) -> list[str]:
    unnumbered = re.sub(r"^\d+\. ", "", text, flags=re.MULTILINE)
    return [piece.strip() for piece in re.split(r"(?<=[.!?])\s+|\n+", unnumbered) if piece.strip()]
