"""Simulated users: a hidden taste and the words in which it is stated; knows no reward, no prompt and no answer."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from palign.dimensions import CATALOGUE

__all__ = ["SimulatedUser", "simulated_users"]

# Worded for the evaluation: neither the catalogue's instructions nor the wordings of any training text.
_WORDS: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = MappingProxyType(
    {
        "concise": (
            ("Short answers suit me.", "I'm busy, so please be brief."),
            ("I want long, thorough answers.", "Go into depth with me, I like detail."),
        ),
        "plain": (
            ("No jargon please, simple words are enough for me.", "Explain things simply."),
            ("I like technical answers with exact numbers.", "Be technical with me, I'm an engineer."),
        ),
        "formal": (
            ("I prefer a formal tone.", "Please stay formal and polite with me."),
            ("Keep it casual with me.", "I like an informal, relaxed tone."),
        ),
        "warm": (
            ("I like a warm, friendly tone.", "A bit of encouragement does me good."),
            ("Just the facts, no pep talk.", "I'd rather have sober, factual answers."),
        ),
        "playful": (
            ("I enjoy jokes.", "Make it fun, I like humour."),
            ("No jokes please.", "I want serious answers."),
        ),
        "lists": (
            ("I love bullet points.", "Lists are easiest for me to read."),
            ("I don't like bullet points.", "Please write in full paragraphs, no lists."),
        ),
        "examples": (
            ("Examples help me understand.", "I like concrete examples."),
            ("I don't need examples, tell me the principle.", "No examples please, I want to know why."),
        ),
        "cautious": (
            ("Tell me when you are not sure, and mention exceptions.", "I like careful answers with caveats."),
            ("Don't hedge, commit to an answer.", "I want confident answers without caveats."),
        ),
        "exploratory": (
            ("Ask me questions back, I like to think aloud.", "I enjoy it when you explore things with me."),
            ("No questions back please.", "I like direct answers."),
        ),
        "steps": (
            ("Walk me through things step by step.", "I like step by step instructions."),
            ("I prefer an overview to single steps.", "The big picture is what I want."),
        ),
    }
)
_FACTS = (
    "I'm vegetarian.",
    "I have a cat.",
    "I live without a car.",
    "I'm on a tight budget.",
    "I have two small children.",
    "I work night shifts.",
)
_FEWEST, _MOST = 3, 4

_Card = tuple[str, int]  # a dimension and the sign of a pole


@dataclass(frozen=True, slots=True)
class SimulatedUser:
    """A hidden taste w* by dimension, in [-1, 1], absent where the user does not care; what is said of it; a fact.

    `words` has one sentence per dimension of `taste`. The fact is no part of the utility.
    """

    name: str
    taste: Mapping[str, float]
    words: tuple[str, ...]
    fact: str | None

    @property
    def stated(self) -> tuple[str, ...]:
        """Every sentence the user says before the first question."""
        return self.words if self.fact is None else (*self.words, self.fact)


def simulated_users(count: int, seed: int = 0) -> tuple[SimulatedUser, ...]:
    """Draw users whose tastes cover the poles of all dimensions evenly; every second one also states a fact.

    A user of a smaller `count` is the same as in a larger one.
    """
    rng = random.Random(seed)
    deck: list[_Card] = []
    return tuple(_draw(index, deck, rng) for index in range(count))


def _draw(index: int, deck: list[_Card], rng: random.Random) -> SimulatedUser:
    taste: dict[str, float] = {}
    for _ in range(rng.randint(_FEWEST, _MOST)):
        name, sign = _deal(deck, taste, rng)
        taste[name] = sign * rng.choice((0.5, 0.75, 1.0))
    sentences = tuple(rng.choice(_WORDS[name][int(weight < 0)]) for name, weight in taste.items())
    fact = _FACTS[index // 2 % len(_FACTS)] if index % 2 == 0 else None
    return SimulatedUser(f"simulated-{index}", MappingProxyType(taste), sentences, fact)


def _deal(deck: list[_Card], taken: Mapping[str, float], rng: random.Random) -> _Card:
    """Take the next card of a dimension that the user does not have yet, with a fresh deck when none is left."""
    if not [name for name, _ in deck if name not in taken]:
        fresh = [(name, sign) for name in CATALOGUE for sign in (-1, 1)]
        rng.shuffle(fresh)
        deck.extend(fresh)
    chosen = next(card for card in deck if card[0] not in taken)
    deck.remove(chosen)
    return chosen
