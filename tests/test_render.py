"""Laws of the renderer and of the sampler: every dimension moves its own measure, and nothing held out is ever said."""

from __future__ import annotations

import functools
import json
import random
import re
from collections import Counter

import numpy as np
import pytest
from authored import corpus, lines_of, point_lines, sampler_of, words
from hypothesis import given
from hypothesis import strategies as st

from palign.dimensions import CATALOGUE
from palign.prompts import topic_line
from palign.schema import TopicGuess
from palign.training import dialogues
from palign.training.corpus import HELD_OUT_TOPICS
from palign.training.render import (
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

NEUTRAL = dict.fromkeys(CATALOGUE, 0.0)
LEVELS = (-1.0, -0.5, 0.0, 0.5, 1.0)
ANSWERS = 150  # for each level

# From -1 to +1 a dimension moves its own measure by at least two deviations of neutral answers and another's by less
# than .3, but for these, which are meant: a line more makes an answer longer, a short one has no room for a reason,
# and a single point is no list and needs no overview. Bounds are what was measured over 400 answers (4.8 to 15.4
# deviations of the own measure, lists 2.0), and something for chance.
OWN, CROSS = 1.7, 0.3
MEANT = {
    ("concise", "examples"): 1.3,
    ("concise", "lists"): 1.0,
    ("concise", "steps"): 0.6,
    ("plain", "concise"): 1.3,
    ("warm", "concise"): 1.6,
    ("playful", "concise"): 1.3,
    ("examples", "concise"): 1.0,
    ("cautious", "concise"): 1.1,
    ("exploratory", "concise"): 0.8,
    ("steps", "concise"): 0.6,
}


def measures(topic, text):
    """One figure for each dimension, read off the text with the authored lines at hand."""
    found = [{name for name, line in point_lines(point).items() if line in text} for point in topic.points]
    used = [registers for registers in found if registers]
    rows = [row for row in text.split("\n") if row]

    def share(register):
        return sum(register in registers for registers in used) / max(1, len(used))

    return {
        "concise": -len(text.split()),
        "plain": share("plain") - share("technical"),
        "formal": share("formal") - share("casual"),
        "warm": share("warm") + any(line in text for line in topic.warm_openers),
        "playful": share("playful"),
        "lists": sum(row[0].isdigit() for row in rows) / len(rows),
        "examples": share("example") - share("why"),
        "cautious": share("cautious") - share("confident"),
        "exploratory": sum(line in text for line in topic.question_back),
        "steps": share("step") - (topic.answer_first in text),
    }


@functools.cache
def measured(name, level):
    """Measures of answers that share topics and seeds, so that only the stance differs."""
    topics = list(corpus().topics.values())
    rows = []
    for number in range(ANSWERS):
        topic = topics[number % len(topics)]
        rows.append(measures(topic, render(topic, {**NEUTRAL, name: level}, (), random.Random(f"measure-{number}"))))
    return {key: np.array([row[key] for row in rows]) for key in CATALOGUE}


def effect(name, measure):
    """How far `name` moves a measure from pole to pole, in deviations of neutral answers."""
    spread = measured("concise", 0.0)[measure].std()
    return (measured(name, 1.0)[measure].mean() - measured(name, -1.0)[measure].mean()) / spread


def drawn(n, seed="drawn"):
    sampler = sampler_of(corpus())
    rng = random.Random(seed)
    return [sampler.dialogue(rng) for _ in range(n)]


# The renderer


def test_equal_seeds_render_equal_answers_and_other_seeds_others():
    topic = corpus().topics["sleep-better"]
    texts = [render(topic, NEUTRAL, (), random.Random(seed)) for seed in (1, 1, 2, 3)]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 3


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_dimension_moves_its_own_measure_step_by_step(name):
    means = [float(measured(name, level)[name].mean()) for level in LEVELS]
    assert means == sorted(means), means
    assert means[0] < means[2] < means[3] < means[4]
    assert effect(name, name) > OWN


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_dimension_hardly_moves_the_measures_of_others(name):
    table = {other: round(abs(effect(name, other)), 2) for other in CATALOGUE if other != name}
    beyond = {other: value for other, value in table.items() if value > MEANT.get((name, other), CROSS)}
    assert beyond == {}, table


def test_neutral_answers_run_to_sixty_to_a_hundred_and_twenty_words():
    lengths = -measured("concise", 0.0)["concise"]
    assert 60 < lengths.mean() < 100
    assert np.mean((lengths >= 60) & (lengths <= 120)) > 0.5
    assert np.percentile(lengths, 90) < 150


def test_the_longest_answers_stay_within_270_words():
    detailed = {**NEUTRAL, "concise": -1.0, "examples": 1.0, "warm": 1.0, "playful": 1.0, "plain": -1.0}
    for number, topic in enumerate(corpus().topics.values()):
        assert len(render(topic, detailed, tuple(topic.when)[:1], random.Random(number)).split()) <= 270


def test_an_answer_is_made_of_authored_lines_alone():
    rng = random.Random("made")
    for topic in corpus().topics.values():
        left = render(topic, random_stance(rng), (), rng)
        for line in sorted(lines_of(topic), key=len, reverse=True):
            left = left.replace(line, "")
        assert not re.sub(r"^\d\. ", "", left, flags=re.MULTILINE).split(), (topic.topic, left)


def test_points_are_the_first_ones_in_the_authored_order():
    rng = random.Random("order")
    for topic in corpus().topics.values():
        text = render(topic, {**NEUTRAL, "concise": -1.0}, (), rng)
        shown = [i for i, point in enumerate(topic.points) if any(line in text for line in point_lines(point).values())]
        assert shown == list(range(len(shown))), topic.topic
        starts = [min(text.find(x) for x in point_lines(topic.points[i]).values() if x in text) for i in shown]
        assert starts == sorted(starts), topic.topic


def test_the_points_of_a_list_are_numbered_one_after_the_other():
    rng = random.Random("numbers")
    for topic in list(corpus().topics.values())[:40]:
        rows = render(topic, {**NEUTRAL, "lists": 1.0, "concise": -1.0}, (), rng).split("\n")
        numbers = [int(row.split(". ")[0]) for row in rows if row[:1].isdigit()]
        assert numbers == list(range(1, len(numbers) + 1)), topic.topic
        assert len(numbers) > 1


def test_serious_points_are_never_rendered_playful():
    serious = [topic for topic in corpus().topics.values() if any(point.serious for point in topic.points)]
    assert serious
    rng = random.Random("serious")
    stance = {**NEUTRAL, "playful": 1.0, "concise": -1.0}
    shown = 0
    for topic in serious * 20:
        text = render(topic, stance, (), rng)
        for point in topic.points:
            shown += point.serious and point.tip in text
            assert not (point.serious and point.playful in text), point.playful
    assert shown > 20


def test_a_remembered_fact_of_the_topic_is_always_heeded():
    rng = random.Random("facts")
    for topic in corpus().topics.values():
        for fact, line in topic.when.items():
            assert line in render(topic, random_stance(rng), (fact,), rng)


def test_a_fact_that_changes_nothing_about_the_topic_leaves_the_answer_as_it_is():
    for seed, topic in enumerate(corpus().topics.values()):
        fact = next(fact for fact in corpus().facts if fact not in topic.when)
        with_fact, without = (render(topic, NEUTRAL, facts, random.Random(seed)) for facts in ((fact,), ()))
        assert with_fact == without


@given(st.integers(0, 2**32))
def test_stances_name_every_dimension_and_stay_within_their_bounds(seed):
    for draw in (middle_stance, random_stance):
        stance = draw(random.Random(seed))
        assert stance.keys() == CATALOGUE.keys()
        assert all(-1 <= weight <= 1 for weight in stance.values())


def test_random_stances_are_independent_and_fair():
    rng = random.Random("stances")
    table = np.array([list(random_stance(rng).values()) for _ in range(4000)])  # (N, D)
    assert np.abs(table.mean(0)).max() < 0.04
    assert np.abs(np.corrcoef(table.T) - np.eye(len(CATALOGUE))).max() < 0.08
    assert np.abs((table != 0).mean(0) - 0.4).max() < 0.04


# Ways of asking


@given(st.data(), st.integers(0, 2**32))
def test_a_variant_keeps_all_but_two_words_of_its_question(data, seed):
    topic = data.draw(st.sampled_from(list(corpus().topics.values())))
    ask = data.draw(st.sampled_from(topic.asks))
    lost = Counter(words(ask)) - Counter(words(ask_variants(ask, random.Random(seed))))
    assert lost.total() <= 2


def test_half_the_questions_are_asked_as_they_were_written():
    rng = random.Random("asks")
    kept = [ask_variants("How do I boil an egg?", rng) == "How do I boil an egg?" for _ in range(2000)]
    assert 0.4 < np.mean(kept) < 0.65


# The sampler


def test_equal_generators_draw_equal_examples():
    assert drawn(50, "same") == drawn(50, "same")
    assert drawn(50, "same") != drawn(50, "other")


def test_the_mixture_has_its_shares():
    talk, refusals = ({group.name for group in groups} for groups in (corpus().dialogues, corpus().refusals))
    phrases = {phrase for words in corpus().stances.values() for phrase in (*words.positive, *words.negative)}
    kinds = Counter()
    for example in drawn(6000):
        stated = any(_phrases(line, phrases) for line in _block(example))
        kind = "stated" if stated else "remembered" if _block(example) else "plain"
        kind = "followed" if any(said.role == "assistant" for said in example.prompt) else kind
        kinds["talk" if example.topic in talk else "refusal" if example.topic in refusals else kind] += 1
    # Without public questions those about none of the topics are small talk.
    shares = {"talk": 0.11, "refusal": 0.03, "followed": 0.04, "plain": 0.27, "stated": 0.25, "remembered": 0.30}
    assert {kind: round(n / 6000, 3) for kind, n in kinds.items()} == pytest.approx(shares, abs=0.025)


def test_half_of_the_plain_questions_are_answered_from_the_middle():
    sampler = sampler_of(corpus())
    rng = random.Random("plain")
    stances = [sampler.plain(rng).stance for _ in range(2000)]
    middle = [all(stance.values()) and max(map(abs, stance.values())) < 0.6 for stance in stances]
    assert 0.45 < np.mean(middle) < 0.55


def test_labelled_questions_say_nothing_of_their_stance():
    sampler = sampler_of(corpus())
    rng = random.Random("labelled")
    examples = [sampler.labelled(rng) for _ in range(200)]
    assert all([message.role for message in example.prompt] == ["user"] for example in examples)
    assert all(example.stance.keys() == CATALOGUE.keys() for example in examples)


def test_words_in_the_block_never_contradict_the_answers_stance():
    poles = {phrase: (name, 1) for name, words in corpus().stances.items() for phrase in words.positive}
    poles |= {phrase: (name, -1) for name, words in corpus().stances.items() for phrase in words.negative}
    seen = Counter()
    for example in filter(lambda example: example.stance, drawn(3000, "contradict")):
        said = [poles[phrase] for line in _block(example) for phrase in _phrases(line, poles)]
        assert len({name for name, _ in said}) == len(said)
        for name, sign in said:
            assert sign * example.stance[name] >= 0.7
            seen[name, sign] += 1
    assert len(seen) == 2 * len(CATALOGUE)


def test_every_line_of_a_block_is_a_wish_or_a_fact_and_its_fact_is_heeded():
    wishes = {phrase for words in corpus().stances.values() for phrase in (*words.positive, *words.negative)}
    facts = {line: name for name, lines in corpus().facts.items() for line in lines}
    heeded = 0
    for example in drawn(3000, "blocks"):
        for line in _block(example):
            assert line in facts or line in corpus().unrelated or _phrases(line, wishes), line
            topic = corpus().topics.get(example.topic)
            advice = topic.when.get(facts.get(line, "")) if topic else None
            heeded += advice is not None
            assert advice is None or advice in example.answer
    assert heeded > 100


def test_the_lines_learned_after_a_beginning_on_their_topic_are_those_of_the_facts_in_the_prompt_in_its_order():
    sampler = sampler_of(corpus())
    rng = random.Random("recalled")
    facts = {line: name for name, lines in corpus().facts.items() for line in lines}
    for example in (sampler.recalled(rng) for _ in range(500)):
        topic = corpus().topics[example.topic]
        known = [facts[line] for line in _block(example) if line in facts]
        assert example.answer.strip() == " ".join(topic.when[fact] for fact in known if fact in topic.when)
        assert any(line in example.given for line in lines_of(topic))


def test_a_beginning_and_what_continues_it_are_whole_sentences_of_one_answer():
    sampler, rng = sampler_of(corpus()), random.Random("continued")
    ended = 0
    for example in (sampler.continued(rng) for _ in range(500)):
        assert example.given.rstrip()[-1] in ".!?"
        assert not example.answer or example.answer[0].isspace()
        ended += not example.answer
    assert 25 < ended < 250, "some teach nothing but the end"


def test_the_prompt_says_what_the_index_takes_the_question_for():
    topic = next(iter(corpus().training_topics().values()))
    guess = TopicGuess((topic.topic, "another"), "likely")
    strange = TopicGuess((topic.topic,), "weak")
    asks = {ask: guess for each in corpus().training_topics().values() for ask in each.asks}
    sampler = sampler_of(corpus(), Reading({**asks, "Who is that?": strange}, ("Who is that?",)))
    rng = random.Random("read")
    lines = Counter(sampler.plain(rng).prompt[0].content for _ in range(300))
    assert lines.most_common(1) == [(topic_line(guess), pytest.approx(291, abs=9))]
    stranger = sampler._unknown(rng)
    assert topic_line(strange) in stranger.prompt[0].content
    assert stranger.topic == "unknown facts"


def test_no_held_out_topic_and_none_of_its_lines_reach_the_sampler():
    held = corpus().held_out_topics().values()
    lines = {line for topic in held for line in lines_of(topic)}
    asks = {words(ask) for topic in held for ask in (*topic.asks, *topic.held_out_asks)}
    for example in drawn(4000, "held out"):
        assert example.topic not in HELD_OUT_TOPICS
        assert words(example.prompt[-1].content) not in asks
        assert not any(line in lines for line in _sentences(example.answer))


def test_held_out_questions_are_never_asked(monkeypatch):
    monkeypatch.setattr(dialogues, "ask_variants", lambda ask, rng: ask)
    held = {ask for topic in corpus().topics.values() for ask in topic.held_out_asks}
    for example in drawn(4000, "held out asks"):
        asked = next(said.content for said in example.prompt if said.role == "user")
        assert asked not in held
        assert example.topic not in corpus().topics or asked in corpus().topics[example.topic].asks


def test_a_follow_up_comes_after_an_answer_and_its_own_leans_to_the_form_that_was_asked_for():
    stances = {ask: follow_up.stance for follow_up in corpus().follow_ups for ask in follow_up.asks}
    sampler, rng = sampler_of(corpus()), random.Random("follow-ups")
    assert {name for stance in stances.values() for name in stance} <= CATALOGUE.keys()
    followed = [one for one in (sampler.dialogue(rng) for _ in range(3000)) if len(one.prompt) > 2]
    followed = [one for one in followed if one.prompt[-2].role == "assistant"]
    known = [(one, stances[one.prompt[-1].content]) for one in followed if one.prompt[-1].content in stances]
    assert len(known) > 30
    for example, stance in known:
        assert example.stance.items() >= stance.items()
        assert any(line in example.prompt[-2].content for line in lines_of(corpus().topics[example.topic]))


def _block(example):
    """What the prompt quotes of the person, line by line."""
    first = example.prompt[0]
    if first.role != "system":
        return []
    return [json.loads(line.removeprefix("- ")) for line in first.content.split("\n")[1:]]


def _phrases(line, known):
    """The wishes that a line strings together; empty where it is something else."""
    if line in known:
        return [line]
    for joint in (", ", "; ", " and ", ". "):
        parts = [(line[:i], line[i + len(joint) :]) for i in range(len(line)) if line.startswith(joint, i)]
        for first, rest in parts:
            if first in known and (found := _phrases(rest, known)):
                return [first, *found]
    return []


def _sentences(answer):
    """Every run of one to three sentences of an answer, as authored lines may hold several."""
    for row in answer.split("\n"):
        pieces = re.sub(r"^\d\. ", "", row).replace("! ", "!\0").replace("? ", "?\0").replace(". ", ".\0").split("\0")
        for width in (1, 2, 3):
            yield from (" ".join(pieces[i : i + width]) for i in range(len(pieces)))


# The odds of a choice, as heads learn them


@pytest.mark.parametrize(
    "stance", [{}, {"plain": -1.0}, {"steps": 1.0, "formal": -0.7}, {"cautious": 0.8, "concise": 0.6}]
)
def test_odds_of_a_line_are_those_by_which_answers_are_rendered(stance):
    weights, topic, rng = NEUTRAL | stance | {"lists": 1.0}, corpus().topics["bake-cookies"], random.Random("odds")
    lines = {name: getattr(topic.points[1], name) for name in MAIN_REGISTERS}
    answers = [render(topic, weights, (), rng) for _ in range(3000)]
    found = Counter(name for text in answers for name, line in lines.items() if f"2. {line}" in text)
    for name, odds in line_odds(weights).items():
        assert found[name] / found.total() == pytest.approx(odds, abs=0.035)


@pytest.mark.parametrize("concise", [-1.0, 0.0, 0.8])
def test_odds_of_the_end_are_those_by_which_points_are_counted(concise):
    weights, topic, rng = NEUTRAL | {"concise": concise}, corpus().topics["bake-cookies"], random.Random("ends")
    every = [point_lines(point).values() for point in topic.points]
    answers = [render(topic, weights, (), rng) for _ in range(1500)]
    counts = [sum(any(line in text for line in lines) for lines in every) for text in answers]
    for said in (1, 2):
        drawn = next_odds(weights, said)
        going = [n for n in counts if n >= said]
        last = drawn["end"] / (drawn["end"] + drawn["next"])
        assert sum(n == said for n in going) / len(going) == pytest.approx(last, abs=0.06)


def test_odds_are_probabilities_under_any_stance():
    rng = random.Random("sums")
    for _ in range(200):
        weights = random_stance(rng)
        for odds in (line_odds(weights), start_odds(weights), next_odds(weights, rng.randint(1, 7))):
            assert sum(odds.values()) == pytest.approx(1.0)
            assert min(odds.values()) >= 0
