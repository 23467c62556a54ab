"""What is believed of a user's stance: a Gaussian over w, folded from the event log. Knows no words and no store.

Everything here is a pure function of the log, so an event that is deleted is an event that never was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from palign.dimensions import CATALOGUE
from palign.preferences.contexts import matching_contexts
from palign.schema import (
    Comparison,
    ConfigError,
    PreferenceEvent,
    Reason,
    Stance,
    Thumb,
    UnknownDimensionError,
    UserProfile,
)

__all__ = ["LearningConfig", "Posterior", "fit", "moved", "profile", "stated_dimensions", "weights"]

Array = NDArray[np.float64]

# What a visitor who taps a chip asks for: the opposite of what was too much.
_CHIPS: Mapping[Reason, tuple[str, int]] = {
    "too-long": ("concise", 1),
    "too-short": ("concise", -1),
    "too-formal": ("formal", -1),
    "too-casual": ("formal", 1),
    "too-technical": ("plain", 1),
    "too-plain": ("plain", -1),
}
_STEPS = 100
_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningConfig:
    """Numbers of learning; those shipped are calibrated on the shipped heads.

    Attributes:
        tau_stated, tau_unstated: prior precision of a dimension with and without a stated stance.
        tau_bias: prior precision of a user's inclination to thumbs-up.
        kappa: how much one unit of w . difference decides a vote.
        forgetting: weight of a piece of feedback per later one; stated stances are never discounted.
        max_norm: bound of the length of the mean; each coordinate is within [-1, 1].
        chip_strength, chip_precision: a style chip is one observation of its dimension at this strength.
        max_difference: a difference counts at most this much per dimension, in standard deviations of the base model.
    """

    tau_stated: float = 4.0
    tau_unstated: float = 4.0
    tau_bias: float = 1.0
    kappa: float = 2.0
    forgetting: float = 0.97
    max_norm: float = 2.0
    chip_strength: float = 1.0
    chip_precision: float = 4.0
    max_difference: float = 6.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(f"{name} is {value}.", hint="Use a number above 0.")
        if self.forgetting > 1:
            raise ConfigError(f"forgetting is {self.forgetting}.", hint="Use a number above 0 and at most 1.")


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """A Gaussian over the weights of `dimensions`: `mean` (D,), `precision` (D, D), both float64 and read-only.

    The precision is the curvature at the mode before the mean is brought within its bounds.
    """

    dimensions: tuple[str, ...]
    mean: Array
    precision: Array
    _covariance: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        covariance = np.linalg.inv(self.precision)
        for array in (self.mean, self.precision, covariance):
            array.setflags(write=False)
        object.__setattr__(self, "_covariance", covariance)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Posterior):
            return NotImplemented
        same = np.array_equal(self.mean, other.mean) and np.array_equal(self.precision, other.precision)
        return self.dimensions == other.dimensions and same

    @property
    def covariance(self) -> Array:
        """(D, D), the inverse of the precision."""
        return self._covariance

    @property
    def std(self) -> Array:
        """(D,) marginal standard deviations."""
        return np.sqrt(np.diag(self._covariance))

    def probability_positive(self, dimension: str) -> float:
        """Marginal probability that the user leans to the dimension's first pole.

        Raises:
            UnknownDimensionError: the posterior does not cover it.
        """
        if dimension not in self.dimensions:
            known = ", ".join(self.dimensions)
            raise UnknownDimensionError(f"There is no dimension '{dimension}'.", hint=f"Choose one of: {known}.")
        index = self.dimensions.index(dimension)
        z = float(self.mean[index] / self.std[index])
        return 0.5 * math.erfc(-z / math.sqrt(2))


@dataclass(frozen=True, slots=True)
class _Vote:
    """y = P(up) of w . x + bias, from one turn; `place` is the event's place in the log."""

    place: int
    x: Array
    y: float
    biased: bool


@dataclass(frozen=True, slots=True)
class _Observation:
    """A style chip: w of one coordinate seen at `target`."""

    place: int
    index: int
    target: float


def fit(
    events: Sequence[PreferenceEvent],
    *,
    heads_sha256: str,
    config: LearningConfig | None = None,
    dimensions: Sequence[str] = tuple(CATALOGUE),
) -> Posterior:
    """Fold one user's log, oldest event first, into a posterior: the mode by Newton's method, Laplace around it.

    A stance without context sets the prior mean of its dimension and silences what earlier feedback said about it.
    A thumb or vote counts once a turn, the latest that says something about style; a chip counts beside it. Feedback
    measured under other heads than `heads_sha256` and dimensions outside `dimensions` are left out.

    Raises:
        ConfigError: an event holds a number that is not finite, or a stance outside [-1, 1].
    """
    config = config or LearningConfig()
    names = tuple(dimensions)
    _check(events)
    prior_mean, prior_precision, stated_at = _prior(events, names, config)
    votes = _votes(events, names, heads_sha256, stated_at, config)
    chips = _chips(events, names, stated_at, config)
    discounts = _discounts(votes, chips, config.forgetting)
    mode, curvature = _newton(prior_mean, prior_precision, votes, chips, discounts, config)
    return Posterior(names, _projected(mode[:-1], config.max_norm), _without_bias(curvature))


