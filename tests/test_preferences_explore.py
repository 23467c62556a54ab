"""Laws of exploring: what a turn tries, and that trying finds what a user likes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palign.dimensions import CATALOGUE
from palign.preferences import ExploreConfig, LearningConfig, Posterior, explore, exploring_weights, fit, weights
from palign.schema import Comparison, ConfigError, PreferenceEvent, Stance

HEADS = "a" * 64
NAMES = tuple(CATALOGUE)


def known(mean: dict[str, float] | None = None, std: float = 0.5, **stds: float) -> Posterior:
    """A posterior with independent dimensions, given by mean and standard deviation."""
    spread = np.array([stds.get(name, std) for name in NAMES])
    return Posterior(NAMES, np.array([(mean or {}).get(name, 0.0) for name in NAMES]), np.diag(spread**-2.0))


def stated(*stances: Stance) -> list[PreferenceEvent]:
    return [PreferenceEvent(f"e{n}", "ana", float(n), f"m{n}", stance) for n, stance in enumerate(stances)]


seeds = st.integers(0, 2**63 - 1)


@given(seeds)
def test_a_new_visitor_is_always_shown_something_and_at_most_two_things(seed: int) -> None:
    tried = explore(known(), [], rng_seed=seed)
    assert 1 <= len(tried) <= 2
    assert len({stance.dimension for stance in tried}) == len(tried)
    assert all(0.8 <= abs(stance.strength) <= 1 and stance.context == "" for stance in tried)


@given(seeds)
def test_the_same_log_and_seed_try_the_same(seed: int) -> None:
    assert explore(known(), [], rng_seed=seed) == explore(known(), [], rng_seed=seed)


def test_each_dimension_and_either_sign_gets_its_turn() -> None:
    tried = {(s.dimension, s.strength > 0) for seed in range(300) for s in explore(known(), [], rng_seed=seed)}
    assert len(tried) == 2 * len(NAMES)


@given(seeds, st.sets(st.sampled_from(NAMES)), st.sampled_from(["", "work"]))
def test_what_was_stated_is_never_tried(seed: int, names: set[str], context: str) -> None:
    events = stated(*(Stance(name, 0.7, context) for name in names))
    posterior = fit(events, heads_sha256=HEADS)
    assert not names & {stance.dimension for stance in explore(posterior, events, rng_seed=seed)}


@given(seeds)
def test_nothing_is_tried_once_everything_is_known(seed: int) -> None:
    assert explore(known(std=0.14), [], rng_seed=seed) == ()


@given(seeds)
def test_a_dimension_that_is_known_is_not_tried(seed: int) -> None:
    assert "formal" not in {s.dimension for s in explore(known(formal=0.1), [], rng_seed=seed)}


@given(seeds)
def test_an_unlikely_sign_is_not_tried(seed: int) -> None:
    posterior = known({"concise": 0.6})
    assert all(s.strength > 0 for s in explore(posterior, [], rng_seed=seed) if s.dimension == "concise")


def test_exploring_fades_as_doubt_shrinks() -> None:
    shares = [
        sum(bool(explore(known(std=std), [], rng_seed=seed)) for seed in range(200)) for std in (0.5, 0.4, 0.25, 0.15)
    ]
    assert shares[0] == 200
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) == 4
    assert shares[-1] == 0


def test_what_began_to_show_is_tried_again_more_often_than_the_rest() -> None:
    posterior = known({"concise": 0.5})
    counts = dict.fromkeys(NAMES, 0)
    for seed in range(300):
        for stance in explore(posterior, [], rng_seed=seed):
            counts[stance.dimension] += 1
    assert counts["concise"] > 1.3 * max(count for name, count in counts.items() if name != "concise")


def test_a_turn_that_tries_something_keeps_what_is_stated_or_sure_and_drops_guesses() -> None:
    events = stated(Stance("warm", 0.1))
    posterior = known({"warm": 0.1, "concise": 0.7, "lists": 0.2})
    found = exploring_weights(posterior, events, "How do tides work?", (Stance("playful", -0.9),))
    assert {name: value for name, value in found.items() if value} == {"warm": 0.1, "concise": 0.7, "playful": -0.9}


def test_a_turn_that_tries_nothing_uses_the_mean() -> None:
    posterior = known({"lists": 0.2})
    assert exploring_weights(posterior, [], "Why?", ()) == weights(posterior, [], "Why?")


def test_only_what_can_be_steered_is_tried() -> None:
    tried = {s.dimension for seed in range(100) for s in explore(known(), [], rng_seed=seed, among=("lists", "warm"))}
    assert tried == {"lists", "warm"}
    assert explore(known(), [], rng_seed=1, among=()) == ()


@pytest.mark.parametrize("wrong", [{"most": -1}, {"weakest": 1.5}, {"unlikely": math.nan}])
def test_unusable_settings_are_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        ExploreConfig(**wrong)  # type: ignore[arg-type]


# What it is for: a made-up world in which steering moves Φ and the length, and its visitors pick the shorter answer.

LENGTHENS = {"concise": -0.5, "examples": 0.2, "lists": 0.15, "warm": 0.15, "playful": 0.1, "cautious": 0.1}
LEARNING = LearningConfig(kappa=0.5)


def one_vote(
    turn: int, seed: int, events: list[PreferenceEvent], world: np.random.Generator, crosstalk: np.ndarray
) -> Comparison:
    """One exploring turn: Φ answers to the weights with crosstalk and noise, length mostly to concise."""
    posterior = fit(events, heads_sha256=HEADS, config=LEARNING)
    tried = explore(posterior, events, rng_seed=1000 * seed + turn)
    w = exploring_weights(posterior, events, "How do tides work?", tried)
    applied = np.array([w[name] for name in NAMES])
    reach = min(1.0, float(np.abs(applied).max()))
    longer = sum(LENGTHENS.get(name, 0.0) * w[name] for name in NAMES) + world.normal(0, 0.2) * reach
    difference = 3.0 * crosstalk @ applied + world.normal(0, 1.2, len(NAMES)) * reach
    difference[0] -= 3.0 * longer
    outcome = "tie" if abs(longer) < 0.02 else "personal" if longer < 0 else "generic"
    return Comparison(f"t{turn}", dict(zip(NAMES, difference.tolist(), strict=True)), outcome, HEADS)


def after_votes(seed: int, count: int = 25) -> Posterior:
    world = np.random.default_rng(seed)
    crosstalk = world.normal(0, 0.2, (len(NAMES), len(NAMES)))
    np.fill_diagonal(crosstalk, world.uniform(0.8, 1.5, len(NAMES)))
    events: list[PreferenceEvent] = []
    for turn in range(count):
        events.append(
            PreferenceEvent(f"e{turn}", "ana", 0.0, f"t{turn}", one_vote(turn, seed, events, world, crosstalk))
        )
    return fit(events, heads_sha256=HEADS, config=LEARNING)


def test_twenty_five_votes_for_the_shorter_answer_teach_concise() -> None:
    users = [after_votes(seed) for seed in range(20)]
    sure = [user.probability_positive("concise") for user in users]
    surest = [max(NAMES, key=lambda name, user=user: abs(user.probability_positive(name) - 0.5)) for user in users]
    assert float(np.median(sure)) >= 0.9
    assert surest.count("concise") >= 0.75 * len(users)
