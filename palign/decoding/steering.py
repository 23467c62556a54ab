"""One token's distribution: floor, projection, and the push at the largest multiplier its KL cap allows.

Plain float64 arithmetic on K candidates; knows no model, no tensor library and no user.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Steered", "candidates", "steer", "turn_cap"]

Floats = NDArray[np.float64]
_BISECTIONS = 24


@dataclass(frozen=True, slots=True)
class Steered:
    """The steered distribution over K candidates.

    Attributes:
        logits: (K,) up to a constant, before temperature.
        logprobs: (K,) of pi_w, nats.
        start: (K,) log pi_0, nats.
        multiplier: b_s, the multiplier used.
        removed: share of the floor reward the projection took out of the push, c in u - c phi_safe.
        kl: KL(pi_w || pi_0) over the candidates, nats.
    """

    logits: Floats
    logprobs: Floats
    start: Floats
    multiplier: float
    removed: float
    kl: float


def candidates(
    logits: NDArray[np.float32], min_p: float, *, ends: Collection[int] = (), min_p_end: float = 1.0
) -> NDArray[np.int64]:
    """Ids of tokens with at least `min_p` of the best token's probability, in order of id; -inf never qualifies.

    A token of `ends` qualifies with `min_p_end` of it, too. min-p keeps out words that fit nowhere; an answer that ends
    after any sentence makes sense, so a taste for short ones may reach an end that is rarer than a word may be.
    """
    shares = logits - logits.max()
    kept = shares >= _log(min_p)
    at = list(ends)
    kept[at] |= shares[at] >= _log(min_p_end)
    return np.flatnonzero(kept & np.isfinite(logits))


def turn_cap(kl_per_token: float, largest_weight: float) -> float:
    """The cap of a turn, nats: kl_per_token min(1, max|w|^2), w already scaled by strength (decoding.md, section 4).

    A bare cap would be a target that any small w reaches; this one grows with stance and slider.
    """
    return kl_per_token * min(1.0, largest_weight**2)


def steer(base: Floats, push: Floats, floor: Floats, *, safety: float, cap: float, largest: float) -> Steered:
    """pi_0 ∝ pi_b exp(safety phi_safe), pi_w ∝ pi_0 exp(b u) with the largest b in [0, `largest`] whose KL holds.

    Args:
        base: (K,) base logits of the candidates.
        push: (K,) u = w . phi.
        floor: (K,) phi_safe.
        safety: the constant weight of the floor.
        cap: nats this step may spend.
        largest: b_max.

    The push loses the part that would lower expected phi_safe: u - min(0, Cov(u, phi_safe) / Var(phi_safe)) phi_safe,
    moments under pi_0. With G(b) = log E_0[exp(b u)], KL = b G'(b) - G(b) grows with b, so bisection is safe.
    """
    tilted = base + safety * floor if safety else base
    start = _log_softmax(tilted)
    odds = np.exp(start)
    centred = push - float(odds @ push)
    removed = _projection(odds, centred, floor)
    if removed:
        centred = centred - removed * (floor - float(odds @ floor))
    multiplier = _largest_multiplier(start, centred, cap=cap, largest=largest)
    if multiplier == 0.0:
        return Steered(tilted, start, start, 0.0, removed, 0.0)
    logits = tilted + multiplier * centred
    logprobs = _log_softmax(logits)
    return Steered(logits, logprobs, start, multiplier, removed, _kl(logprobs, start))


def _projection(odds: Floats, centred: Floats, floor: Floats) -> float:
    spread = floor - float(odds @ floor)
    variance = float(odds @ spread**2)
    covariance = float(odds @ (centred * spread))
    return covariance / variance if covariance < 0 and variance > 1e-12 else 0.0


def _largest_multiplier(start: Floats, centred: Floats, *, cap: float, largest: float) -> float:
    if len(start) < 2 or cap <= 0 or not np.any(np.abs(centred) > 1e-9):
        return 0.0
    if _kl_at(largest, start, centred) <= cap:
        return largest
    low, high = 0.0, largest
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if _kl_at(middle, start, centred) <= cap:
            low = middle
        else:
            high = middle
    return low


def _kl_at(multiplier: float, start: Floats, centred: Floats) -> float:
    return _kl(_log_softmax(start + multiplier * centred), start)


def _kl(logprobs: Floats, start: Floats) -> float:
    return max(0.0, float(np.exp(logprobs) @ (logprobs - start)))


def _log(share: float) -> float:
    return math.log(share) if share > 0 else -math.inf


def _log_softmax(values: Floats) -> Floats:
    shifted = values - values.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))
