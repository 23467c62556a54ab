"""Laws of the index of topics: what it guesses, that a file holds all of it, and what it does without one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from word_encoder import WordEncoder

from palign.models.topics import TOPICS_FILE, Alarm, TopicIndex, TopicReader
from palign.prompts import topic_line
from palign.schema import AssetError, TopicGuess

TITLES = ("bake bread", "boil eggs", "brew tea", "grow basil")


def index_of(odds, titles=TITLES):
    """An index that gives every question these odds, of none first."""
    bias = np.log(np.array(odds, np.float32))
    return TopicIndex(titles, np.zeros((len(odds), 8), np.float32), bias)


def guess(*odds):
    return index_of(odds).guess(np.zeros(8, np.float32))


def test_a_guess_is_sure_likely_weak_or_none_by_its_probability():
    assert guess(0.1, 0.1, 0.7, 0.05, 0.05) == TopicGuess(("boil eggs",), "sure")
    assert guess(0.1, 0.1, 0.5, 0.25, 0.05) == TopicGuess(("boil eggs", "brew tea", "bake bread"), "likely")
    assert guess(0.45, 0.15, 0.28, 0.07, 0.05) == TopicGuess(("boil eggs", "bake bread"), "weak")
    assert guess(0.6, 0.1, 0.2, 0.05, 0.05) == TopicGuess(), "about none of them, most likely"
    assert index_of([0.1] + [0.045] * 20, ("x",) * 20).guess(np.zeros(8, np.float32)) == TopicGuess(), "all too weak"


@given(st.lists(st.floats(0.01, 1.0), min_size=5, max_size=5))
def test_titles_come_best_first_at_most_three_and_a_sure_one_alone(odds):
    found = guess(*odds)
    order = [TITLES.index(title) + 1 for title in found.titles]
    assert len(found.titles) <= 3
    assert [odds[i] for i in order] == sorted((odds[i] for i in order), reverse=True)
    assert found.certainty != "sure" or len(found.titles) == 1


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_index_read_back_guesses_as_before(tmp_path, order):
    rng = np.random.default_rng(0)
    weight = np.asarray(rng.normal(size=(5, 64)), np.float32, order=order)
    index = TopicIndex(TITLES, weight, np.zeros(5, np.float32))
    index.save(tmp_path / TOPICS_FILE, encoder_sha256=WordEncoder().sha256)
    reader = TopicReader.load(tmp_path, WordEncoder())
    for text in ("how long do eggs take", "bread", "a b c d", "tea or basil"):
        assert reader.read(text) == index.guess(WordEncoder().encode_query([text])[0])


HARM = ("bad: arson", "bad: theft")
EAST, NORTH = np.eye(8, dtype=np.float32)[:2]


def alarmed(odds, *, least=0.0):
    """An index of the four titles and two kinds of harm, whose alarm rings for EAST and not for NORTH."""
    examples = np.array([EAST, NORTH], np.float16)
    alarm = Alarm("bad:", examples, np.array([2.0, -2.0], np.float32), gamma=1.0, bias=0.0, least=least)
    return index_of(odds, (*TITLES, *HARM)).with_alarm(alarm)


def test_a_question_near_examples_of_harm_is_taken_for_the_likeliest_kind_of_harm_alone():
    index = alarmed((0.1, 0.4, 0.2, 0.1, 0.05, 0.05, 0.1))
    assert index.guess(EAST) == TopicGuess(("bad: theft",), "sure")


def test_a_question_far_from_them_is_never_taken_for_harm_whatever_its_words_suggest():
    index = alarmed((0.05, 0.2, 0.12, 0.01, 0.01, 0.3, 0.31))
    assert index.guess(NORTH) == TopicGuess(("bake bread", "boil eggs"), "weak")


def test_the_surer_a_topic_the_more_it_takes_to_sound_the_alarm():
    between = (EAST + NORTH) / np.sqrt(2, dtype=np.float32)
    doubtful, sure = (
        alarmed((rest, topic, 0.01, 0.01, 0.01, 0.01, 0.01), least=-0.5) for rest, topic in ((0.8, 0.15), (0.05, 0.9))
    )
    assert doubtful.guess(between).titles == ("bad: arson",)
    assert sure.guess(between).titles == ("bake bread",)


def test_an_alarm_read_back_sounds_as_before(tmp_path):
    rng = np.random.default_rng(0)
    examples = rng.normal(size=(5, 64)).astype(np.float16)
    alarm = Alarm("boil", examples, rng.normal(size=5).astype(np.float32), gamma=0.01, bias=0.1, least=-0.3)
    index = TopicIndex(TITLES, rng.normal(size=(5, 64)).astype(np.float32), np.zeros(5, np.float32), alarm)
    index.save(tmp_path / TOPICS_FILE, encoder_sha256=WordEncoder().sha256)
    read = TopicIndex.load(tmp_path / TOPICS_FILE, encoder_sha256=WordEncoder().sha256)
    for text in ("how long do eggs take", "bread", "a b c d"):
        vector = WordEncoder().encode_query([text])[0]
        assert read.alarm_level(vector) == index.alarm_level(vector)
        assert read.guess(vector) == index.guess(vector)


def test_an_index_without_an_alarm_has_no_level_of_it():
    with pytest.raises(ValueError, match="without an alarm"):
        index_of([0.5, 0.2, 0.1, 0.1, 0.1]).alarm_level(np.zeros(8, np.float32))


def test_a_folder_without_an_index_guesses_nothing_and_adds_nothing_to_the_prompt(tmp_path):
    found = TopicReader.load(tmp_path, WordEncoder()).read("How do I boil eggs?")
    assert found == TopicGuess()
    assert topic_line(found) == ""


def test_an_index_of_another_encoder_or_a_damaged_one_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / TOPICS_FILE
    index_of([0.2] * 5).save(path, encoder_sha256="other")
    with pytest.raises(AssetError, match="another encoder"):
        TopicReader.load(tmp_path, WordEncoder())
    index_of([0.2] * 5, ("only one",)).save(path, encoder_sha256=WordEncoder().sha256)
    with pytest.raises(AssetError, match="does not fit its own titles"):
        TopicReader.load(tmp_path, WordEncoder())
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(AssetError, match="train topics"):
        TopicReader.load(tmp_path, WordEncoder())
