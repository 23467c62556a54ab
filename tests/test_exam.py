"""Laws of the examination: its questions were never trained on, its counts count, and it fails what should fail."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from authored import corpus, words

from palign.dimensions import CATALOGUE
from palign.evaluation.judges.classifier import load_pairs
from palign.evaluation.judges.measurers import UNSEEN
from palign.evaluation.judges.panel import Panel
from palign.evaluation.judges.topics import TopicJudge
from palign.evaluation.model.answers import Answer, repeated_grams, sentences
from palign.evaluation.model.exam import Exam, Size
from palign.evaluation.model.run import Line
from palign.evaluation.model.sets import load_sets
from palign.models.encoder import TextEncoder
from palign.safety import SafetyPolicy

SMALL = Size(fluency=12, steering=6, mixtures=4, mixture_asks=2, memory=4, unseen=6)


class ScriptedWriter:
    """Answers from the corpus: the tips, fewer of them where w is concise; the fact's line where it is known."""

    def __init__(self, *, deaf=False):
        self.topics = {ask.text: corpus().topics[ask.label] for ask in load_sets().asks}
        self.facts = {line: fact for fact, lines in load_sets().facts.items() for line in lines}
        self.deaf = deaf

    def answers(self, asks, progress, *, longest=384):
        return [Answer(self.text(ask), ended=True) for ask in asks]

    def text(self, ask):
        topic = self.topics.get(ask.question)
        if topic is None:
            return corpus().refusals[0].answers[0]
        wish = 0 if self.deaf else ask.weights.get("concise", 0)
        tips = [point.tip for point in topic.points[: 3 - round(2 * wish)]]
        told = [topic.when[self.facts[line]] for line in ask.known if self.facts.get(line) in topic.when]
        return " ".join([*tips, *([] if self.deaf else told)])


@pytest.fixture(scope="module")
def panel():
    return Panel.build(TextEncoder.load())


@pytest.fixture(scope="module")
def topics():
    return TopicJudge(
        {name: topic.plain_lines() for name, topic in corpus().training_topics().items()}, TextEncoder.load()
    )


@pytest.fixture
def exam(panel, topics):
    return lambda writer: Exam(writer, corpus(), load_sets(), panel, topics, SMALL)


def nothing(_):
    """Hears of progress."""


# The sets


def test_every_trained_topic_is_asked_twice_and_no_ask_is_one_of_training():
    sets = load_sets()
    asked = Counter(ask.label for ask in sets.asks)
    assert asked == dict.fromkeys(corpus().training_topics(), 2)
    trained = {words(ask) for topic in corpus().topics.values() for ask in topic.asks}
    assert [ask.text for ask in sets.asks if words(ask.text) in trained] == []


def test_the_other_sets_have_their_sizes_and_are_not_trained_on():
    sets = load_sets()
    assert (len(sets.near), len(sets.off), len(sets.harmful), len(sets.lookalikes)) == (50, 100, 100, 100)
    assert len({question.label for question in sets.harmful}) >= 8
    assert {question.label for question in sets.near} <= corpus().training_topics().keys()
    trained = {words(ask) for group in (*corpus().refusals, *corpus().dialogues) for ask in group.asks}
    trained |= {words(ask) for ask in (*corpus().harmless, *corpus().strangers)}
    every = [*sets.near, *sets.off, *sets.harmful, *sets.lookalikes]
    assert [question.text for question in every if words(question.text) in trained - {()}] == []
    assert len({question.text for question in every}) == len(every)


def test_every_kind_of_fact_is_told_in_words_that_no_training_text_has():
    told = load_sets().facts
    assert told.keys() == corpus().facts.keys()
    trained = {words(line) for lines in corpus().facts.values() for line in lines}
    assert [line for lines in told.values() for line in lines if words(line) in trained] == []
    topics = corpus().training_topics()
    bearing = {name: [ask for ask in load_sets().asks if name in topics[ask.label].when] for name in told}
    assert {name: len(asks) * len(told[name]) >= Size().memory for name, asks in bearing.items()} == dict.fromkeys(
        told, True
    )


def test_every_dimension_has_sixty_pairs_and_a_judge_that_may_speak(panel):
    counts = Counter(pair.dimension for pair in load_pairs())
    assert counts.keys() == CATALOGUE.keys()
    assert min(counts.values()) >= 60
    assert all(panel.trusted(name) for name in CATALOGUE)


# The counts


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a b c d e", (0, 2)), ("a b c d a b c d", (1, 5)), ("one two", (0, 0)), ("a a a a a a", (2, 3))],
)
def test_repeated_grams_counts_what_is_said_again(text, expected):
    assert repeated_grams(text) == expected


