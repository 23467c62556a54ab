"""Which one or two dimensions a turn tries while little is known of a user. Knows no words and no model."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from palign.preferences.posterior import Posterior, stated_dimensions, weights
from palign.schema import ConfigError, PreferenceEvent, Stance

__all__ = ["ExploreConfig", "explore", "exploring_weights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploreConfig:
    """How a turn explores.

    Attributes:
        most: dimensions tried at once.
        weakest, strongest: bounds of the strength a dimension is tried with.
        settled_std: a dimension known this well is not tried; exploring fades as the others get there.
        unlikely: a sign less probable than this is not tried.
        known_probability: while others are tried, a learned mean counts if its sign is at least this sure.
        prior_std: how wide a dimension is of which nothing is known; `LearningConfig.tau_unstated` as a deviation.
    """

    most: int = 2
    weakest: float = 0.8
    strongest: float = 1.0
    settled_std: float = 0.15
    unlikely: float = 0.2
    known_probability: float = 0.9
    prior_std: float = 0.5

    def __post_init__(self) -> None:
        if self.most < 0:
            raise ConfigError(f"most is {self.most}.", hint="Use 0 or more.")
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if name != "most" and not 0 <= value <= 1:
                raise ConfigError(f"{name} is {value}.", hint="Use a number from 0 to 1.")


def explore(
    posterior: Posterior,
    events: Sequence[PreferenceEvent],
    *,
    rng_seed: int,
    among: Collection[str] | None = None,
    config: ExploreConfig | None = None,
) -> tuple[Stance, ...]:
    """What this turn tries, at most `config.most` stances `among` these dimensions, by default all.

    Empty where nothing is left to learn.

    Thompson sampling: each open dimension draws its weight from the posterior, and the largest draws are tried. So a
    dimension of which nothing is known is as likely tried as any other, one where evidence began to come is tried
    again in the direction found, and whatever the user stated in words is left alone. The same events and seed give
    the same answer.
    """
    config = config or ExploreConfig()
    random = np.random.default_rng([abs(rng_seed), len(events)])
    draws = random.normal(posterior.mean, posterior.std)  # (D,)
    keenness = random.random()
    stated = stated_dimensions(events)
    steered = posterior.dimensions if among is None else among
    open_ = [index for index, name in enumerate(posterior.dimensions) if name in steered and name not in stated]
    if keenness >= _eagerness(posterior, open_, config):
        return ()
    tried = [index for index in open_ if _worth_trying(posterior, index, float(draws[index]), config)]
    tried.sort(key=lambda index: -abs(draws[index]))
    return tuple(
        Stance(posterior.dimensions[index], _strength(float(draws[index]), config)) for index in tried[: config.most]
    )


def _sureness(posterior: Posterior, index: int) -> float:
    positive = posterior.probability_positive(posterior.dimensions[index])
    return max(positive, 1 - positive)


def _eagerness(posterior: Posterior, open_: Sequence[int], config: ExploreConfig) -> float:
    """The probability that a turn explores: how much of the open dimensions' doubt is left, 1 at the prior."""
    if not open_:
        return 0.0
    doubts = [_doubt(posterior, index, config) for index in open_]
    return min(1.0, sum(doubts) / len(doubts))


def _doubt(posterior: Posterior, index: int, config: ExploreConfig) -> float:
    reducible = max(config.prior_std - config.settled_std, 1e-9)
    return max(0.0, float(posterior.std[index]) - config.settled_std) / reducible


def _worth_trying(posterior: Posterior, index: int, draw: float, config: ExploreConfig) -> bool:
    probability = posterior.probability_positive(posterior.dimensions[index])
    of_this_sign = probability if draw > 0 else 1 - probability
    return float(posterior.std[index]) > config.settled_std and of_this_sign >= config.unlikely


def _strength(draw: float, config: ExploreConfig) -> float:
    return math.copysign(min(max(abs(draw), config.weakest), config.strongest), draw)


def exploring_weights(
    posterior: Posterior,
    events: Sequence[PreferenceEvent],
    request_text: str,
    tried: Sequence[Stance],
    *,
    config: ExploreConfig | None = None,
) -> dict[str, float]:
    """The w of a turn that tries `tried`; with nothing tried, that of `weights`.

    What was stated and what is fairly sure stays at its mean. Guesses that are hardly more than noise are left out,
    so that the vote is about what the turn tries: in simulation this finds the right dimension clearly more often.
    """
    found = weights(posterior, events, request_text)
    if not tried:
        return found
    config = config or ExploreConfig()
    stated = stated_dimensions(events)
    for name in found:
        sureness = _sureness(posterior, posterior.dimensions.index(name))
        if name not in stated and sureness < config.known_probability:
            found[name] = 0.0
    return found | {stance.dimension: stance.strength for stance in tried}
