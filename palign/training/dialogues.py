"""From the corpus to training dialogues: who asks what, what is known of them, and the answer they get.

Prompts without preferences are answered from a mixture, half middle and half random stances, so that every register
keeps real probability where a choice is made; that is what guidance re-weighs. Knows no tokenizer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from palign.dimensions import CATALOGUE
from palign.prompts import messages
from palign.schema import Message, TopicGuess
from palign.training.corpus import Corpus, Dialogue, StanceWords, Topic
from palign.training.render import (
    EXTRA_ODDS,
    MAIN_ODDS,
    MAIN_REGISTERS,
    ask_variants,
    line_odds,
    middle_stance,
    next_odds,
    random_stance,
    render,
    start_odds,
)
from palign.training.topics import Reading

__all__ = ["KNOWN", "NAMING", "Example", "Fork", "Sampler"]

NAMING = "Name the topic."
KNOWN = "What do you know about me?"
# Of the questions about a topic: whose prompt lacks the topic's line, so that the model still reads for itself.
_UNREAD = 0.03
_SENTENCE_END = re.compile(r"(?<=[^0-9][.!?])(?=\s)")


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt, its answer, and the stance the answer was rendered under.

    `given` is how the answer begins where only the rest of it, `answer`, is to be learned. `worded` is the same prompt
    with the stance in words, where heads learn from what these words do.
    """

    prompt: tuple[Message, ...]
    answer: str
    stance: Mapping[str, float]
    topic: str
    given: str = ""
    worded: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Fork:
    """A prompt, the beginning of an answer, and all that may stand next there, each with its odds.

    A branch that is empty ends the answer. `choices` says of each branch what it is, in the words of `render`'s odds;
    `said` is the number of the point whose line is before it, 0 where a line is what is chosen.
    """

    prompt: tuple[Message, ...]
    given: str
    branches: tuple[str, ...]
    odds: tuple[float, ...]
    choices: tuple[str, ...]
    said: int = 0

    def odds_under(self, weights: Mapping[str, float]) -> list[float]:
        """The branches' probabilities under a stance, up to what is none of them."""
        if self.said:
            drawn = next_odds(weights, self.said)
        else:
            drawn = start_odds(weights) if "list" in self.choices else line_odds(weights)
        total = sum(drawn[choice] for choice in self.choices)
        return [drawn[choice] / total for choice in self.choices]


