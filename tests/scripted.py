"""A service whose answers are given beforehand, for tests of the screen; its store is a real one, held in memory."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator

from word_encoder import WordEncoder

from palign.chat import Status
from palign.memory import PreferenceMemory
from palign.schema import (
    Alternative,
    Comparison,
    Learned,
    Memory,
    Pane,
    PreferenceEvent,
    Stance,
    Statement,
    Thumb,
    TokenTrace,
    TurnRequest,
    TurnUpdate,
    UserProfile,
)

QUESTION = TurnRequest("How do I keep my houseplants alive?", seed=7)


def trace(text: str, **pushes: float) -> TokenTrace:
    return TokenTrace(text, -1.0, -0.5, pushes, 0.1, (Alternative(" the", -1.2, -1.9, {}),))


def update(
    *, turn: str = "t1", generic: tuple[str, ...] = (), personal: tuple[str, ...] = (), finished: bool = False
) -> TurnUpdate:
    panes = [Pane("".join(texts), tuple(trace(text, concise=0.8) for text in texts)) for texts in (generic, personal)]
    return TurnUpdate(turn, QUESTION.text, 7, panes[0], panes[1], finished, {"concise": 0.6})


class ScriptedService:
    """A ChatService that says what it was given and understands every statement as a wish for short answers."""

    def __init__(self, *updates: TurnUpdate) -> None:
        self.updates = updates
        self.closed = False
        self.store = PreferenceMemory.temporary(WordEncoder())
        self.ids = itertools.count()
        weakref.finalize(self, self.store.close)

    def reply(self, user: str, request: TurnRequest) -> Iterator[TurnUpdate]:
        try:
            yield from self.updates
        finally:
            self.closed = True

    def state(self, user: str, text: str) -> tuple[Statement, ...]:
        memory = self.store.add(user, text, kind="style", events=[Stance("concise", 0.8)])
        return (Statement(memory, self.store.linked_events(user, memory.id)),)

    def _event(self, user: str, evidence: Comparison | Thumb) -> PreferenceEvent:
        number = next(self.ids)
        event = PreferenceEvent(f"e{number}", user, float(number), evidence.turn_id, evidence)
        self.store.append_event(event)
        return event

    def vote(self, user: str, turn: str, outcome: str) -> Learned:
        event = self._event(user, Comparison(turn, {}, outcome, "h"))  # type: ignore[arg-type]
        return Learned(event, {"concise": 0.21, "formal": -0.001}, "Learned: moved towards shorter.")

    def thumb(self, user: str, turn: str, side: str, *, up: bool, reason: str | None = None) -> Learned:
        return Learned(self._event(user, Thumb(turn, side, {}, up, reason, "h")), {}, "Noted.")  # type: ignore[arg-type]

    def undo(self, user: str, event_id: str) -> None:
        self.store.delete_event(user, event_id)

    def profile(self, user: str) -> UserProfile:
        return UserProfile(user, {}, {}, self.store.events(user))

    def memories(self, user: str) -> tuple[Memory, ...]:
        return self.store.memories(user)

    def edit_memory(self, user: str, memory_id: str, text: str) -> Statement:
        memory = self.store.edit(user, memory_id, text, kind="style", events=[Stance("concise", 0.8)])
        return Statement(memory, self.store.linked_events(user, memory.id))

    def delete_memory(self, user: str, memory_id: str) -> None:
        self.store.delete(user, memory_id)

    def pin_memory(self, user: str, memory_id: str, *, pinned: bool) -> Memory:
        return self.store.pin(user, memory_id, pinned=pinned)

    def pause_memory(self, user: str, memory_id: str, *, paused: bool) -> Memory:
        return self.store.pause(user, memory_id, paused=paused)

    def export(self, user: str) -> str:
        return self.store.export(user)

    def import_(self, user: str, document: str) -> int:
        return self.store.import_(user, document)

    def restore(self, user: str, document: str) -> int:
        return self.store.import_(user, document)

    def forget(self, user: str) -> None:
        self.store.forget(user)

    def status(self) -> Status:
        return Status("tiny", "m" * 64, "h" * 64, 1000, True)
