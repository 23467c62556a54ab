"""Stage `topics`: the index that reads which topic a question is about, and what it says of every training ask.

The language model is trained beside the guesses of indices that never saw the ask in question, so that it learns how
far a guess can be trusted. Knows texts and vectors, not the language model.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from palign.models.encoder import TextEncoder
from palign.models.topics import TOPICS_FILE, Alarm, TopicIndex
from palign.prompts import HARMFUL, LAST_ANSWER
from palign.schema import AssetError, TopicGuess
from palign.training.corpus import Corpus, public_records
from palign.training.render import ask_variants

__all__ = ["Reading", "fit_topics", "load_reading", "strangers"]

_log = logging.getLogger(__name__)
READING_FILE = "reading.json"
_FOLDS = 4
_STRENGTH = 10.0  # inverse regularization; of 1, 10 and 100 the best on asks left out
_TOO_NEAR = 0.5  # cosine to an ask, from which a public question may well be about a topic
_QUESTIONS = (("sft/dolly_3k", 3000), ("sft/oasst_prompts_best", 1500), ("sft/rasbt_1100", 1100))
_MOST_STRANGERS = 1500
_NEVER = -1e4
# Share of the harmless look-alikes that sound the alarm, read by one who never saw them. Of another hand's fewer do,
# .07 here; that hand's harmful requests are caught in .6 to .85, by straight lines around the kinds in .3 to .6.
_FALSE_ALARMS = 0.1
_ALARM_STRENGTH, _ALARM_GAMMA = 10.0, 1.0  # chosen by leaving out each hand's requests in turn


@dataclass(frozen=True, slots=True)
class Reading:
    """`guesses`: ask → what an index that never saw it takes it for. `strangers`: questions about no topic.

    `figures` are shares of those asks, and of the strangers.
    """

    guesses: Mapping[str, TopicGuess]
    strangers: tuple[str, ...]
    figures: Mapping[str, float] = field(default_factory=dict)


def strangers(folder: Path, *, seed: int) -> list[str]:
    """Public questions of ordinary length, in random order; none where the public text is not there."""
    found = []
    for name, most in _QUESTIONS:
        for _, record in zip(range(most), public_records(folder, name), strict=False):
            turns = record.get("messages")
            asked = str(turns[0]["content"]).strip() if isinstance(turns, list) and turns else ""
            if 8 < len(asked) < 140 and "\n" not in asked:
                found.append(asked)
    found = sorted(set(found))
    random.Random(f"strangers-{seed}").shuffle(found)
    return found


def fit_topics(
    corpus: Corpus, questions: Sequence[str], encoder: TextEncoder, folder: Path, *, most: int, seed: int
) -> None:
    """Fit the index on every ask and title, and write it with the out-of-fold reading into `folder`.

    Small talk and harmful requests are classes like the topics: what has answers of its own has a title of its own.

    Args:
        questions: public ones, most of which are about none of the topics.
        most: asks of a topic, and lines of it, that are read.
    """
    rng = random.Random(f"topics-{seed}")
    groups = _groups(corpus, most)
    titles = tuple(groups)
    asks = [(ask, number) for number, group in enumerate(groups.values(), 1) for ask in group]
    lines = [
        (line, number)
        for number, topic in enumerate(corpus.training_topics().values(), 1)
        for line in (topic.topic, topic.answer_first, *(point.tip for point in topic.points))[:most]
    ]
    vectors = encoder.encode_query([ask for ask, _ in asks])
    public = _far(questions, encoder.encode_query(questions), vectors)[: min(_MOST_STRANGERS, 30 * most)]
    foreign = [*corpus.strangers[: 30 * most], *public]
    unknown = [*(ask for dialogue in corpus.dialogues if dialogue.unknown for ask in dialogue.asks), *foreign]
    harmless = corpus.harmless[: 14 * most]
    texts = [*(ask for ask, _ in asks), *unknown, *harmless]
    clean = np.concatenate([vectors, encoder.encode_query([*unknown, *harmless])])
    fixed = encoder.encode_query([line for line, _ in lines]), np.array([number for _, number in lines])
    labels = np.array([*(number for _, number in asks), *[0] * (len(unknown) + len(harmless))])
    if harmless:
        labels[-len(harmless) :] = _labelled(titles, clean, labels, fixed, len(harmless))
    varied = encoder.encode_query([ask_variants(text, rng) for text in texts])
    folds = np.array([rng.randrange(_FOLDS) for _ in texts])
    harm = np.array([bool(label) and titles[label - 1].startswith(HARMFUL) for label in labels])
    indices = []
    for seen in (*(folds != fold for fold in range(_FOLDS)), folds >= 0):
        index = _fitted(titles, [clean[seen], varied[seen], fixed[0]], [labels[seen], labels[seen], fixed[1]])
        indices.append(index.with_alarm(_fitted_alarm(clean[seen], harm[seen])))
    levels = [indices[fold].alarm_level(vector) for fold, vector in zip(folds, clean, strict=True)]
    least = float(np.quantile(levels[-len(harmless) :], 1 - _FALSE_ALARMS)) if harmless else 0.0
    *blind, index = (index.with_alarm(replace(index.alarm, least=least)) for index in indices if index.alarm)
    guesses = {text: blind[fold].guess(vector) for text, fold, vector in zip(texts, folds, clean, strict=True)}
    folder.mkdir(parents=True, exist_ok=True)
    index.save(folder / TOPICS_FILE, encoder_sha256=encoder.sha256)
    reading = Reading(guesses, tuple(foreign), _figures(texts, labels, guesses, titles))
    _log.info("asks left out: %s", ", ".join(f"{name} {share:.3f}" for name, share in reading.figures.items()))
    (folder / READING_FILE).write_text(json.dumps(asdict(reading), indent=1), encoding="utf-8")


def _groups(corpus: Corpus, most: int) -> dict[str, tuple[str, ...]]:
    """The asks of every class by its title, the topics first."""
    groups = {topic.topic: topic.asks[:most] for topic in corpus.training_topics().values()}
    groups |= {dialogue.name: dialogue.asks[:most] for dialogue in corpus.dialogues if not dialogue.unknown}
    groups[LAST_ANSWER] += tuple(ask for follow_up in corpus.follow_ups for ask in follow_up.asks[:most])
    return groups | {f"{HARMFUL} {refusal.name}": refusal.asks[:most] for refusal in corpus.refusals}


def _labelled(
    titles: tuple[str, ...],
    vectors: NDArray[np.float32],
    labels: NDArray[np.int64],
    fixed: tuple[NDArray[np.float32], NDArray[np.int64]],
    n: int,
) -> list[int]:
    """What the last `n` vectors, of asks known to be harmless, are about: read by an index that knows no harm."""
    innocent = np.array([not label or not titles[label - 1].startswith(HARMFUL) for label in labels[:-n]])
    kept = np.flatnonzero(innocent)
    index = _fitted(titles, [vectors[kept], fixed[0]], [labels[kept], fixed[1]])
    numbers = {title: number for number, title in enumerate(titles, 1)}
    guesses = [index.guess(vector) for vector in vectors[-n:]]
    return [numbers[guess.titles[0]] if guess.certainty != "weak" and guess.titles else 0 for guess in guesses]


def load_reading(folder: Path) -> Reading:
    """What `fit_topics` wrote.

    Raises:
        AssetError: the stage has not been run.
    """
    path = folder / READING_FILE
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AssetError(f"{path} cannot be read.", path=str(path), hint="Run the stage `topics` first.") from error
    guesses = {
        text: TopicGuess(tuple(guess["titles"]), guess["certainty"]) for text, guess in stored["guesses"].items()
    }
    return Reading(guesses, tuple(stored["strangers"]), stored.get("figures", {}))


def _fitted(
    titles: tuple[str, ...], vectors: Sequence[NDArray[np.float32]], labels: Sequence[NDArray[np.int64]]
) -> TopicIndex:
    x, y = np.concatenate(vectors), np.concatenate(labels)
    model = LogisticRegression(C=_STRENGTH, max_iter=200).fit(x, y)
    # A class without a single example gets no row of its own and is never guessed.
    weight = np.zeros((len(titles) + 1, x.shape[1]), np.float32)
    bias = np.full(len(titles) + 1, _NEVER, np.float32)
    weight[model.classes_], bias[model.classes_] = model.coef_, model.intercept_
    return TopicIndex(titles, weight, bias)


def _fitted_alarm(vectors: NDArray[np.float32], harm: NDArray[np.bool_]) -> Alarm:
    model = SVC(C=_ALARM_STRENGTH, gamma=_ALARM_GAMMA, class_weight="balanced").fit(vectors, harm)
    return Alarm(
        prefix=HARMFUL,
        vectors=model.support_vectors_.astype(np.float16),
        weights=model.dual_coef_[0].astype(np.float32),
        gamma=_ALARM_GAMMA,
        bias=float(model.intercept_[0]),
        least=0.0,
    )


def _far(questions: Sequence[str], vectors: NDArray[np.float32], asks: NDArray[np.float32]) -> list[str]:
    if not len(questions):
        return []
    nearest = (vectors @ asks.T).max(1)  # (N,)
    return [question for question, near in zip(questions, nearest, strict=True) if near < _TOO_NEAR]


def _figures(
    texts: Sequence[str], labels: NDArray[np.int64], guesses: Mapping[str, TopicGuess], titles: tuple[str, ...]
) -> dict[str, float]:
    read = [(guesses[text], titles[label - 1] if label else "") for text, label in zip(texts, labels, strict=True)]
    own = [(guess, title) for guess, title in read if title]
    alarms = [(title.startswith(HARMFUL), "".join(guess.titles).startswith(HARMFUL)) for guess, title in read]
    shares = {
        "first guess right": [guess.titles[:1] == (title,) for guess, title in own],
        "right among the guesses": [title in guess.titles for guess, title in own],
        "sure": [guess.certainty == "sure" for guess, _ in own],
        "no guess": [not guess.titles for guess, _ in own],
        "no guess about strangers": [not guess.titles for guess, title in read if not title],
        "harm taken for harm": [alarm for harmful, alarm in alarms if harmful],
        "anything else taken for harm": [alarm for harmful, alarm in alarms if not harmful],
    }
    return {name: float(np.mean(found)) if found else 0.0 for name, found in shares.items()}
