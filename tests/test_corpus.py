"""Laws of the authored corpus: it fits its schema, repeats itself no more than was measured, and keeps its splits."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, combinations

import pytest
import yaml
from authored import corpus, lines_of, point_lines, words

from palign.dimensions import CATALOGUE
from palign.schema import AssetError
from palign.training.corpus import FOLDER, HELD_OUT_TOPICS, corpus_sha256, load_corpus

# Measured on the 25,543 lines of 223 topics. They may fall; a rise means that somebody copied.
EQUAL_LINES = 2
ALIKE_LINES = 17  # pairs in different files that share at least 70 % of their words
LONGEST_LINE = 200  # characters


def alike_across_topics(share):
    """Pairs of different lines in different topics whose word sets overlap by `share` or more (Jaccard)."""
    lines = [(name, words(line)) for name, topic in corpus().topics.items() for line in lines_of(topic)]
    index = defaultdict(list)
    for number, (_, line) in enumerate(lines):
        for triple in set(zip(line, line[1:], line[2:], strict=False)):
            index[triple].append(number)
    # A run of three words in two hundred lines is an idiom, not a copy.
    nearby = {pair for found in index.values() if len(found) < 200 for pair in combinations(found, 2)}
    for a, b in nearby:
        (here, first), (there, second) = lines[a], lines[b]
        overlap = len({*first} & {*second}) / len({*first, *second})
        if here != there and first != second and overlap >= share:
            yield " ".join(first), " ".join(second)


def test_every_file_fits_the_schema_and_stands_in_the_folder_of_its_area():
    for name, topic in corpus().topics.items():
        assert (FOLDER / topic.area / f"{name}.yaml").is_file(), name
    assert len({topic.topic for topic in corpus().topics.values()}) == len(corpus().topics) >= 220


def test_a_file_that_does_not_fit_is_named(tmp_path):
    (tmp_path / "food").mkdir()
    source = next((FOLDER / "food").glob("*.yaml"))
    fields = yaml.safe_load(source.read_text(encoding="utf-8"))
    fields["points"][0]["tune"] = "A line in a register that does not exist."
    (tmp_path / "food" / source.name).write_text(yaml.safe_dump(fields), encoding="utf-8")
    with pytest.raises(AssetError, match=rf"(?s){source.name}.*tune") as caught:
        load_corpus(tmp_path)
    assert caught.value.hint


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AssetError, match=r"facts\.yaml"):
        load_corpus(tmp_path)


def test_the_hash_follows_every_byte_and_every_name(tmp_path):
    (tmp_path / "a.yaml").write_text("x: 1", encoding="utf-8")
    first = corpus_sha256(tmp_path)
    assert corpus_sha256(tmp_path) == first
    (tmp_path / "a.yaml").write_text("x: 2", encoding="utf-8")
    second = corpus_sha256(tmp_path)
    (tmp_path / "a.yaml").rename(tmp_path / "b.yaml")
    assert len({first, second, corpus_sha256(tmp_path)}) == 3


def test_no_question_is_asked_of_two_topics():
    asked = defaultdict(set)
    for name, topic in corpus().topics.items():
        for ask in (*topic.asks, *topic.held_out_asks):
            asked[words(ask)].add(name)
    assert {ask: names for ask, names in asked.items() if len(names) > 1} == {}


def test_no_question_of_training_is_a_held_out_one():
    for name, topic in corpus().topics.items():
        assert not {*map(words, topic.asks)} & {*map(words, topic.held_out_asks)}, name


def test_equal_lines_are_no_more_than_measured():
    places = defaultdict(int)
    for line in chain.from_iterable(map(lines_of, corpus().topics.values())):
        places[words(line)] += 1
    again = {" ".join(line): n for line, n in places.items() if n > 1}
    assert len(again) <= EQUAL_LINES, again


def test_lines_alike_across_files_are_no_more_than_measured():
    alike = list(alike_across_topics(0.7))
    assert len(alike) <= ALIKE_LINES, alike


def test_a_line_is_short_enough_to_read_at_a_glance():
    longest = max(chain.from_iterable(map(lines_of, corpus().topics.values())), key=len)
    assert len(longest) <= LONGEST_LINE, longest


def test_a_point_says_something_else_in_every_register():
    for name, topic in corpus().topics.items():
        for point in topic.points:
            lines = list(point_lines(point).values())
            assert len({*map(words, lines)}) == len(lines), (name, point.tip)


def test_twenty_whole_topics_are_held_out_and_their_lines_stand_nowhere_else():
    assert len(HELD_OUT_TOPICS) == 20
    held, seen = corpus().held_out_topics(), corpus().training_topics()
    assert held.keys() == HELD_OUT_TOPICS
    assert held.keys() | seen.keys() == corpus().topics.keys()
    trained = {words(line) for topic in seen.values() for line in lines_of(topic)}
    assert not trained & {words(line) for topic in held.values() for line in lines_of(topic)}


def test_held_out_topics_come_from_every_area():
    areas = {topic.area for topic in corpus().topics.values()}
    assert {topic.area for topic in corpus().held_out_topics().values()} == areas


def test_every_dimension_has_words_and_no_words_stand_at_two_poles():
    assert corpus().stances.keys() == CATALOGUE.keys()
    poles = defaultdict(set)
    for name, stance in corpus().stances.items():
        for sign, phrases in (("+", stance.positive), ("-", stance.negative)):
            for phrase in phrases:
                poles[words(phrase)].add(name + sign)
    assert {phrase: where for phrase, where in poles.items() if len(where) > 1} == {}


def test_every_fact_of_a_topic_has_words_and_every_fact_matters_somewhere():
    used = {fact for topic in corpus().topics.values() for fact in topic.when}
    assert used == corpus().facts.keys()


def test_a_fact_is_worded_under_one_name_only():
    places = defaultdict(set)
    for name, lines in {**corpus().facts, "unrelated": corpus().unrelated}.items():
        for line in lines:
            places[words(line)].add(name)
    assert {line: names for line, names in places.items() if len(names) > 1} == {}


def test_small_talk_and_refusals_go_by_names_that_no_topic_has():
    talk = [group.name for group in (*corpus().dialogues, *corpus().refusals)]
    assert len(set(talk)) == len(talk)
    assert not {*talk} & corpus().topics.keys()


def test_the_topics_of_the_heads_are_nobody_elses():
    heads = corpus().heads
    assert len(heads) >= 30
    assert not heads.keys() & corpus().topics.keys()
    assert not {topic.topic for topic in heads.values()} & {topic.topic for topic in corpus().topics.values()}
    elsewhere = {words(line) for topic in corpus().topics.values() for line in lines_of(topic)}
    assert [line for topic in heads.values() for line in lines_of(topic) if words(line) in elsewhere] == []
