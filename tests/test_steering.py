"""Laws of one token's steering: the KL cap, the projection of the floor, and what may be a candidate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from palign.decoding import Steered, steer
from palign.decoding.steering import candidates, turn_cap

Floats = NDArray[np.float64]
SAFETY = 1.5


@st.composite
def problems(draw):
    """(base, push, floor) of two to twelve candidates, in nats."""
    size = draw(st.integers(2, 12))
    values = arrays(np.float64, size, elements=st.floats(-8, 8, width=32))
    return draw(values), draw(values), draw(values)


def probabilities(logits: Floats) -> Floats:
    shares = np.exp(logits - logits.max())
    return shares / shares.sum()


def guided(problem: tuple[Floats, Floats, Floats], *, cap: float, largest: float = 2.0) -> Steered:
    base, push, floor = problem
    return steer(base, push, floor, safety=SAFETY, cap=cap, largest=largest)


def moderate(steered: Steered) -> bool:
    """Whether the projection left a push that 24 bisections resolve; a nearly constant floor can blow it up."""
    return steered.removed > -5


@given(problems(), st.floats(0, 2))
def test_a_step_never_spends_more_than_its_cap(problem, cap):
    steered = guided(problem, cap=cap)
    spent = float(np.exp(steered.logprobs) @ (steered.logprobs - steered.start))
    assert spent == pytest.approx(steered.kl, abs=1e-12)
    assert steered.kl <= cap + 1e-9


@given(st.lists(problems(), min_size=1, max_size=30), st.floats(0.05, 0.5), st.floats(0, 3))
def test_an_answer_never_spends_more_than_its_budget(steps, cap, budget):
    left = budget
    for problem in steps:
        left -= guided(problem, cap=min(cap, left)).kl
    assert left >= -1e-9


@given(problems(), st.floats(0, 2))
def test_no_larger_multiplier_would_hold_the_cap(problem, cap):
    steered = guided(problem, cap=cap)
    assume(0 < steered.multiplier < 2.0)
    above = steered.start + (steered.multiplier * (1 + 1e-6) + 1e-6) / steered.multiplier * (
        steered.logits - (problem[0] + SAFETY * problem[2])
    )
    logprobs = np.log(probabilities(above))
    assert float(np.exp(logprobs) @ (logprobs - steered.start)) > cap - 1e-12


@given(problems(), st.floats(0.01, 0.5), st.floats(1.2, 4))
def test_kl_rises_strictly_with_the_cap(problem, cap, factor):
    whole = guided(problem, cap=np.inf)
    assume(whole.kl > factor * cap and moderate(whole))
    assert guided(problem, cap=cap).kl < guided(problem, cap=factor * cap).kl


@given(problems(), st.floats(0, 0.9), st.floats(0.05, 1))
def test_kl_rises_strictly_with_the_weight(problem, weight, step):
    base, push, floor = problem
    heavier = min(1.0, weight + step)

    def spent(size: float) -> float:
        return guided((base, size * push, floor), cap=turn_cap(0.3, size)).kl

    assume(spent(1.0) > 1e-3 and spent(0.05) > 1e-9 and moderate(guided(problem, cap=np.inf)))
    assert spent(weight) < spent(heavier)


def test_the_cap_of_a_turn_grows_with_the_square_of_the_largest_weight_up_to_one():
    assert [turn_cap(0.4, weight) for weight in (0.0, 0.5, 1.0, 3.0)] == pytest.approx([0.0, 0.1, 0.4, 0.4])


@given(problems(), st.floats(0, 2))
def test_a_push_of_zero_leaves_the_floored_base_alone(problem, cap):
    base, _, floor = problem
    steered = guided((base, np.zeros_like(base), floor), cap=cap)
    assert (steered.multiplier, steered.kl) == (0.0, 0.0)
    assert np.array_equal(steered.logits, base + SAFETY * floor)


@given(problems(), st.floats(-8, 8), st.floats(0, 2))
def test_a_push_equal_for_all_candidates_is_no_push(problem, constant, cap):
    base, _, floor = problem
    assert guided((base, np.full_like(base, constant), floor), cap=cap).multiplier == 0.0


@given(problems(), st.tuples(*[st.floats(-50, 50)] * 3), st.floats(0.01, 2))
def test_constants_added_to_base_push_and_floor_change_nothing(problem, constants, cap):
    base, push, floor = problem
    spread = push - probabilities(base + SAFETY * floor) @ push
    assume(np.abs(spread).max() > 1e-3 and moderate(guided(problem, cap=cap)))
    moved = tuple(values + constant for values, constant in zip(problem, constants, strict=True))
    before, after = guided(problem, cap=cap), guided(moved, cap=cap)
    assert after.multiplier == pytest.approx(before.multiplier, abs=1e-5)
    assert np.exp(after.logprobs) == pytest.approx(np.exp(before.logprobs), abs=1e-4)


@given(problems())
def test_the_push_never_lowers_the_expected_floor_to_first_order(problem):
    base, _, floor = problem
    odds = probabilities(base + SAFETY * floor)
    steered = guided(problem, cap=np.inf, largest=1.0)
    direction = steered.logits - (base + SAFETY * floor)
    derivative = float(odds @ (direction * (floor - odds @ floor)))
    assert derivative >= -1e-5


def test_a_push_straight_against_the_floor_is_taken_out_whole():
    base, floor = np.array([0.0, 0.5, -0.2]), np.array([1.0, -1.0, 0.3])
    steered = guided((base, -3.0 * floor, floor), cap=1.0)
    assert steered.removed == pytest.approx(-3.0)
    assert steered.multiplier == 0.0


def test_a_push_along_the_floor_is_left_whole():
    base, floor = np.array([0.0, 0.5, -0.2]), np.array([1.0, -1.0, 0.3])
    steered = guided((base, floor, floor), cap=np.inf, largest=1.0)
    assert steered.removed == 0.0
    assert np.diff(steered.logits - base - SAFETY * floor) == pytest.approx(np.diff(floor))


@given(problems())
def test_without_a_weight_on_the_floor_it_does_not_tilt_the_base(problem):
    base, push, floor = problem
    steered = steer(base, np.zeros_like(push), floor, safety=0.0, cap=1.0, largest=2.0)
    assert np.array_equal(steered.logits, base)


def test_a_single_candidate_cannot_be_pushed():
    one = np.array([1.0])
    assert steer(one, one, one, safety=SAFETY, cap=1.0, largest=2.0).multiplier == 0.0


LOGITS = arrays(np.float32, st.integers(1, 30), elements=st.one_of(st.just(-np.inf), st.floats(-30, 30, width=32)))


@given(LOGITS, st.floats(0, 1))
def test_a_banned_token_is_never_a_candidate(logits, min_p):
    assume(np.isfinite(logits).any())
    kept = candidates(logits, min_p)
    assert np.isfinite(logits[kept]).all()
    assert int(np.argmax(logits)) in kept


@given(LOGITS, st.floats(0.01, 0.99))
def test_candidates_have_their_share_of_the_best_probability_and_no_other_has(logits, min_p):
    assume(np.isfinite(logits).any())
    kept = set(candidates(logits, min_p).tolist())
    shares = np.exp(logits.astype(np.float64) - logits.max())
    assert {i for i, share in enumerate(shares) if share > min_p * (1 + 1e-9)} <= kept
    assert not kept & {i for i, share in enumerate(shares) if share < min_p * (1 - 1e-9)}


@given(LOGITS, st.floats(0.01, 0.99), st.floats(0.001, 0.99))
def test_an_end_qualifies_with_its_own_share_and_no_other_token_does(logits, min_p, min_p_end):
    assume(np.isfinite(logits).any())
    end = len(logits) // 2
    words = set(candidates(logits, min_p).tolist())
    kept = set(candidates(logits, min_p, ends={end}, min_p_end=min_p_end).tolist())
    assert kept - {end} == words - {end}
    assert (end in kept) == (end in words or end in candidates(logits, min_p_end))


def test_without_min_p_every_finite_token_is_a_candidate_in_order_of_id():
    assert candidates(np.array([1.0, -np.inf, -90.0, 2.0], dtype=np.float32), 0.0).tolist() == [0, 2, 3]
