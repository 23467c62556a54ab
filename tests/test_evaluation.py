"""Laws of the evaluation: judges, simulated users, arms, figures and report, on a service computable by hand."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import palign
from palign.config import ASSETS
from palign.dimensions import CATALOGUE
from palign.evaluation.arms import ARMS, SWEEP, answer_all, turns_needed
from palign.evaluation.judges.classifier import Pair, StyleClassifier, load_pairs
from palign.evaluation.judges.measurers import MEASURERS, word_count
from palign.evaluation.judges.panel import JUDGES, JudgeAccuracy, Panel
from palign.evaluation.laws import laws_turns, measure_laws
from palign.evaluation.questions import QUESTIONS
from palign.evaluation.report import headline, page, readme_block, update_readme
from palign.evaluation.scoring import compare, edit_distance, interval, judge
from palign.evaluation.summary import summarise
from palign.evaluation.users import SimulatedUser, simulated_users
from palign.models.encoder import TextEncoder
from palign.schema import (
    Comparison,
    ConfigError,
    Learned,
    Memory,
    MemoryHit,
    Pane,
    PreferenceEvent,
    Statement,
    TokenTrace,
    TurnUpdate,
    UserProfile,
)

POINTS = ("Wash it first.", "Then let it dry.", "Keep it in the dark.", "Check it on Friday.")
CORPUS = Path(palign.__file__).parent / "training" / "corpus"


class ScriptedService:
    """Answers with four points; who cares for concise gets fewer. A vote for the shorter answer moves concise by .1."""

    def __init__(self, stances=(), *, generic_drift=False, sticky_votes=False):
        self.stances = {"very short answers": 1.0, "long answers with examples": -1.0, "Short answers suit me.": 1.0}
        self.stances.update(stances)
        self.words = {}
        self.votes = {}
        self.turns = 0
        self.generic_drift = generic_drift
        self.sticky_votes = sticky_votes

    def state(self, user_id, text):
        self.words.setdefault(user_id, []).append(text)
        return (Statement(_memory(user_id, text)),)

    def profile(self, user_id):
        stated = sum(self.stances.get(text, 0.0) for text in self.words.get(user_id, ()))
        mean = max(-1.0, min(1.0, stated + 0.1 * len(self.votes.get(user_id, ()))))
        return UserProfile(user_id, {"concise": mean, "plain": 0.0}, {"concise": 0.3, "plain": 0.5}, ())

    def reply(self, user_id, request):
        self.turns += 1
        weight = self.profile(user_id).mean["concise"] * request.strength if request.use_weights else 0.0
        weight = 1.0 if request.explore else weight
        points = [f"{request.text} {point}" for point in POINTS]
        generic = " ".join(points) + (f" ({self.turns})" if self.generic_drift else "")
        keep = max(1, round(len(points) * (1 - 0.75 * weight)))
        personal = " ".join((points * 2)[:keep]) if weight else " ".join(points)
        hits = tuple(MemoryHit(_memory(user_id, text), 1.0) for text in self.words.get(user_id, ()))
        yield TurnUpdate("", request.text, 0, Pane(), Pane(), finished=False)
        yield TurnUpdate(
            turn_id=str(self.turns),
            prompt=request.text,
            seed=request.seed,
            generic=Pane(generic, (_token(0.0),), "stop"),
            personal=Pane(personal, (_token(weight**2),), "stop"),
            finished=True,
            weights={"concise": weight},
            memories=hits if request.use_words else (),
        )

    def vote(self, user_id, turn_id, outcome):
        event = PreferenceEvent(turn_id, user_id, 0.0, turn_id, Comparison(turn_id, {}, outcome, ""))
        self.votes.setdefault(user_id, []).append(turn_id)
        return Learned(event, {}, "")

    def undo(self, user_id, event_id):
        if not self.sticky_votes:
            self.votes[user_id].remove(event_id)


def _memory(user_id, text):
    return Memory(user_id, text, text, "style", "typed", 0.0)


def _token(kl):
    return TokenTrace("x", -1.0, -1.0, {}, kl)


@pytest.fixture(scope="module")
def encoder():
    return TextEncoder.load()


@pytest.fixture(scope="module")
def panel(encoder):
    return Panel.build(encoder)


CONCISE_USER = SimulatedUser("short", {"concise": 1.0, "warm": 0.5}, ("Short answers suit me.",), "I'm vegetarian.")
DETAILED_USER = SimulatedUser("long", {"concise": -1.0}, ("long answers with examples",), None)
USERS = (CONCISE_USER, DETAILED_USER)


def collect(service=None, users=USERS, questions=QUESTIONS[:3]):
    return answer_all(service or ScriptedService(), users, questions, max_new_tokens=8, progress=lambda: None)


# Questions and users


def test_no_question_states_anything_that_would_be_kept():
    from palign.preferences import parse

    assert [question for question in QUESTIONS for part in parse(question) if part.is_statement] == []


def test_no_question_is_worded_as_in_the_training_corpus():
    corpus = "\n".join(file.read_text(encoding="utf-8") for file in CORPUS.rglob("*.yaml")).casefold()
    assert len(corpus) > 100_000
    assert [question for question in QUESTIONS if question.casefold() in corpus] == []
    assert len(set(QUESTIONS)) == 20


def test_the_same_seed_draws_the_same_users_and_fewer_users_are_the_first_ones():
    assert simulated_users(6, seed=3) == simulated_users(6, seed=3)
    assert simulated_users(4, seed=3) == simulated_users(6, seed=3)[:4]
    assert simulated_users(6, seed=3) != simulated_users(6, seed=4)


@given(st.integers(0, 10_000))
def test_a_user_cares_for_three_to_four_dimensions_and_says_one_sentence_for_each(seed):
    for user in simulated_users(4, seed=seed):
        assert 3 <= len(user.taste) <= 4
        assert user.taste.keys() <= CATALOGUE.keys()
        assert all(0 < abs(weight) <= 1 for weight in user.taste.values())
        assert len(user.words) == len(user.taste)


def test_the_default_six_users_cover_both_poles_of_every_dimension():
    poles = {(name, weight > 0) for user in simulated_users(6) for name, weight in user.taste.items()}
    assert poles == {(name, positive) for name in CATALOGUE for positive in (True, False)}


def test_users_never_speak_the_words_of_the_catalogue():
    spoken = {sentence for seed in range(50) for user in simulated_users(6, seed) for sentence in user.words}
    catalogue = {text for entry in CATALOGUE.values() for text in (entry.instruction, entry.counter_instruction)}
    assert not spoken & catalogue


# Judges


@pytest.mark.parametrize(
    ("name", "towards", "away"),
    [
        ("concise", "Use less water.", "Use less water, because roots need air as well as water, and less is enough."),
        ("plain", "Put it in the sun.", "Irradiate the specimen at 540 nm for approximately 20 min."),
        ("formal", "One should ensure that it is dry.", "Yeah, just don't get it wet, okay?"),
        ("warm", "You are doing well, enjoy it!", "Apply the paste and wait."),
        ("playful", "It sulks like a cat at a party.", "It stands in the corner of the room."),
        ("lists", "- one\n- two", "one and two"),
        ("examples", "For example, my aunt does it on Sunday.", "It works because heat rises."),
        ("cautious", "It may perhaps help, though not always.", "It always works and never fails."),
    ],
)
def test_a_measurer_grows_towards_the_first_pole(name, towards, away):
    assert MEASURERS[name](towards) > MEASURERS[name](away)


def test_every_dimension_has_a_measurer():
    assert list(MEASURERS) == list(CATALOGUE)


@given(st.text())
def test_a_measurer_gives_a_finite_number_for_any_text(text):
    assert all(math.isfinite(measure(text)) for measure in MEASURERS.values())


def test_how_a_list_is_marked_changes_no_measure():
    points = ["Water it weekly", "Find a bright window", "Feed it in spring"]
    dashes = "\n".join(f"- {point}." for point in points)
    numbers = "\n".join(f"{number}. {point}." for number, point in enumerate(points, 1))
    assert {name: measure(dashes) for name, measure in MEASURERS.items()} == {
        name: measure(numbers) for name, measure in MEASURERS.items()
    }


def test_lists_is_the_share_of_lines_that_are_items():
    assert MEASURERS["lists"]("Do this:\n- one\n2. two\n\nand more - or less") == pytest.approx(0.5)


def test_the_pairs_are_many_and_no_topic_is_in_both_parts_or_in_the_corpus():
    pairs = load_pairs()
    counts = Counter((pair.dimension, pair.part) for pair in pairs)
    assert all(counts[name, "fit"] + counts[name, "test"] >= 60 for name in CATALOGUE)
    assert all(counts[name, "test"] >= 20 for name in CATALOGUE)
    topics = {part: {pair.topic for pair in pairs if pair.part == part} for part in ("fit", "test")}
    assert not topics["fit"] & topics["test"]
    known = {file.stem.replace("-", " ") for file in CORPUS.rglob("*.yaml")}
    assert not (topics["fit"] | topics["test"]) & known


def test_a_text_stands_at_one_pole_only():
    texts = Counter(text for pair in load_pairs() for text in (pair.positive, pair.negative))
    assert [text for text, times in texts.items() if times > 1] == []


def some_pairs():
    """Two fit topics and one test topic."""
    topics = {"make jam", "keep hens", "go fishing"}
    return [pair for pair in load_pairs() if pair.topic in topics]


def test_test_pairs_do_not_change_the_classifier(encoder):
    pairs = some_pairs()
    without = StyleClassifier.fit([pair for pair in pairs if pair.part == "fit"], encoder)
    text = ["Keep it brief and dry."]
    assert without.score(text) == StyleClassifier.fit(pairs, encoder).score(text)


def test_exchanging_the_poles_reverses_the_classifier(encoder):
    pairs = some_pairs()
    exchanged = [replace(pair, positive=pair.negative, negative=pair.positive) for pair in pairs]
    texts = ["Hey, just grab a towel.", "It is advisable to obtain a towel."]
    forward, backward = (StyleClassifier.fit(chosen, encoder).score(texts) for chosen in (pairs, exchanged))
    for name in CATALOGUE:
        assert forward[name] == pytest.approx(-backward[name], abs=1e-3)


def test_every_dimension_has_a_trusted_judge_and_a_weak_judge_is_not_heard(panel):
    assert all(panel.trusted(name) for name in CATALOGUE)
    for entry in panel.accuracies:
        assert (entry.judge in panel.trusted(entry.dimension)) == (entry.pairwise >= 0.85)
    assert not JudgeAccuracy("playful", "measurer", 0.82, 0.7, 11).trusted


def test_a_classifier_without_signal_is_at_chance_and_not_trusted(encoder):
    same = [
        Pair(name, str(i), part, f"text {i}", f"text {i}")
        for name in CATALOGUE
        for part in ("fit", "test")
        for i in range(4)
    ]
    blind = Panel(StyleClassifier.fit(same, encoder), same)
    assert {entry.pairwise for entry in blind.accuracies} == {0.5}
    assert all(blind.trusted(name) == () for name in CATALOGUE)


# Arms


def test_every_question_is_answered_for_every_user_in_every_arm_with_the_announced_turns():
    service = ScriptedService()
    run = collect(service)
    assert service.turns == turns_needed(3, 2)
    counts = Counter((answer.arm, answer.strength) for answer in run.answers)
    assert all(counts[arm, strength] == 6 for arm, strength in [("neither", 0.0), ("memory only", 0.0), ("both", 1.0)])
    assert {strength for arm, strength in counts if arm == "sweep"} == {s for s in SWEEP if s < 1}


def test_a_swapped_user_gets_what_another_user_gets_on_the_same_question():
    run = collect()
    both = {(answer.question, answer.user): answer.text for answer in run.answers if answer.arm == "both"}
    swapped = [answer for answer in run.answers if answer.arm == "swapped user"]
    assert len(swapped) == 6
    for answer in swapped:
        assert answer.preferences_of != answer.user
        assert answer.text == both[answer.question, answer.preferences_of]


def test_a_generic_text_that_differs_between_users_is_counted():
    assert collect().generic_mismatches == 0
    assert collect(ScriptedService(generic_drift=True)).generic_mismatches > 0


def test_a_turn_that_never_finishes_is_an_error():
    class Broken(ScriptedService):
        def reply(self, user_id, request):
            yield from list(super().reply(user_id, request))[:1]

    with pytest.raises(RuntimeError, match="never finished"):
        collect(Broken())


# Figures


def test_the_reward_lifts_who_it_serves_and_the_swap_does_not(panel):
    judged = judge(collect(), panel)
    assert compare(judged, "reward only", "neither").difference["measurer"].above_zero
    assert compare(judged, "both", "swapped user").difference["measurer"].above_zero


def test_an_arm_compared_with_itself_differs_by_exactly_nothing(panel):
    difference = compare(judge(collect(), panel), "both", "both").difference["both"]
    assert (difference.mean, difference.low, difference.high) == (0.0, 0.0, 0.0)
    assert not difference.above_zero


def test_reversing_every_taste_reverses_the_utility(panel):
    run = collect()
    reversed_users = tuple(replace(user, taste={k: -v for k, v in user.taste.items()}) for user in run.users)
    utility, opposite = (judge(chosen, panel).utility["both"] for chosen in (run, replace(run, users=reversed_users)))
    np.testing.assert_allclose(utility, -opposite)
    assert np.abs(utility).max() > 0


def test_a_dimension_without_a_trusted_judge_adds_nothing(encoder):
    same = [
        Pair(name, str(i), part, "text", "text") for name in CATALOGUE for part in ("fit", "test") for i in range(4)
    ]
    blind = Panel(StyleClassifier.fit(same, encoder), same)
    run = collect()
    judged = judge(run, blind)
    assert not judged.utility["both"].any()
    assert not any(result.judged for result in summarise(run, judged, blind).dimensions)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12))
def test_an_interval_lies_within_the_values_and_holds_their_mean(values):
    found = interval(np.array(values))
    assert min(values) - 1e-9 <= found.low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= found.high <= max(values) + 1e-9


texts = st.lists(st.sampled_from(["a", "b", "-", "c."]), max_size=8).map(" ".join)


@given(texts, texts, texts)
def test_edit_distance_is_symmetric_zero_for_equal_texts_and_at_most_one(first, second, third):
    assert edit_distance(first, second) == edit_distance(second, first)
    assert (edit_distance(first, second) == 0) == (first == second)
    assert 0 <= edit_distance(first, third) <= 1


def test_edit_distance_counts_pieces():
    assert edit_distance("a b c d", "a x c") == pytest.approx(2 / 4)


def test_the_summary_counts_what_was_understood_and_where_the_fact_was_used(panel):
    run = collect()
    summary = summarise(run, judge(run, panel), panel)
    assert (summary.understood, summary.tastes) == (2, 3)  # nobody understood the taste for warm
    assert (summary.facts_used, summary.facts_asked) == (3, 3)
    assert [row.arm for row in summary.arms] == list(ARMS)
    generic, changed = summary.sweep[0], summary.sweep[-1]
    assert (generic.changed, generic.kl, generic.lift) == (0.0, 0.0, 0.0)
    assert changed.changed == 1.0
    assert [row.kl for row in summary.sweep] == sorted(row.kl for row in summary.sweep)


# Report


def test_when_both_does_not_beat_memory_the_first_sentence_says_so(panel):
    run = collect()
    summary = summarise(run, judge(run, panel), panel)
    assert "together beat words alone" in headline(summary)
    tie = replace(summary, comparisons=(compare(judge(run, panel), "both", "both"), *summary.comparisons[1:]))
    assert "do **not** beat words alone" in headline(tie)
    assert page(tie, []).splitlines()[2] == headline(tie)
    assert readme_block(tie, "assets/eval").startswith(headline(tie))


def test_a_generated_text_cannot_leave_its_block(panel):
    run = collect()
    hostile = replace(run.answers[0], text="~~~~\n# Heading\n~~~~~~~\n<script>")
    shown = page(summarise(run, judge(run, panel), panel), [hostile]).split(hostile.text)
    assert shown[0].endswith("~" * 8 + "\n")
    assert shown[1].startswith("\n" + "~" * 8 + "\n")


def test_only_what_stands_between_the_marks_is_replaced_and_twice_is_once(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- eval:begin -->\nold\n<!-- eval:end -->\nafter\n", encoding="utf-8")
    update_readme(readme, "new")
    once = readme.read_text(encoding="utf-8")
    assert once == "before\n<!-- eval:begin -->\nnew\n<!-- eval:end -->\nafter\n"
    update_readme(readme, "new")
    assert readme.read_text(encoding="utf-8") == once


@pytest.mark.parametrize("text", ["", "<!-- eval:begin -->", "<!-- eval:end --><!-- eval:begin -->"])
def test_a_readme_without_the_marks_is_left_alone(tmp_path, text):
    readme = tmp_path / "README.md"
    readme.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="no place"):
        update_readme(readme, "new")
    assert readme.read_text(encoding="utf-8") == text


def test_the_folder_holds_every_answer_with_its_scores_and_the_figures(panel, tmp_path):
    from palign.evaluation.run import write_arms

    run = collect()
    judged = judge(run, panel)
    write_arms(tmp_path, judged, summarise(run, judged, panel))
    rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == [answer.text for answer in run.answers]
    assert all(set(row["z"]) == set(JUDGES) for row in rows)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert len(summary["dimensions"]) == len(CATALOGUE)
    for name in ("fit.png", "sweep.png", "dimensions.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("arguments", [["--questions", "0"], ["--questions", "21"], ["--users", "1"]])
def test_a_number_out_of_range_is_refused_before_anything_is_loaded(arguments, tmp_path):
    from palign.evaluation.run import run

    with pytest.raises(ConfigError, match="Use"):
        run([*arguments, "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


# Laws


def measured(service):
    return measure_laws(service, QUESTIONS[:4], max_new_tokens=8, progress=lambda: None)


def test_a_service_that_keeps_its_promises_passes_with_the_announced_turns():
    service = ScriptedService()
    laws = measured(service)
    assert laws.hold
    assert service.turns == laws_turns(4)
    assert all(voter.most_certain == "concise" and voter.undone_exactly for voter in laws.learning.voters)


def test_votes_that_outlive_their_deletion_break_the_law_of_learning():
    assert not measured(ScriptedService(sticky_votes=True)).learning.holds


def test_a_generic_text_that_depends_on_the_user_breaks_the_law_of_length():
    laws = measured(ScriptedService(generic_drift=True))
    assert not any(law.holds for law in laws.length)
    assert all(law.ratio >= 2 for law in laws.length)


def test_a_strength_without_effect_breaks_the_law_of_strength():
    deaf = ScriptedService({"Short answers suit me.": 0.0})
    assert not measured(deaf).strength.holds


def test_the_length_of_a_list_is_counted_in_words_without_its_marks():
    assert word_count("- one\n2. two-and-a-half\n* isn't") == 3


def test_the_shipped_model_is_measured_from_end_to_end_and_no_path_is_written(tmp_path, monkeypatch):
    from palign.evaluation.run import run

    monkeypatch.setenv("PALIGN_MAX_NEW_TOKENS", "16")
    run(["--questions", "1", "--users", "2", "--out", str(tmp_path)])
    rows = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {row["arm"] for row in rows} >= set(ARMS)
    assert all(0 < row["tokens"] <= 16 for row in rows)
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["generic_mismatches"] == 0
    manifest = (tmp_path / "manifest.json").read_text(encoding="utf-8")
    assert len(json.loads(manifest)["model_sha256"]) == 64
    assert str(tmp_path) not in manifest
    assert str(ASSETS.parent) not in manifest