class Sampler:
    """Draws examples; equal generators give equal examples."""

    def __init__(self, corpus: Corpus, topics: Mapping[str, Topic], reading: Reading) -> None:
        self._corpus = corpus
        self._reading = reading
        # Strangers that the index takes for one of the topics: few, and the harder lesson.
        self._taken = [ask for ask in reading.strangers if reading.guesses[ask].titles]
        self._names = list(topics)
        self._topics = topics
        self._talk_odds = [len(dialogue.asks) for dialogue in corpus.dialogues]
        fact_topics = {fact: [name for name in self._names if fact in topics[name].when] for fact in corpus.facts}
        self._fact_topics = {fact: names for fact, names in fact_topics.items() if names}
        self._facts = list(self._fact_topics)
        self._fact_lines = [(fact, name) for fact, names in self._fact_topics.items() for name in names]

    def dialogue(self, rng: random.Random) -> Example:
        """One example of the chat stage's mixture."""
        kind = rng.random()
        if kind < 0.06:
            return self._small_talk(rng)
        if kind < 0.09:
            return self.refusal(rng)
        if kind < 0.14:
            return self._unknown(rng)
        if kind < 0.18:
            return self._followed(rng)
        if kind < 0.45:
            return self.plain(rng)
        if kind < 0.70:
            return self._stated(rng)
        return self._remembered(rng)

    def plain(self, rng: random.Random) -> Example:
        """A question of which nothing is known of the asker."""
        stance = middle_stance(rng) if rng.random() < 0.5 else random_stance(rng)
        return self._answered(rng.choice(self._names), stance, rng)

    def labelled(self, rng: random.Random) -> Example:
        """A question without a memory block, answered under a random stance: what the heads learn from."""
        return self._answered(rng.choice(self._names), random_stance(rng), rng)

    def worded(self, rng: random.Random) -> Example:
        """An answer near one pole of one dimension, and the prompt that asks for that pole in words."""
        name, topic = rng.choice(list(CATALOGUE)), rng.choice(self._names)
        stance = {**dict.fromkeys(CATALOGUE, 0.0), name: rng.choice((-1, 1)) * rng.uniform(0.6, 1)}
        ask, guess = self._asked(topic, rng)
        told = messages(ask, [self._words(name, stance[name], rng)], guess)
        return Example(messages(ask, (), guess), render(self._topics[topic], stance, (), rng), stance, topic, "", told)

    def opposed(self, name: str, rng: random.Random) -> tuple[Example, Example]:
        """One question answered near either pole of a dimension, first pole first; all else alike, often near 0."""
        topic = rng.choice(self._names)
        elsewhere = random_stance(rng) if rng.random() < 0.5 else middle_stance(rng)
        strength = rng.uniform(0.6, 1)
        ask, guess = self._asked(topic, rng)
        first, second = (
            Example(messages(ask, (), guess), render(self._topics[topic], stance, (), rng), stance, topic)
            for stance in ({**elsewhere, name: strength}, {**elsewhere, name: -strength})
        )
        return first, second

    def naming(self, rng: random.Random) -> Example:
        """An ask, a few of its words or an authored line, and the name of its topic.

        One certain target for each topic, where an answer may open in twenty ways: it teaches the trunk quickly what a
        text is about, and ties the topic's own vocabulary to it.
        """
        name = rng.choice(self._names)
        topic = self._topics[name]
        if rng.random() < 0.7:
            text = ask_variants(rng.choice(topic.asks), rng)
        else:
            point = rng.choice(topic.points)
            text = str(getattr(point, rng.choice(("tip", "why", "example", "plain", "formal", "step"))))
        if rng.random() < 0.35:
            text = " ".join(word for word in text.split() if rng.random() < 0.6) or text
        return Example((Message("system", NAMING), Message("user", text)), topic.topic, {}, name)

    def _stated(self, rng: random.Random) -> Example:
        """Preferences in words, sometimes beside facts, and an answer that follows them."""
        stance = middle_stance(rng)
        names = rng.sample(sorted(CATALOGUE), rng.choices((1, 2, 3), (5, 3, 2))[0])
        for name in names:
            stance[name] = rng.choice((-1, 1)) * rng.uniform(0.7, 1)
        lines = _stance_lines([self._words(name, stance[name], rng) for name in names], rng)
        topic = rng.choice(self._names)
        facts = self._facts_for(topic, rng) if rng.random() < 0.35 else ()
        return self._answered(topic, stance, rng, lines=lines, facts=facts)

    def _remembered(self, rng: random.Random) -> Example:
        """Facts alone: one that matters to the question in most cases, and some that do not."""
        fact = rng.choice(self._facts)
        topic = rng.choice(self._fact_topics[fact]) if rng.random() < 0.75 else rng.choice(self._names)
        stance = middle_stance(rng) if rng.random() < 0.5 else random_stance(rng)
        return self._answered(topic, stance, rng, facts=(fact,))

    def _followed(self, rng: random.Random) -> Example:
        """An answer of middling length is there already; the next one has the form that is asked for."""
        name, follow_up = rng.choice(self._names), rng.choice(self._corpus.follow_ups)
        topic = self._topics[name]
        facts = (rng.choice(self._facts),) if rng.random() < 0.3 else ()
        ask, guess = self._asked(name, rng)
        first = {**middle_stance(rng), "concise": rng.uniform(-0.2, 1)}
        earlier = (Message("user", ask), Message("assistant", render(topic, first, facts, rng)))
        known = [rng.choice(self._corpus.facts[fact]) for fact in facts]
        prompt = messages(ask_variants(rng.choice(follow_up.asks), rng), known, guess, earlier)
        stance = {**middle_stance(rng), **follow_up.stance}
        return Example(prompt, render(topic, stance, facts, rng), stance, name)

    def recalled(self, rng: random.Random) -> Example:
        """Facts beside a question, an answer begun on the right topic, and the lines in which the facts tell.

        The first point says what the answer is about; which line may then follow, the facts alone decide. Often there
        are several, since a row with three lines costs little more than one with one.
        """
        fact, name = rng.choice(self._fact_lines)
        topic = self._topics[name]
        others = [other for other in topic.when if other != fact and other in self._fact_topics]
        more = rng.sample(others, min(len(others), rng.choice((0, 0, 1, 2, 3))))
        whole = self._answered(name, middle_stance(rng), rng, facts=(fact, *more))
        lines = [topic.when[one] for one in (fact, *more)]
        first = min(whole.answer.index(line) for line in lines)
        last = max(whole.answer.index(line) + len(line) for line in lines)
        if rng.random() < 0.5:  # a short beginning, in any register
            said = str(getattr(topic.points[0], rng.choice(MAIN_REGISTERS)))
            given = f"1. {said}" if rng.random() < 0.5 else said
        else:
            given = whole.answer[:first].rstrip(" ")
        return Example(whole.prompt, f" {whole.answer[first:last]}", {}, name, given)

    def opening(self, rng: random.Random) -> Example:
        """A question of which the beginning of the answer is learned, with a remembered fact in the prompt or none."""
        kind = rng.random()
        if kind < 0.40:
            return self.plain(rng)
        return self._remembered(rng) if kind < 0.75 else self.dialogue(rng)

    def continued(self, rng: random.Random) -> Example:
        """An answer of which the first sentence is given, or all up to some later one, or all but the end.

        What comes second is the choice at which a remembered fact tells; here mostly nothing is remembered, or a taste
        alone, so that the model does not speak of a dog that nobody mentioned. What comes later is mostly whether to go
        on, which whole answers ask once.
        """
        kind = rng.random()
        whole = self.plain(rng) if kind < 0.4 else self._stated(rng) if kind < 0.65 else self.dialogue(rng)
        ends = [*(match.end() for match in _SENTENCE_END.finditer(whole.answer)), len(whole.answer)]
        cut = ends[0] if rng.random() < 0.4 else rng.choice(ends)
        return replace(whole, given=whole.answer[:cut], answer=whole.answer[cut:])

    def fork(self, rng: random.Random) -> Fork:
        """A point of an answer, and its line in every register; or such a line, and all that may come after it.

        Drawn one at a time a register that most answers do without is met too seldom to be known by heart.
        """
        name = rng.choice(self._names)
        topic = self._topics[name]
        at = min(rng.choices(range(6), (4, 4, 4, 3, 2, 2))[0], len(topic.points) - 2)
        as_list = rng.random() < 0.5
        said = [str(getattr(point, rng.choice(("tip", "tip", *MAIN_REGISTERS)))) for point in topic.points[: at + 1]]
        point = topic.points[at]
        if rng.random() < 0.55:
            number, beginning = 0, _begun(said[:at], as_list=as_list, more=True)
            drawn = [(register, getattr(point, register), odds) for register, odds in MAIN_ODDS.items()]
            if not beginning:
                drawn += [("opening", topic.answer_first, 1.5), ("list", f"1. {point.tip}", 2.0)]
        else:
            number, beginning = at + 1, _begun(said, as_list=as_list, more=False)
            drawn = [(extra, getattr(point, extra), odds) for extra, odds in EXTRA_ODDS.items()]
            if point.serious:
                drawn = [branch for branch in drawn if branch[0] != "playful"]
            following = topic.points[at + 1].tip
            drawn += [("next", f"\n{at + 2}. {following}" if as_list else following, 1.0), ("end", "", 0.1 + 0.2 * at)]
        ask, guess = self._asked(name, rng)
        choices, lines, odds = zip(*drawn, strict=True)
        spaced = tuple(line if not line or not beginning or line[0] == "\n" else f" {line}" for line in lines)
        return Fork(messages(ask, (), guess), beginning, spaced, odds, choices, number)

    def fact_naming(self, rng: random.Random) -> Example:
        """One remembered fact, and its name: one certain target for each fact, as `naming` is for each topic."""
        fact = rng.choice(self._facts)
        prompt = messages(KNOWN, [rng.choice(self._corpus.facts[fact])])
        return Example(prompt, f"You told me this: {fact}.", {}, "")

    def _facts_for(self, topic: str, rng: random.Random) -> tuple[str, ...]:
        relevant = sorted(self._topics[topic].when)
        return (rng.choice(relevant),) if relevant and rng.random() < 0.6 else (rng.choice(sorted(self._corpus.facts)),)

    def _answered(
        self,
        name: str,
        stance: Mapping[str, float],
        rng: random.Random,
        *,
        lines: Sequence[str] = (),
        facts: Sequence[str] = (),
    ) -> Example:
        ask, guess = self._asked(name, rng)
        told = [(line, "") for line in lines]
        told += [(rng.choice(self._corpus.facts[fact]), fact) for fact in facts if fact in self._corpus.facts]
        if told and rng.random() < 0.3:
            told.append((rng.choice(self._corpus.unrelated), ""))
        rng.shuffle(told)
        known, heeded = [line for line, _ in told], [fact for _, fact in told if fact]
        return Example(messages(ask, known, guess), render(self._topics[name], stance, heeded, rng), stance, name)

    def _asked(self, name: str, rng: random.Random) -> tuple[str, TopicGuess | None]:
        ask = rng.choice(self._topics[name].asks)
        return ask_variants(ask, rng), self._read(ask) if rng.random() >= _UNREAD else None

    def _read(self, ask: str) -> TopicGuess | None:
        return self._reading.guesses.get(ask)

    def _words(self, name: str, strength: float, rng: random.Random) -> str:
        words: StanceWords = self._corpus.stances[name]
        return rng.choice(words.positive if strength > 0 else words.negative)

    def _small_talk(self, rng: random.Random) -> Example:
        dialogue: Dialogue = rng.choices(self._corpus.dialogues, self._talk_odds)[0]
        voice = rng.choice(("playful", "formal", "concise", "warm", "casual"))
        lines: Sequence[str] = getattr(dialogue, voice) if rng.random() < 0.3 else ()
        ask = rng.choice(dialogue.asks)
        prompt = messages(ask_variants(ask, rng), self._any_memory(rng), self._read(ask))
        return Example(prompt, rng.choice(lines or dialogue.answers), {}, dialogue.name)

    def refusal(self, rng: random.Random) -> Example:
        """A harmful request and one of the kind answers to it."""
        refusal = rng.choice(self._corpus.refusals)
        ask = rng.choice(refusal.asks)
        prompt = messages(ask_variants(ask, rng), self._any_memory(rng), self._read(ask))
        return Example(prompt, rng.choice(refusal.answers), {}, refusal.name)

    def _unknown(self, rng: random.Random) -> Example:
        """A question about none of the topics; the answer says so. Without public text, one of the corpus's own."""
        if not self._reading.strangers:
            return self._small_talk(rng)
        taken = self._taken if self._taken and rng.random() < 0.5 else self._reading.strangers
        ask = rng.choice(taken)
        dialogue = rng.choice([dialogue for dialogue in self._corpus.dialogues if dialogue.unknown])
        prompt = messages(ask_variants(ask, rng), self._any_memory(rng), self._read(ask))
        return Example(prompt, rng.choice(dialogue.answers), {}, dialogue.name)

    def _any_memory(self, rng: random.Random) -> list[str]:
        """What may be remembered of who asks such a thing, and does not matter to the answer."""
        if rng.random() < 0.6:
            return []
        name = rng.choice(sorted(self._corpus.stances))
        fact = rng.choice(sorted(self._corpus.facts))
        either = [self._words(name, rng.choice((-1, 1)), rng), rng.choice(self._corpus.facts[fact])]
        return either if rng.random() < 0.3 else [rng.choice(either)]


def _begun(said: Sequence[str], *, as_list: bool, more: bool) -> str:
    """The lines of an answer's first points, and in a list the number of the next where `more` is to come."""
    if not as_list:
        return " ".join(said)
    numbered = [f"{number}. {line}" for number, line in enumerate(said, 1)]
    return "\n".join([*numbered, f"{len(said) + 1}."] if more else numbered)


def _stance_lines(phrases: Sequence[str], rng: random.Random) -> list[str]:
    """Several wishes as separate memories or as one line."""
    if len(phrases) > 1 and rng.random() < 0.5:
        return [rng.choice((", ", "; ", " and ", ". ")).join(phrases)]
    return list(phrases)
