"""Laws of learning: what a log of statements, votes and thumbs makes of a user."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palign.dimensions import CATALOGUE
from palign.preferences import LearningConfig, Posterior, fit, moved, profile, weights
from palign.schema import (
    Comparison,
    ConfigError,
    Evidence,
    Outcome,
    PreferenceEvent,
    Reason,
    Side,
    Stance,
    Thumb,
    UnknownDimensionError,
)

HEADS = "a" * 64
NAMES = tuple(CATALOGUE)
OUTCOMES: tuple[Outcome, ...] = ("personal", "generic", "tie", "both-bad")
REASONS: tuple[Reason | None, ...] = (
    None, "wrong", "unsafe", "style", "too-long", "too-short", "too-formal", "too-casual", "too-technical", "too-plain",
)  # fmt: skip


def log(*evidence: Evidence) -> list[PreferenceEvent]:
    return [PreferenceEvent(f"e{n}", "ana", float(n), f"s{n}", piece) for n, piece in enumerate(evidence)]


def vote(turn: str, outcome: Outcome = "personal", heads: str = HEADS, **difference: float) -> Comparison:
    return Comparison(turn, difference, outcome, heads)


def thumb(turn: str, *, up: bool, reason: Reason | None = None, side: Side = "personal", **difference: float) -> Thumb:
    return Thumb(turn, side, difference, up, reason, HEADS)


def learned(*evidence: Evidence, config: LearningConfig | None = None) -> Posterior:
    return fit(log(*evidence), heads_sha256=HEADS, config=config)


def mean(posterior: Posterior, name: str = "concise") -> float:
    return float(posterior.mean[NAMES.index(name)])


def std(posterior: Posterior, name: str = "concise") -> float:
    return float(posterior.std[NAMES.index(name)])


differences = st.dictionaries(st.sampled_from([*NAMES, "retired"]), st.floats(-8, 8), max_size=5)
turns = st.sampled_from([f"t{n}" for n in range(8)])
heads = st.sampled_from([HEADS, HEADS, HEADS, "b" * 64])
stances = st.builds(Stance, st.sampled_from([*NAMES, "retired"]), st.floats(-1, 1), st.sampled_from(["", "", "work"]))
comparisons = st.builds(Comparison, turns, differences, st.sampled_from(OUTCOMES), heads)
thumbs = st.builds(
    Thumb, turns, st.sampled_from(["personal", "generic"]), differences, st.booleans(), st.sampled_from(REASONS), heads
)
logs = st.lists(st.one_of(stances, comparisons, thumbs), max_size=25).map(lambda pieces: log(*pieces))


# Undo


@given(logs, st.data())
def test_deleting_events_equals_never_adding_them(events: list[PreferenceEvent], data: st.DataObject) -> None:
    kept = [event for event in events if data.draw(st.booleans())]
    never_had = [replace(event) for event in kept]
    fit(events, heads_sha256=HEADS)
    assert fit(kept, heads_sha256=HEADS) == fit(never_had, heads_sha256=HEADS)


@given(logs, logs)
def test_adding_and_deleting_again_returns_the_profile_exactly(
    events: list[PreferenceEvent], more: list[PreferenceEvent]
) -> None:
    before = profile("ana", events, heads_sha256=HEADS)
    added = [*events, *(replace(event, id=f"more-{event.id}") for event in more)]
    profile("ana", added, heads_sha256=HEADS)
    left = [event for event in added if not event.id.startswith("more-")]
    assert profile("ana", left, heads_sha256=HEADS) == before


def test_an_empty_log_is_the_prior() -> None:
    posterior = learned()
    assert posterior.mean.tolist() == [0.0] * len(NAMES)
    assert posterior.std.tolist() == pytest.approx([0.5] * len(NAMES))
    assert posterior.probability_positive("concise") == 0.5


# Votes


@given(logs)
def test_swapping_the_sides_of_every_vote_changes_nothing(events: list[PreferenceEvent]) -> None:
    swapped_outcome: Mapping[Outcome, Outcome] = {
        "personal": "generic", "generic": "personal", "tie": "tie", "both-bad": "both-bad",
    }  # fmt: skip

    def swapped(event: PreferenceEvent) -> PreferenceEvent:
        piece = event.evidence
        if not isinstance(piece, Comparison) or piece.outcome == "tie":
            return event
        turned = {name: -value for name, value in piece.difference.items()}
        return replace(event, evidence=replace(piece, difference=turned, outcome=swapped_outcome[piece.outcome]))

    assert fit([swapped(event) for event in events], heads_sha256=HEADS) == fit(events, heads_sha256=HEADS)


def test_votes_for_the_other_side_teach_the_opposite() -> None:
    towards = learned(vote("t", concise=1.0, formal=-0.5))
    away = learned(vote("t", "generic", concise=1.0, formal=-0.5))
    assert np.allclose(towards.mean, -away.mean, rtol=0, atol=1e-12)
    assert mean(towards) > 0 > mean(away)


def test_a_tie_moves_nothing_from_zero_but_narrows_the_doubt() -> None:
    tied = learned(vote("t", "tie", concise=2.0))
    assert tied.mean.tolist() == [0.0] * len(NAMES)
    assert std(tied) < std(learned())


def test_a_tie_pulls_a_strong_belief_back() -> None:
    votes = [vote(f"t{n}", concise=1.0) for n in range(6)]
    assert 0 < mean(learned(*votes, vote("tie", "tie", concise=1.0))) < mean(learned(*votes))


@given(st.integers(0, 20))
def test_one_more_vote_for_a_side_raises_its_mean_and_probability(count: int) -> None:
    config = LearningConfig(forgetting=1.0)
    votes = [vote(f"t{n}", concise=0.5) for n in range(count + 1)]
    before, after = (learned(*some, config=config) for some in (votes[:-1], votes))
    assert mean(after) > mean(before) or mean(before) == mean(after) == 1.0  # the bound of a weight
    assert after.probability_positive("concise") > before.probability_positive("concise")


def test_the_mode_solves_the_stated_equation() -> None:
    # One vote, x = 1.5: tau w = kappa x sigma(-kappa w x), and the curvature there.
    config = LearningConfig(kappa=0.8)
    posterior = learned(vote("t", concise=1.5), config=config)
    w = mean(posterior)
    chance = 1 / (1 + math.exp(-0.8 * 1.5 * w))
    assert 4 * w == pytest.approx(0.8 * 1.5 * (1 - chance), abs=1e-9)
    assert posterior.precision[0, 0] == pytest.approx(4 + (0.8 * 1.5) ** 2 * chance * (1 - chance), rel=1e-9)
    assert posterior.covariance[0, 0] == pytest.approx(std(posterior) ** 2)


def test_later_votes_weigh_more() -> None:
    for_it = [vote(f"a{n}", concise=1.0) for n in range(5)]
    against = [vote(f"b{n}", "generic", concise=1.0) for n in range(5)]
    assert mean(learned(*for_it, *against)) < 0 < mean(learned(*against, *for_it))


def test_statements_and_unused_events_age_nothing() -> None:
    first, last = vote("t1", concise=1.0), vote("t2", "generic", concise=1.0)
    between = (Stance("warm", 0.0), vote("t3", "both-bad", concise=3.0), thumb("t4", up=False, concise=3.0))
    assert mean(learned(first, *between, last)) == mean(learned(first, last))


@pytest.mark.parametrize(
    "silent",
    [
        vote("t", "both-bad", concise=2.0),
        vote("t", heads="b" * 64, concise=2.0),
        thumb("t", up=False, concise=2.0),
        thumb("t", up=False, reason="wrong", concise=2.0),
        thumb("t", up=False, reason="unsafe", concise=2.0),
        vote("t", retired=2.0),
        Stance("retired", 1.0),
        Stance("concise", 1.0, "work"),
    ],
)
def test_what_is_no_evidence_of_style_leaves_the_mean_alone(silent: Evidence) -> None:
    base = vote("t0", concise=1.0)
    assert mean(learned(silent)) == 0.0
    assert learned(silent).mean.tolist() == [0.0] * len(NAMES)
    assert mean(learned(base)) > 0


# Thumbs and chips


def test_a_thumb_down_for_style_teaches_and_a_thumb_up_teaches_the_opposite() -> None:
    assert mean(learned(thumb("t", up=False, reason="style", concise=1.0))) < 0
    assert mean(learned(thumb("t", up=True, concise=1.0))) > 0


def test_a_thumb_on_the_generic_answer_moves_only_the_users_bias() -> None:
    generous = [thumb(f"g{n}", up=True, side="generic") for n in range(8)]
    assert learned(*generous).mean.tolist() == [0.0] * len(NAMES)
    last = thumb("t", up=True, concise=1.0)
    config = LearningConfig(forgetting=1.0)
    assert 0 < mean(learned(*generous, last, config=config)) < mean(learned(last, config=config))


@pytest.mark.parametrize(
    ("reason", "name", "sign"),
    [
        ("too-long", "concise", 1),
        ("too-short", "concise", -1),
        ("too-formal", "formal", -1),
        ("too-casual", "formal", 1),
        ("too-technical", "plain", 1),
        ("too-plain", "plain", -1),
    ],
)
@pytest.mark.parametrize("side", ["personal", "generic"])
def test_a_chip_is_direct_evidence_on_its_dimension_alone(reason: Reason, name: str, sign: int, side: Side) -> None:
    piece = thumb("t", up=False, reason=reason, side=side, warm=3.0, lists=-3.0)
    posterior = learned(piece, config=LearningConfig(chip_strength=0.7))
    # A Gaussian observation of precision 4 at .7 beside a prior of precision 4 at 0.
    assert mean(posterior, name) == pytest.approx(sign * 0.35)
    assert [value for other, value in zip(NAMES, posterior.mean.tolist(), strict=True) if other != name] == [0.0] * (
        len(NAMES) - 1
    )


def test_a_vote_and_a_thumb_on_one_turn_count_once_and_the_latest_holds() -> None:
    both = learned(vote("t", concise=1.0), thumb("t", up=False, reason="style", concise=1.0))
    assert np.array_equal(both.mean, learned(thumb("t", up=False, reason="style", concise=1.0)).mean)


def test_a_chip_counts_beside_the_vote_of_its_turn() -> None:
    config = LearningConfig(forgetting=1.0)
    a, chip = vote("t", concise=1.0), thumb("t", up=False, reason="too-long")
    assert mean(learned(a, chip, config=config)) > max(mean(learned(a)), mean(learned(chip)))


def test_a_thumb_that_says_nothing_of_style_does_not_displace_the_vote() -> None:
    with_thumb = learned(vote("t", concise=1.0), thumb("t", up=True, side="generic"))
    assert np.array_equal(with_thumb.mean, learned(vote("t", concise=1.0)).mean)


# Statements


@given(st.sampled_from(NAMES), st.floats(-1, 1))
def test_a_stated_strength_is_the_mean(name: str, strength: float) -> None:
    assert mean(learned(Stance(name, strength)), name) == strength


def test_the_latest_statement_replaces_the_earlier() -> None:
    assert learned(Stance("concise", 1.0), Stance("concise", -0.4)) == learned(Stance("concise", -0.4))


@given(logs, st.floats(-1, 1))
def test_restating_a_dimension_silences_earlier_feedback_on_it(events: list[PreferenceEvent], strength: float) -> None:
    stated = PreferenceEvent("last", "ana", 99.0, "m", Stance("concise", strength))
    config = LearningConfig(max_norm=10.0)
    posterior = fit([*events, stated], heads_sha256=HEADS, config=config)
    assert mean(posterior) == pytest.approx(strength, abs=1e-9)


def test_feedback_after_a_statement_still_moves_it() -> None:
    votes = [vote(f"t{n}", "generic", concise=1.0) for n in range(5)]
    assert mean(learned(Stance("concise", 0.7), *votes)) < 0.7
    assert mean(learned(*votes, Stance("concise", 0.7))) == pytest.approx(0.7)


def test_a_contextual_stance_holds_only_in_its_context() -> None:
    events = log(Stance("playful", 0.7), Stance("playful", -0.7, "work"))
    posterior = fit(events, heads_sha256=HEADS)
    assert weights(posterior, events, "Write an update for my boss")["playful"] == -0.7
    assert weights(posterior, events, "How do tides work?")["playful"] == 0.7


def test_the_last_of_several_matching_contexts_holds() -> None:
    events = log(Stance("formal", 1.0, "work"), Stance("formal", -1.0, "email"))
    posterior = fit(events, heads_sha256=HEADS)
    assert weights(posterior, events, "Draft an e-mail to my boss")["formal"] == -1.0


# Bounds and bad input


@given(logs)
def test_the_mean_stays_within_its_bounds_and_the_doubt_positive(events: list[PreferenceEvent]) -> None:
    posterior = fit(events, heads_sha256=HEADS)
    assert np.all(np.abs(posterior.mean) <= 1)
    assert np.linalg.norm(posterior.mean) <= LearningConfig().max_norm + 1e-12
    assert np.all(posterior.std > 0)
    assert np.all(posterior.std <= 0.5 + 1e-9)


def test_five_hundred_votes_do_not_leave_the_bounds() -> None:
    difference = dict.fromkeys(NAMES, 5.0)
    posterior = learned(*(vote(f"t{n}", **difference) for n in range(500)))
    assert np.linalg.norm(posterior.mean) <= 2.0 + 1e-12


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_difference_that_is_not_a_number_is_refused_by_name(value: float) -> None:
    for piece in (vote("t", concise=value), thumb("t", up=True, concise=value)):
        with pytest.raises(ConfigError, match="e0"):
            learned(piece)


@pytest.mark.parametrize("strength", [math.nan, 1.5, -math.inf])
def test_a_stance_out_of_range_is_refused(strength: float) -> None:
    with pytest.raises(ConfigError, match="e0"):
        learned(Stance("concise", strength))


def test_one_absurd_difference_counts_no_more_than_a_large_one() -> None:
    assert learned(vote("t", concise=1e300)) == learned(vote("t", concise=LearningConfig().max_difference))


@pytest.mark.parametrize("wrong", [{"kappa": 0.0}, {"tau_stated": -1.0}, {"forgetting": 1.1}, {"max_norm": math.nan}])
def test_unusable_settings_are_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        LearningConfig(**wrong)


def test_an_unknown_dimension_is_refused() -> None:
    with pytest.raises(UnknownDimensionError, match="brevity"):
        learned().probability_positive("brevity")


def test_a_model_with_fewer_heads_learns_fewer_dimensions() -> None:
    events = log(Stance("warm", 0.7), vote("t", concise=1.0, warm=1.0))
    posterior = fit(events, heads_sha256=HEADS, dimensions=("concise", "formal"))
    assert posterior.dimensions == ("concise", "formal")
    assert posterior.mean.shape == (2,)
    assert posterior.mean[0] > 0


def test_a_posterior_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        learned().mean[0] = 1.0


def test_moved_names_what_changed() -> None:
    after = learned(thumb("t", up=False, reason="too-long"))
    assert moved(learned(), after) == {"concise": mean(after)}
    assert moved(after, after) == {}


def test_the_profile_shows_what_was_fitted() -> None:
    events = log(Stance("concise", 0.7))
    shown = profile("ana", events, heads_sha256=HEADS)
    assert shown.mean["concise"] == 0.7
    assert shown.std == dict(zip(NAMES, fit(events, heads_sha256=HEADS).std.tolist(), strict=True))
    assert shown.events == tuple(events)
