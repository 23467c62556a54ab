"""Which memories a request calls up, in which order: pure arithmetic. Knows no database and no text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from palign.schema import Memory, MemoryHit, PreferenceEvent, Stance

# Below this cosine a topical memory says nothing about the request. On 30 self-written pairs of a memory and a request
# it helps, .15 keeps 93 % of them and lets 10 % of unrelated requests through; .1 keeps 97 % and lets 27 % through.
RELEVANCE_GATE = 0.15
# Above this many active memories only the nearest topical ones are kept.
ALL_ARE_CANDIDATES = 30

# An unused memory's weight halves every 60 days within these bounds; it re-ranks and never deletes.
_HALF_LIFE = 60 * 86_400.0
_DECAY_BOUNDS = (0.3, 1.5)


def cosines(query: NDArray[np.float32], vectors: Sequence[NDArray[np.float32]]) -> list[float]:
    """(E,) unit query against N unit vectors → N cosines.

    Rounded to six places: Chroma normalises what it stores once more, which moves a cosine by about 1e-8, and both
    stores must rank alike.
    """
    if not vectors:
        return []
    products = np.stack(vectors).astype(np.float64) @ query.astype(np.float64)  # (N, E) @ (E,)
    return [round(float(product), 6) for product in products]


def decay(memory: Memory, now: float) -> float:
    """Factor in [0.3, 1.5] by the time since the memory was last used, or made."""
    age = max(0.0, now - (memory.last_used_at or memory.created_at))
    low, high = _DECAY_BOUNDS
    return max(low, high * math.exp2(-age / _HALF_LIFE))


def rank(memories: Sequence[Memory], scores: Mapping[str, float], *, now: float, limit: int) -> tuple[MemoryHit, ...]:
    """Order active memories for a request: constraints, pinned, style, then topical ones by cosine and decay.

    The first three are always there. Topical ones pass the relevance gate; where more than 30 memories are active
    only the `limit` nearest are kept.
    """
    hits = [MemoryHit(memory, scores[memory.id]) for memory in memories]
    always = sorted((hit for hit in hits if _standing(hit.memory) < 3), key=lambda hit: _standing(hit.memory))
    topical = [hit for hit in hits if _standing(hit.memory) == 3 and hit.score >= RELEVANCE_GATE]
    if len(memories) > ALL_ARE_CANDIDATES:
        topical = sorted(topical, key=lambda hit: -hit.score)[:limit]
    topical.sort(key=lambda hit: -hit.score * decay(hit.memory, now))
    return (*always, *topical)


def overruled(events: Sequence[PreferenceEvent]) -> frozenset[str]:
    """Ids of the memories whose stances, in a log oldest first, no longer hold: one reversed, or all stated anew.

    Words that say long must not stand in the prompt beside a weight that says short, whatever else they say; what else
    they say still counts as a number.
    """
    latest: dict[tuple[str, str], tuple[str, float]] = {}
    stances = [(event.source_id, event.evidence) for event in events if isinstance(event.evidence, Stance)]
    for source, stance in stances:
        latest[stance.dimension, stance.context] = (source, stance.strength)
    reversed_, standing = set(), set()
    for source, stance in stances:
        successor, strength = latest[stance.dimension, stance.context]
        if successor == source:
            standing.add(source)
        elif strength * stance.strength < 0:
            reversed_.add(source)
    return frozenset(reversed_ | ({source for source, _ in stances} - standing))


def _standing(memory: Memory) -> int:
    if memory.kind == "constraint":
        return 0
    if memory.pinned:
        return 1
    return 2 if memory.kind == "style" else 3
