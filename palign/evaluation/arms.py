"""Asks every question for every user in every arm and keeps the texts; knows no judge and no taste.

All turns are greedy and do not explore, so an answer depends on the question, on what the user stated and on the arm.
The arm `swapped user` is therefore another user's `both` on the same question, not decoded again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from palign.evaluation.users import SimulatedUser
from palign.schema import TurnRequest, TurnUpdate

if TYPE_CHECKING:
    from palign.chat import ChatService

__all__ = ["ARMS", "SWEEP", "Answer", "ArmName", "Run", "answer_all", "last_update", "turns_needed"]

ArmName = Literal["neither", "memory only", "reward only", "both", "swapped user", "swapped user, reward only", "sweep"]
ARMS: tuple[ArmName, ...] = ("neither", "memory only", "reward only", "both", "swapped user")
SWEEP = (0.0, 0.25, 0.5, 1.0)
_DECODED: Mapping[ArmName, tuple[bool, bool, float]] = {
    "memory only": (True, False, 1.0),
    "reward only": (False, True, 1.0),
    "both": (True, True, 1.0),
}
_SWAPS: Mapping[ArmName, ArmName] = {"swapped user": "both", "swapped user, reward only": "reward only"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `user` is who asks; `kl` are nats over the whole answer; `seconds` is the whole turn, both rows.

    `preferences_of` names the user whose words and weights were used: another one in a swapped arm, empty in
    `neither`. `strength` is 0 where no reward was used.
    """

    question: str
    user: str
    preferences_of: str
    arm: ArmName
    strength: float
    text: str
    tokens: int
    kl: float
    finish_reason: str
    memories: tuple[str, ...]
    weights: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """All answers, what was understood of each user, and how many turns had another generic text than the first.

    `believed`: by user, the posterior mean by dimension after the words were stated.
    """

    users: tuple[SimulatedUser, ...]
    answers: tuple[Answer, ...]
    believed: Mapping[str, Mapping[str, float]]
    generic_mismatches: int


def turns_needed(questions: int, users: int) -> int:
    """Turns that `answer_all` decodes."""
    return questions * users * (len(_DECODED) + len(SWEEP) - 1)


def answer_all(
    service: ChatService,
    users: Sequence[SimulatedUser],
    questions: Sequence[str],
    *,
    max_new_tokens: int,
    progress: Callable[[], None],
) -> Run:
    """Let every user state the preferences, then ask every question in every arm; `progress` is called per turn."""
    for user in users:
        for sentence in user.stated:
            service.state(user.name, sentence)
    believed = {user.name: dict(service.profile(user.name).mean) for user in users}
    answers: list[Answer] = []
    mismatches = 0
    for question in questions:
        reference: str | None = None
        for user in users:
            for arm, request in _requests(question, max_new_tokens):
                update, seconds = _timed(service, user.name, request)
                progress()
                if reference is None:
                    reference = update.generic.text
                mismatches += int(update.generic.text != reference)
                if arm == "memory only":
                    answers.append(_generic(question, user, update, seconds))
                answers.append(_personal(question, user, arm, request, update, seconds))
    return Run(tuple(users), (*answers, *_swapped(answers, users)), believed, mismatches)


def last_update(service: ChatService, user_id: str, request: TurnRequest) -> TurnUpdate:
    """Run a turn to its end.

    Raises:
        RuntimeError: the service yields nothing, or ends before the turn is finished.
    """
    updates = deque(service.reply(user_id, request), maxlen=1)
    if not updates or not updates[0].finished:
        raise RuntimeError(f"the turn on {request.text!r} never finished")
    return updates[0]


def _requests(question: str, max_new_tokens: int) -> list[tuple[ArmName, TurnRequest]]:
    base = TurnRequest(text=question, temperature=0.0, explore=False, max_new_tokens=max_new_tokens)
    found: list[tuple[ArmName, TurnRequest]] = [
        (arm, replace(base, use_words=use_words, use_weights=use_weights, strength=strength))
        for arm, (use_words, use_weights, strength) in _DECODED.items()
    ]
    weaker = [strength for strength in SWEEP if strength < 1.0]
    return found + [("sweep", replace(base, use_words=False, strength=strength)) for strength in weaker]


def _timed(service: ChatService, user_id: str, request: TurnRequest) -> tuple[TurnUpdate, float]:
    start = time.perf_counter()
    update = last_update(service, user_id, request)
    return update, time.perf_counter() - start


def _generic(question: str, user: SimulatedUser, update: TurnUpdate, seconds: float) -> Answer:
    pane = update.generic
    reason = pane.finish_reason or ""
    return Answer(
        question, user.name, "", "neither", 0.0, pane.text, len(pane.tokens), pane.kl, reason, (), {}, seconds
    )


def _personal(
    question: str, user: SimulatedUser, arm: ArmName, request: TurnRequest, update: TurnUpdate, seconds: float
) -> Answer:
    pane = update.personal
    return Answer(
        question=question,
        user=user.name,
        preferences_of=user.name,
        arm=arm,
        strength=request.strength if request.use_weights else 0.0,
        text=pane.text,
        tokens=len(pane.tokens),
        kl=pane.kl,
        finish_reason=pane.finish_reason or "",
        memories=tuple(hit.memory.text for hit in update.memories),
        weights=dict(update.weights),
        seconds=seconds,
    )


def _swapped(answers: Sequence[Answer], users: Sequence[SimulatedUser]) -> list[Answer]:
    """Give each user the answers of the next one, and the last user those of the first; none for a single user."""
    if len(users) < 2:
        return []
    names = [user.name for user in users]
    asker = {other: name for name, other in zip(names, names[1:] + names[:1], strict=True)}
    return [
        replace(answer, user=asker[answer.user], arm=arm)
        for arm, source in _SWAPS.items()
        for answer in answers
        if answer.arm == source
    ]
