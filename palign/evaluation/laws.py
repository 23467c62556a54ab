"""Measures what palign promises over many questions: length, strength and learning from votes; judges no taste.

Nothing here scores against a preference model: lengths are word counts, effects are edit distances.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, median
from typing import TYPE_CHECKING

from palign.evaluation.arms import SWEEP, last_update
from palign.evaluation.judges.measurers import word_count
from palign.evaluation.scoring import edit_distance
from palign.schema import Outcome, TurnRequest, TurnUpdate

if TYPE_CHECKING:
    from palign.chat import ChatService

__all__ = ["Laws", "LearningLaw", "LengthLaw", "StrengthLaw", "Voter", "laws_turns", "measure_laws"]

SHORT, LONG = "very short answers", "long answers with examples"
STYLE = ("Short answers suit me.", "I love bullet points.", "I enjoy jokes.")
VOTERS, VOTES, AFTER = 5, 25, 10
_TEMPERATURES = (0.0, 0.6)


@dataclass(frozen=True, slots=True)
class LengthLaw:
    """Mean personal length in words under either stated wish, and whether all generic texts were equal."""

    temperature: float
    short_words: float
    long_words: float
    generic_identical: bool

    @property
    def ratio(self) -> float:
        """Long over short."""
        return self.long_words / max(self.short_words, 1.0)

    @property
    def holds(self) -> bool:
        """A factor of two or more, with the generic texts equal character for character."""
        return self.ratio >= 2 and self.generic_identical


@dataclass(frozen=True, slots=True)
class StrengthLaw:
    """What strength does: share of questions with equal texts at 0, mean KL in nats per answer, mean effect.

    The sweep is by the reward alone for one user with three stated tastes; effect is the word-level edit distance
    between the personal and the generic answer.
    """

    equal_at_zero: dict[float, float]
    strengths: tuple[float, ...]
    kl: tuple[float, ...]
    effect: tuple[float, ...]

    @property
    def holds(self) -> bool:
        """Equal on every question at 0, and both means strictly rising."""
        equal = all(share == 1.0 for share in self.equal_at_zero.values())
        return equal and _rising(self.kl) and _rising(self.effect)


@dataclass(frozen=True, slots=True)
class Voter:
    """One new user who votes for the shorter answer.

    `p_concise`: posterior probability that concise is positive. `most_certain`: the dimension whose sign is most
    certain, the largest |mean| / std. `length_ratio`: personal over generic words of the next answers.
    """

    seed: int
    p_concise: float
    most_certain: str
    votes: dict[str, int]
    length_ratio: float
    undone_exactly: bool


@dataclass(frozen=True, slots=True)
class LearningLaw:
    """What five new users taught with 25 votes each."""

    voters: tuple[Voter, ...]

    @property
    def median_p(self) -> float:
        """Median posterior probability that concise is positive."""
        return median(voter.p_concise for voter in self.voters)

    @property
    def most_certain(self) -> int:
        """For how many concise is the most certain dimension."""
        return sum(voter.most_certain == "concise" for voter in self.voters)

    @property
    def holds(self) -> bool:
        """The figures of the promise: .90, all but one, .8 for each, and exact deletion."""
        each = all(voter.length_ratio <= 0.8 and voter.undone_exactly for voter in self.voters)
        return self.median_p >= 0.9 and self.most_certain >= len(self.voters) - 1 and each


@dataclass(frozen=True, slots=True)
class Laws:
    """All that was promised, measured."""

    length: tuple[LengthLaw, ...]
    strength: StrengthLaw
    learning: LearningLaw

    @property
    def hold(self) -> bool:
        """Whether every one does."""
        return all(law.holds for law in self.length) and self.strength.holds and self.learning.holds


def laws_turns(questions: int) -> int:
    """Turns that `measure_laws` decodes."""
    return questions * (2 * len(_TEMPERATURES) + len(_TEMPERATURES) + len(SWEEP)) + VOTERS * (VOTES + AFTER)


def measure_laws(
    service: ChatService, questions: Sequence[str], *, max_new_tokens: int, progress: Callable[[], None]
) -> Laws:
    """Measure everything on new users of this service; `progress` is called per turn."""
    ask = _Asker(service, max_new_tokens, progress)
    length = tuple(_length(ask, questions, temperature) for temperature in _TEMPERATURES)
    strength = _strength(ask, questions)
    learning = LearningLaw(tuple(_voter(ask, questions, seed) for seed in range(VOTERS)))
    return Laws(length, strength, learning)


@dataclass(frozen=True, slots=True)
class _Asker:
    service: ChatService
    max_new_tokens: int
    progress: Callable[[], None]

    def __call__(
        self,
        user: str,
        question: str,
        *,
        temperature: float,
        strength: float = 1.0,
        seed: int = 0,
        explore: bool = False,
        use_words: bool = True,
    ) -> TurnUpdate:
        request = TurnRequest(
            text=question,
            strength=strength,
            seed=seed,
            temperature=temperature,
            explore=explore,
            max_new_tokens=self.max_new_tokens,
            use_words=use_words,
        )
        update = last_update(self.service, user, request)
        self.progress()
        return update


def _length(ask: _Asker, questions: Sequence[str], temperature: float) -> LengthLaw:
    lengths: list[float] = []
    generic: list[list[str]] = []
    for wish in (SHORT, LONG):
        user = f"law-length-{wish}-{temperature}"
        ask.service.state(user, wish)
        updates = [ask(user, question, temperature=temperature) for question in questions]
        lengths.append(fmean(word_count(update.personal.text) for update in updates))
        generic.append([update.generic.text for update in updates])
    return LengthLaw(temperature, lengths[0], lengths[1], generic[0] == generic[1])


def _strength(ask: _Asker, questions: Sequence[str]) -> StrengthLaw:
    equal = {
        temperature: fmean(
            update.personal.text == update.generic.text
            for update in (
                ask("law-strength-new", question, temperature=temperature, strength=0.0) for question in questions
            )
        )
        for temperature in _TEMPERATURES
    }
    for sentence in STYLE:
        ask.service.state("law-strength", sentence)
    kl: list[float] = []
    effect: list[float] = []
    for strength in SWEEP:
        updates = [
            ask("law-strength", question, temperature=0.0, strength=strength, use_words=False) for question in questions
        ]
        kl.append(fmean(update.personal.kl for update in updates))
        effect.append(fmean(edit_distance(update.personal.text, update.generic.text) for update in updates))
    return StrengthLaw(equal, SWEEP, tuple(kl), tuple(effect))


def _voter(ask: _Asker, questions: Sequence[str], seed: int) -> Voter:
    user = f"law-voter-{seed}"
    before = ask.service.profile(user)
    votes: dict[str, int] = {"personal": 0, "generic": 0, "tie": 0}
    events: list[str] = []
    for turn in range(VOTES):
        question = questions[(turn + seed) % len(questions)]
        update = ask(user, question, temperature=0.6, seed=1000 * seed + turn, explore=True)
        outcome = _shorter(update)
        votes[outcome] += 1
        events.append(ask.service.vote(user, update.turn_id, outcome).event.id)
    learned = ask.service.profile(user)
    ratio = _length_ratio(ask, user, questions, seed)
    for event_id in events:
        ask.service.undo(user, event_id)
    return Voter(
        seed=seed,
        p_concise=NormalDist().cdf(learned.mean["concise"] / learned.std["concise"]),
        most_certain=max(learned.mean, key=lambda name: abs(learned.mean[name]) / learned.std[name]),
        votes=votes,
        length_ratio=ratio,
        undone_exactly=ask.service.profile(user) == before,
    )


def _length_ratio(ask: _Asker, user: str, questions: Sequence[str], seed: int) -> float:
    updates = [
        ask(user, questions[(VOTES + turn + seed) % len(questions)], temperature=0.6, seed=1000 * seed + VOTES + turn)
        for turn in range(AFTER)
    ]
    generic = sum(word_count(update.generic.text) for update in updates)
    return sum(word_count(update.personal.text) for update in updates) / max(generic, 1)


def _shorter(update: TurnUpdate) -> Outcome:
    personal, generic = word_count(update.personal.text), word_count(update.generic.text)
    if personal == generic:
        return "tie"
    return "personal" if personal < generic else "generic"


def _rising(values: Sequence[float]) -> bool:
    return all(later > earlier for earlier, later in itertools.pairwise(values))
