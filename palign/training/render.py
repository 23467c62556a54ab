"""From a topic, a stance and remembered facts to an answer in which every dimension varies by itself.

The labels of training come from here, so the judges of `evaluation` share no line with it. Knows no model.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from palign.dimensions import CATALOGUE
from palign.training.corpus import Point, Topic

__all__ = [
    "EXTRA_ODDS",
    "FLAVOURS",
    "MAIN_ODDS",
    "MAIN_REGISTERS",
    "ask_variants",
    "middle_stance",
    "random_stance",
    "render",
]

Weights = Mapping[str, float]

_MOST_POINTS = 7
_SPREAD = 0.42  # of the number of points, in octaves
_MAX_WORDS = 215  # of the points; with opening and closing the longest answers come to about 360 tokens
FLAVOURS = ("technical", "cautious", "confident", "warm", "playful")  # lines that may accompany a point
MAIN_REGISTERS = ("tip", "plain", "technical", "formal", "casual", "cautious", "confident", "step")
# Of a point's line, and of what follows it, over all unasked-for answers, half of them in the middle: about.
MAIN_ODDS = {"tip": 1.0, **dict.fromkeys(MAIN_REGISTERS[1:], 0.35)}
EXTRA_ODDS = {
    "why": 0.6,
    "example": 0.5,
    "technical": 0.2,
    "cautious": 0.2,
    "confident": 0.2,
    "warm": 0.25,
    "playful": 0.35,
}
_POLES = {
    "plain": ("plain", 1),
    "technical": ("plain", -1),
    "formal": ("formal", 1),
    "casual": ("formal", -1),
    "cautious": ("cautious", 1),
    "confident": ("cautious", -1),
    "warm": ("warm", 1),
    "playful": ("playful", 1),
    "step": ("steps", 1),
}


def middle_stance(rng: random.Random) -> dict[str, float]:
    """Near neutral in everything: what the best general answer is drawn from."""
    return {name: _clip(rng.gauss(0, 0.12), -1, 1) for name in CATALOGUE}


def random_stance(rng: random.Random, *, active: float = 0.4, low: float = 0.3) -> dict[str, float]:
    """Each dimension is off with probability 1 - `active`, else of either sign with magnitude from `low` to 1."""
    stance = {}
    for name in CATALOGUE:
        on = rng.random() < active
        stance[name] = rng.choice((-1, 1)) * rng.uniform(low, 1) if on else 0.0
    return stance


def render(topic: Topic, weights: Weights, facts: Sequence[str], rng: random.Random) -> str:
    """One answer to a question about `topic` under a stance w in [-1, 1]^D.

    `facts` are keys of `topic.when` known of the person; each adds its line to the first point. That point says what
    the answer is about: a small model finds the right line by its own words before it, hardly by the question alone. A
    point of its own would shift the numbers by which a list knows what comes next.
    """
    stance = _Stance(weights)
    as_list = rng.random() < stance.list_probability
    items = _items(topic, stance, facts, rng, as_list=as_list)
    asked = _questions_back(topic, stance, rng)
    opening = _opening(topic, stance, rng, n_items=len(items)) + asked[1:]
    closing = asked[:1]
    return _lay_out(opening, items, closing, as_list=as_list and len(items) > 1, rng=rng)


@dataclass(frozen=True, slots=True)
class _Stance:
    """The probabilities that a stance implies; each depends on as few dimensions as it can."""

    weights: Weights

    def pole(self, register: str) -> float:
        """How far the stance leans to a register's pole, in [0, 1]."""
        name, sign = _POLES[register]
        return max(0.0, sign * self.weights[name])

    @property
    def concise(self) -> float:
        return self.weights["concise"]

    @property
    def list_probability(self) -> float:
        return 0.5 + 0.5 * self.weights["lists"]

    @property
    def why_probability(self) -> float:
        lean = self.weights["examples"]
        return _clip(0.28 - 0.35 * self.concise + 0.55 * max(0, -lean) - 0.15 * max(0, lean), 0, 0.95)

    @property
    def example_probability(self) -> float:
        lean = self.weights["examples"]
        return _clip(0.15 - 0.15 * self.concise + 0.8 * max(0, lean) - 0.3 * max(0, -lean), 0, 0.95)

    def flavour_probability(self, register: str) -> float:
        """For lines that accompany a point: playful, warm, cautious, confident, technical."""
        lean = self.pole(register)
        name, sign = _POLES[register]
        against = max(0.0, -sign * self.weights[name])
        ceiling = {"playful": 0.85, "warm": 0.55}.get(register, 0.4)
        floor = {"playful": 0.12, "warm": 0.1}.get(register, 0.08)
        return _clip(floor + ceiling * lean - against, 0, 0.95)

    def n_points(self, rng: random.Random) -> int:
        """Three in the middle, one or two at concise, six at detailed, with spread so that any stop stays in reach."""
        n = round(self._mean_points * 2 ** rng.gauss(0, _SPREAD))
        return max(1, min(_MOST_POINTS, n))

    def last_probability(self, said: int) -> float:
        """That no point follows number `said`, given that there are as many."""

        def fewer(n: int) -> float:
            if n <= 1:
                return 0.0
            bound = math.log2((n - 0.5) / self._mean_points) / _SPREAD
            return 0.5 * (1 + math.erf(bound / math.sqrt(2)))

        left = 1 - fewer(said)
        return 1.0 if said >= _MOST_POINTS else (fewer(said + 1) - fewer(said)) / max(left, 1e-9)

    @property
    def _mean_points(self) -> float:
        return 3.0 * 2 ** (-self.concise if self.concise < 0 else -1.35 * self.concise)


