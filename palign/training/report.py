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
from palign.training.render import FLAVOURS, MAIN_REGISTERS, render

__all__ = [
    "greedy_answer",
    "head_report",
    "held_out_asks",
    "held_out_loss",
    "reach_report",
    "recall_report",
    "sentence_report",
]

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
    for topic, ask in held_out_asks(corpus, rng, recipe.report_asks):
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
    for topic, ask in held_out_asks(corpus, rng, recipe.report_asks, held_out=held_out):
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


def reach_report(model: LanguageModel, reader: TopicReader, asks: Sequence[tuple[Topic, str]]) -> dict[str, float]:
    """Share of asks at which each register is a candidate unsteered, token by token: what is within guidance's reach.

    Three decision points: the form of an answer, the register of its first point's line, and what comes after the tip.
    A line counts as within reach where every token that tells it from the other lines is.
    """
    found: dict[str, list[bool]] = {}
    for topic, ask in asks:
        prompt = _prompt(model, reader, ask)
        first = _inside(model, prompt, DecodingConfig().min_p)
        one = model.tokenizer.encode_answer("1. ")[0]
        as_list = bool(model.prefill([prompt]).logits[0].argmax() == one)
        lead, point = "1. " if as_list else "", topic.points[0]
        tip = f"{lead}{point.tip}"
        following = ("why", "example", *(name for name in FLAVOURS if name != "playful" or not point.serious))
        shares = {
            "list": one in first,
            "prose": bool(first - {one}),
            **_lines_inside(model, prompt, {name: f"{lead}{getattr(point, name)}" for name in MAIN_REGISTERS}),
            **_lines_inside(model, prompt, {f"then {name}": f"{tip} {getattr(point, name)}" for name in following}),
            **_after(model, [*prompt, *model.tokenizer.encode_answer(tip)]),
        }
        for name, inside in shares.items():
            found.setdefault(name, []).append(inside)
    return {name: float(np.mean(inside)) for name, inside in found.items()}


def _lines_inside(model: LanguageModel, prompt: list[int], lines: Mapping[str, str]) -> dict[str, bool]:
    encoded = {name: model.tokenizer.encode_answer(line) for name, line in lines.items()}
    found = {}
    for name, ids in encoded.items():
        others = [other for other in encoded.values() if other != ids]
        shared = max(_shared(ids, other) for other in others)
        since = min(_shared(ids, other) for other in others)
        _, logits = model.hidden_states(prompt, ids[: shared + 1])
        best = logits.max(-1).values
        chosen = logits[torch.arange(len(logits)), torch.tensor(ids[: len(logits)])]
        found[name] = bool((chosen[since:] >= best[since:] + math.log(DecodingConfig().min_p)).all())
    return found


def _shared(ids: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two lines have in common before they part."""
    return next((i for i, (a, b) in enumerate(zip(ids, other, strict=False)) if a != b), min(len(ids), len(other)))


def _after(model: LanguageModel, ids: list[int]) -> dict[str, bool]:
    decoding = DecodingConfig()
    return {
        "stop": bool(_inside(model, ids, decoding.min_p_end) & model.stop_ids),
        "go on": bool(_inside(model, ids, decoding.min_p) - model.stop_ids),
    }


def _inside(model: LanguageModel, prompt: list[int], min_p: float) -> set[int]:
    """Tokens that may follow `prompt` with at least `min_p` of the best one's probability."""
    logits = model.prefill([prompt]).logits[0]  # (V,)
    return set(torch.nonzero(logits >= logits.max() + math.log(min_p))[:, 0].tolist())


def head_report(
    model: LanguageModel,
    reader: TopicReader,
    scorer: AnswerScorer,
    topics: Mapping[str, Topic],
    *,
    n: int,
    seed: int = 0,
) -> dict[str, Mapping[str, float]]:
    """Pair accuracy of each head over `topics`: whether Phi_k ranks a fresh answer at +1 above one at -1, `n` times."""
    rng = random.Random(f"pairs-{seed}")
    drawn = list(topics.values())
    accuracy, effect = {}, {}
    for name in CATALOGUE:
        gaps = []
        for _ in range(n):
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


def held_out_asks(corpus: Corpus, rng: random.Random, n: int, *, held_out: bool = True) -> Iterator[tuple[Topic, str]]:
    """`n` topics by chance, each with one of its held-out asks, or of those of training."""
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