def _check(events: Sequence[PreferenceEvent]) -> None:
    for event in events:
        evidence = event.evidence
        if isinstance(evidence, Stance):
            usable = -1 <= evidence.strength <= 1
        else:
            usable = all(math.isfinite(value) for value in evidence.difference.values())
        if not usable:
            raise ConfigError(
                f"The stored preference event {event.id} holds a number that cannot be used.", hint="Delete that event."
            )


def _prior(
    events: Sequence[PreferenceEvent], names: tuple[str, ...], config: LearningConfig
) -> tuple[Array, Array, dict[int, int]]:
    """Prior mean and precisions, the bias last, and where in the log each stated coordinate was stated last."""
    mean = np.zeros(len(names) + 1)
    precision = np.full(len(names) + 1, config.tau_unstated)
    precision[-1] = config.tau_bias
    stated_at: dict[int, int] = {}
    for place, event in enumerate(events):
        evidence = event.evidence
        if isinstance(evidence, Stance) and not evidence.context and evidence.dimension in names:
            index = names.index(evidence.dimension)
            mean[index], precision[index] = evidence.strength, config.tau_stated
            stated_at[index] = place
    return mean, precision, stated_at


def _votes(
    events: Sequence[PreferenceEvent],
    names: tuple[str, ...],
    heads_sha256: str,
    stated_at: Mapping[int, int],
    config: LearningConfig,
) -> list[_Vote]:
    """The votes and thumbs that count, in log order, at most one of a turn, earlier-stated coordinates masked."""
    latest: dict[str, tuple[bool, _Vote]] = {}
    for place, event in enumerate(events):
        evidence = event.evidence
        if isinstance(evidence, Stance) or evidence.heads_sha256 != heads_sha256:
            continue
        vote = _vote(place, evidence, names, config)
        if vote is None:
            continue
        speaks = bool(vote.x.any())
        earlier = latest.get(evidence.turn_id)
        # A thumb that only tells how generous a user is does not displace a vote that tells what they like.
        if earlier is None or speaks or not earlier[0]:
            latest[evidence.turn_id] = (speaks, vote)
    for _, vote in latest.values():
        for index, place in stated_at.items():
            if vote.place < place:
                vote.x[index] = 0.0
    return sorted((vote for _, vote in latest.values()), key=lambda vote: vote.place)


def _vote(place: int, evidence: Comparison | Thumb, names: tuple[str, ...], config: LearningConfig) -> _Vote | None:
    """What one piece of feedback says of w; None where it is no evidence.

    Both bad says nothing about style. Of thumbs-down only the one whose reason is style counts here: without a reason
    it may be about anything, and a chip is counted as what it names.
    """
    x = np.array([evidence.difference.get(name, 0.0) for name in names], dtype=np.float64)  # (D,)
    x = np.clip(x, -config.max_difference, config.max_difference)
    if isinstance(evidence, Comparison):
        if evidence.outcome == "both-bad":
            return None
        # One picture of a vote whichever side won: the difference towards the winner.
        towards_winner = -x if evidence.outcome == "generic" else x
        return _Vote(place, towards_winner, 0.5 if evidence.outcome == "tie" else 1.0, False)
    if not evidence.up and evidence.reason != "style":
        return None
    if evidence.side == "generic":
        x = np.zeros_like(x)
    return _Vote(place, x, 1.0 if evidence.up else 0.0, True)


def _chips(
    events: Sequence[PreferenceEvent], names: tuple[str, ...], stated_at: Mapping[int, int], config: LearningConfig
) -> list[_Observation]:
    """Style chips as observations of their dimension, those before a later statement left out.

    A chip names the dimension itself, so it holds whatever the heads and whichever answer it was put on.
    """
    found: list[_Observation] = []
    for place, event in enumerate(events):
        evidence = event.evidence
        if not isinstance(evidence, Thumb) or evidence.up or evidence.reason is None or evidence.reason not in _CHIPS:
            continue
        name, sign = _CHIPS[evidence.reason]
        if name in names and place > stated_at.get(names.index(name), -1):
            found.append(_Observation(place, names.index(name), sign * config.chip_strength))
    return found