def _items(
    topic: Topic, stance: _Stance, facts: Sequence[str], rng: random.Random, *, as_list: bool
) -> list[list[str]]:
    wanted = stance.n_points(rng)
    if as_list and wanted == 1 and stance.weights["lists"] > 0.3:
        wanted = 2
    # The first ones, in the authored order: then each sentence tells which one may follow it, and the model neither has
    # to remember what it said nor meets a choice that no preference decides.
    items = [_point_sentences(point, stance, rng) for point in topic.points[:wanted]]
    for fact in facts:
        if fact in topic.when:
            items[0].append(topic.when[fact])
    return _within_limit(items)


def _point_sentences(point: Point, stance: _Stance, rng: random.Random) -> list[str]:
    main = _main_register(stance, rng)
    sentences = [getattr(point, main)]
    most = 3 if stance.concise < -0.3 else 1 if stance.concise > 0.5 else 2
    extras = [
        register for register in FLAVOURS if register != main and rng.random() < stance.flavour_probability(register)
    ]
    if point.serious and "playful" in extras:
        extras.remove("playful")
    if rng.random() < stance.why_probability:
        extras.insert(0, "why")
    if rng.random() < stance.example_probability:
        extras.insert(0, "example")
    kept = sorted(extras, key=lambda register: -_wish(register, stance))[:most]
    return sentences + [getattr(point, register) for register in extras if register in kept]


def _wish(register: str, stance: _Stance) -> float:
    """How much the stance asks for an extra line; what is asked for most survives the limit."""
    if register in _POLES:
        return stance.pole(register)
    lean = stance.weights["examples"]
    return lean if register == "example" else -lean


def _main_register(stance: _Stance, rng: random.Random) -> str:
    return rng.choices(MAIN_REGISTERS, [_line_odds(register, stance) for register in MAIN_REGISTERS])[0]


def _line_odds(register: str, stance: _Stance) -> float:
    # A line the middle gives a fifth of the tip's odds is learned by heart too, and stays above min-p where guidance
    # looks for it; at a twentieth a third of them did.
    return 1.0 if register == "tip" else 0.22 + 5.0 * stance.pole(register) ** 1.5


def line_odds(weights: Weights) -> dict[str, float]:
    """What the line of a point is drawn from under a stance: probability by register."""
    stance = _Stance(weights)
    odds = {register: _line_odds(register, stance) for register in MAIN_REGISTERS}
    return {register: value / sum(odds.values()) for register, value in odds.items()}


def start_odds(weights: Weights) -> dict[str, float]:
    """How an answer begins: `list`, `opening`, or the first point's line by register; warm openers aside."""
    stance = _Stance(weights)
    as_list = stance.list_probability
    prose = (1 - as_list) * (1 - _opening_probability(stance, one_point=False))
    lines = {register: prose * value for register, value in line_odds(weights).items()}
    return {"list": as_list, "opening": 1 - as_list - prose, **lines}


