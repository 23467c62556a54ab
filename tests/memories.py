"""What tests of the store share: a clock, a few stances, votes and turns."""

from __future__ import annotations

from palign.memory import PreferenceMemory
from palign.schema import (
    Comparison,
    PreferenceEvent,
    Stance,
    Turn,
)

SHORT = Stance("concise", 0.8)
LONG = Stance("concise", -0.8)
PLAIN = Stance("plain", 0.7)


class Clock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def vote(id_: str, user: str = "ann", turn: str = "t1") -> PreferenceEvent:
    return PreferenceEvent(id_, user, 5.0, turn, Comparison(turn, {"concise": 0.25}, "personal", "ab"))


def a_turn(id_: str, *memory_ids: str, user: str = "ann", created_at: float = 1_700_000_000.0) -> Turn:
    return Turn(
        user_id=user, id=id_, created_at=created_at, prompt="my words", generic="one", personal="two", seed=7,
        weights={"concise": 0.5}, memory_ids=memory_ids, difference={"concise": 0.1}, heads_sha256="ab",
    )  # fmt: skip


def found(store: PreferenceMemory, query: str, user: str = "ann") -> list[str]:
    return [hit.memory.text for hit in store.search(user, query)]