def _discounts(votes: Sequence[_Vote], chips: Sequence[_Observation], forgetting: float) -> dict[int, float]:
    """forgetting^age by place in the log; the age counts later feedback that is still there, so nothing else shifts."""
    places = sorted({*(vote.place for vote in votes), *(chip.place for chip in chips)}, reverse=True)
    return {place: forgetting**age for age, place in enumerate(places)}


def _newton(
    prior_mean: Array,
    prior_precision: Array,
    votes: Sequence[_Vote],
    chips: Sequence[_Observation],
    discounts: Mapping[int, float],
    config: LearningConfig,
) -> tuple[Array, Array]:
    """Mode (D+1,) and curvature (D+1, D+1) of the log posterior, the user's bias as the last coordinate.

    -log p = 1/2 (w-m)' diag(tau) (w-m) + sum_n omega_n [softplus(z_n) - y_n z_n], z_n = kappa w . x_n + b. The chips
    are quadratic and go into the prior. The sum is convex; halving steps keeps it descending from any start.
    """
    precision, linear = prior_precision.copy(), prior_precision * prior_mean
    for chip in chips:
        precision[chip.index] += discounts[chip.place] * config.chip_precision
        linear[chip.index] += discounts[chip.place] * config.chip_precision * chip.target
    center = linear / precision
    rows = np.array([[*(config.kappa * vote.x), float(vote.biased)] for vote in votes], dtype=np.float64)
    rows = rows.reshape(-1, len(center))  # (N, D+1)
    targets = np.array([vote.y for vote in votes])
    omegas = np.array([discounts[vote.place] for vote in votes])

    def loss(point: Array) -> float:
        z = rows @ point
        fitted = np.sum(omegas * (np.logaddexp(0.0, z) - targets * z))
        return float(0.5 * np.sum(precision * (point - center) ** 2) + fitted)

    point = center.copy()
    curvature = np.diag(precision)
    for _ in range(_STEPS):
        chance = 1.0 / (1.0 + np.exp(-(rows @ point)))  # (N,)
        gradient = precision * (point - center) + rows.T @ (omegas * (chance - targets))
        curvature = np.diag(precision) + rows.T @ ((omegas * chance * (1.0 - chance))[:, None] * rows)
        step = np.linalg.solve(curvature, gradient)
        if float(gradient @ step) < _TOLERANCE:
            break
        size, here = 1.0, loss(point)
        while loss(point - size * step) > here and size > 1e-6:
            size /= 2
        point = point - size * step
    return point, curvature


def _without_bias(curvature: Array) -> Array:
    """Marginal precision of w: the bias integrated out (Schur complement)."""
    across = curvature[:-1, -1]
    return np.asarray(curvature[:-1, :-1] - np.outer(across, across) / curvature[-1, -1], dtype=np.float64)


def _projected(mean: Array, max_norm: float) -> Array:
    """Each coordinate within [-1, 1], then the whole within `max_norm`."""
    bounded = np.clip(mean, -1.0, 1.0)
    length = float(np.linalg.norm(bounded))
    return bounded if length <= max_norm else bounded * (max_norm / length)


def profile(
    user_id: str,
    events: Sequence[PreferenceEvent],
    *,
    heads_sha256: str,
    config: LearningConfig | None = None,
    dimensions: Sequence[str] = tuple(CATALOGUE),
) -> UserProfile:
    """`fit` as the value that is shown: mean and standard deviation by dimension."""
    posterior = fit(events, heads_sha256=heads_sha256, config=config, dimensions=dimensions)
    return UserProfile(
        user_id,
        dict(zip(posterior.dimensions, posterior.mean.tolist(), strict=True)),
        dict(zip(posterior.dimensions, posterior.std.tolist(), strict=True)),
        tuple(events),
    )


def moved(before: Posterior, after: Posterior) -> dict[str, float]:
    """How the mean changed, by dimension; dimensions that did not move are left out."""
    change = zip(after.dimensions, (after.mean - before.mean).tolist(), strict=True)
    return {name: difference for name, difference in change if difference != 0.0}


def weights(posterior: Posterior, events: Sequence[PreferenceEvent], request_text: str) -> dict[str, float]:
    """The w of a request: the mean, and where the request belongs to a stated context, what was stated for it.

    Of several that match, the one stated last holds.
    """
    found = dict(zip(posterior.dimensions, posterior.mean.tolist(), strict=True))
    stances = [event.evidence for event in events if isinstance(event.evidence, Stance) and event.evidence.context]
    matching = matching_contexts(request_text, {stance.context for stance in stances})
    for stance in stances:
        if stance.context in matching and stance.dimension in found:
            found[stance.dimension] = stance.strength
    return found


def stated_dimensions(events: Sequence[PreferenceEvent]) -> frozenset[str]:
    """Dimensions the user spoke about in words, anywhere or in a context."""
    return frozenset(event.evidence.dimension for event in events if isinstance(event.evidence, Stance))