def next_odds(weights: Weights, said: int) -> dict[str, float]:
    """What follows the line of point number `said`: an extra line by register, the `next` point or the `end`.

    Before the limit on extra lines, which drops those the stance wishes for least.
    """
    stance = _Stance(weights)
    odds, left = {}, 1.0
    for register in ("example", "why", *FLAVOURS):
        if register in ("example", "why"):
            chance = stance.why_probability if register == "why" else stance.example_probability
        else:
            chance = stance.flavour_probability(register)
        odds[register] = left * chance
        left *= 1 - chance
    end = left * stance.last_probability(said)
    return {**odds, "next": left - end, "end": end}


def _opening(topic: Topic, stance: _Stance, rng: random.Random, *, n_items: int) -> list[str]:
    opening = []
    warm = stance.weights["warm"]
    if rng.random() < _clip(0.05 + 0.8 * max(0, warm) - max(0, -warm), 0, 1):
        opening.append(rng.choice(topic.warm_openers))
    if rng.random() < _opening_probability(stance, one_point=n_items == 1):
        opening.append(topic.answer_first)
    return opening


def _opening_probability(stance: _Stance, *, one_point: bool) -> float:
    registers = max(stance.pole(register) for register in MAIN_REGISTERS[1:-1])
    steps = stance.weights["steps"]
    chance = 0.5 - 0.35 * registers - (0.2 if one_point else 0)
    return _clip(chance + max(0, -steps) * (0.95 - chance) - 0.5 * max(0, steps), 0, 1)


def _questions_back(topic: Topic, stance: _Stance, rng: random.Random) -> list[str]:
    """None, one for the end, or a second one for the beginning as well."""
    lean = stance.weights["exploratory"]
    if rng.random() >= _clip(0.15 + 0.8 * max(0, lean) - 0.15 * max(0, -lean), 0, 1):
        return []
    return rng.sample(topic.question_back, 2 if rng.random() < 0.6 * max(0, lean) else 1)


def _within_limit(items: list[list[str]]) -> list[list[str]]:
    kept: list[list[str]] = []
    words = 0
    for item in items:
        words += sum(len(sentence.split()) for sentence in item)
        if kept and words > _MAX_WORDS:
            break
        kept.append(item)
    return kept


def _lay_out(
    opening: list[str], items: list[list[str]], closing: list[str], *, as_list: bool, rng: random.Random
) -> str:
    if as_list:
        # Numbers, not dashes: the number tells a small model which point is next, where it lost count of dashes.
        numbered = "\n".join(f"{number}. {' '.join(item)}" for number, item in enumerate(items, 1))
        return "\n\n".join(part for part in (" ".join(opening), numbered, " ".join(closing)) if part)
    paragraphs = [" ".join(opening)] if opening and len(items) > 2 and rng.random() < 0.5 else []
    loose = [] if paragraphs else list(opening)
    for item in items:
        loose += item
        if len(loose) >= 4:
            paragraphs.append(" ".join(loose))
            loose = []
    loose += closing
    if loose:
        paragraphs.append(" ".join(loose))
    return "\n\n".join(paragraphs)


# Ways of asking

_GREETINGS = ("hi, ", "hey ", "hello! ", "Hi there. ", "quick question: ", "please help, ", "so ", "ok so ")
_ENDINGS = (" please", " thanks", "?", "??", " pls", " Any advice?", " help", "...")


def ask_variants(ask: str, rng: random.Random) -> str:
    """An ask as written, or changed by rule: casing, punctuation, a greeting, an ending, a typo."""
    text = ask
    if rng.random() < 0.15:
        text = rng.choice(_GREETINGS) + text[0].lower() + text[1:]
    if rng.random() < 0.12:
        text = text.rstrip("?.! ") + rng.choice(_ENDINGS)
    if rng.random() < 0.2:
        text = text.lower()
    if rng.random() < 0.1:
        text = re.sub(r"[?.!,']", "", text)
    if rng.random() < 0.15:
        text = _typo(text, rng)
    return text


def _typo(text: str, rng: random.Random) -> str:
    i = rng.randrange(max(1, len(text) - 1))
    kind = rng.random()
    if kind < 0.4:
        return text[:i] + text[i + 1 :]
    if kind < 0.8:
        return text[:i] + text[i : i + 2][::-1] + text[i + 2 :]
    return text[:i] + text[i : i + 1] + text[i:]


def _clip(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))