def test_the_numbers_of_a_list_are_no_sentences():
    assert sentences("First.\n\n1. Water it. Wait!\n2. Prune it.") == ["First.", "Water it.", "Wait!", "Prune it."]


def test_authored_answers_are_on_their_topic(topics):
    trained = corpus().training_topics()
    texts = [" ".join(point.tip for point in topic.points[:3]) for topic in trained.values()]
    right = [name == found for name, found in zip(trained, topics.nearest(texts), strict=True)]
    assert sum(right) / len(right) > 0.95


def test_a_line_holds_on_its_own_side_of_the_bound():
    assert Line("a", 0.9, 0.9).holds
    assert not Line("a", 0.89, 0.9).holds
    assert Line("a", 0.1, 0.1, least=False).holds
    assert not Line("a", 0.11, 0.1, least=False).holds


# The examination of writers of which all is known


def test_a_writer_that_heeds_length_and_facts_passes_these_and_a_deaf_one_fails_them(exam):
    heeding, deaf = exam(ScriptedWriter()), exam(ScriptedWriter(deaf=True))
    concise, silent = (next(r for r in e.steering(nothing) if r.dimension == "concise") for e in (heeding, deaf))
    assert (concise.poles, concise.right, concise.wrong) == (1.0, (1.0, 1.0), (0.0, 0.0))
    assert concise.diagonal
    assert (silent.poles, silent.right) == (0.5, (0.0, 0.0))
    assert {row.respected for row in heeding.memory(nothing)} == {1.0}
    assert {row.respected for row in deaf.memory(nothing)} == {0.0}
    assert {row.unasked for row in heeding.memory(nothing)} == {0.0}


def test_no_training_knows_the_unseen_wishes():
    sets = load_sets()
    assert sets.unseen.keys() == UNSEEN.keys()
    assert not sets.unseen.keys() & CATALOGUE.keys()
    trained = {words(line) for entry in corpus().stances.values() for line in (*entry.positive, *entry.negative)}
    assert [line for sides in sets.unseen.values() for side in sides for line in side if words(line) in trained] == []


def test_whoever_heeds_an_unseen_wish_is_told_from_whoever_does_not(exam):
    writer = ScriptedWriter()
    wishes = {line for wanted, _ in load_sets().unseen.values() for line in wanted}
    assert set(exam(writer).unseen(nothing).values()) == {0.5}
    plain = writer.text
    writer.text = lambda ask: plain(ask) + (" It is like a boat for you." if wishes & {*ask.known} else "")
    assert set(exam(writer).unseen(nothing).values()) == {1.0}


def test_fluent_answers_on_their_topic_are_seen_as_such(exam):
    found = exam(ScriptedWriter()).fluency(nothing)
    assert (found.n, found.ended, found.repeated, found.unknown) == (SMALL.fluency, 1.0, 0.0, 0.0)
    assert found.on_topic == found.reference_on_topic > 0.8


def test_a_writer_that_refuses_whatever_it_does_not_know_refuses_the_look_alikes_too(exam):
    found = exam(ScriptedWriter()).refusals(SafetyPolicy(), nothing)
    assert (found.harmful, found.harmless) == (1.0, 1.0)
    assert set(found.by_category.values()) == {1.0}


def test_a_writer_that_never_knows_refuses_nothing(exam):
    writer = ScriptedWriter()
    (unknown,) = (dialogue for dialogue in corpus().dialogues if dialogue.unknown)
    writer.text = lambda ask: unknown.answers[0]
    found = exam(writer).refusals(SafetyPolicy(), nothing)
    ruled = sum(not SafetyPolicy().check(question.text).allowed for question in load_sets().harmful)
    assert (found.harmful, found.harmless) == (ruled / 100, 0.0)
    assert (found.harmful_unknown, found.harmless_unknown) == (pytest.approx(1 - found.harmful), 1.0)


def test_only_active_dimensions_of_a_mixture_are_counted(exam):
    found = exam(ScriptedWriter()).mixtures(nothing)
    assert found.n == SMALL.mixtures * SMALL.mixture_asks
    assert found.each.keys() <= CATALOGUE.keys()
    assert found.each.get("concise", 1.0) == 1.0


def test_the_sets_name_no_markup_and_no_address():
    sets = load_sets()
    every = json.dumps([question.text for group in (sets.asks, sets.near, sets.off) for question in group])
    assert not re.search(r"https?:|<\w+>", every)
