"""`ChatService`: check, learn what was stated, recall, decode both answers, store; and what feedback does.

Knows no tensor, no database and no screen; every part is passed in.
"""

from __future__ import annotations

import dataclasses
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from palign import preferences
from palign.chat.fitting import write_prompts
from palign.chat.notes import describe
from palign.chat.panes import PaneWriter
from palign.chat.parts import Reader, Scorer, Status
from palign.chat.requests import Asked, clean_text, is_follow_up, question_in, require_valid
from palign.config import DecodingConfig
from palign.decoding import GuidedDecoder
from palign.dimensions import CATALOGUE
from palign.memory import PreferenceMemory
from palign.preferences import ExploreConfig, LearningConfig, ParsedSentence
from palign.prompts import block_memories
from palign.safety import SafetyPolicy
from palign.schema import (
    Comparison,
    Evidence,
    InvalidTextError,
    Learned,
    Memory,
    MemoryHit,
    MemoryStoreError,
    Outcome,
    Pane,
    PreferenceEvent,
    Reason,
    Side,
    Stance,
    Statement,
    Thumb,
    Tokenizer,
    Turn,
    TurnRequest,
    TurnUpdate,
    UnknownTurnError,
    UserProfile,
)

__all__ = ["ChatService"]

_log = logging.getLogger(__name__)
_UPDATE_SECONDS = 0.1
_SIDES: tuple[Side, Side] = ("generic", "personal")
_NOT_A_PREFERENCE = "This cannot be a preference: nothing that is learned or stored moves the safety rules."


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything decided before the first token."""

    user_id: str
    turn_id: str
    asked: Asked
    request: TurnRequest
    prompts: tuple[list[int], list[int]]
    weights: Mapping[str, float]
    exploring: tuple[Stance, ...]
    memories: tuple[MemoryHit, ...]
    stated: tuple[Statement, ...]
    config: DecodingConfig
    began: float


class ChatService:
    """The product without a screen. Every method takes the user first; unknown ids raise typed errors."""

    def __init__(
        self,
        *,
        decoder: GuidedDecoder,
        tokenizer: Tokenizer,
        context: int,
        scorer: Scorer,
        reader: Reader,
        memory: PreferenceMemory,
        safety: SafetyPolicy,
        status: Status,
        decoding: DecodingConfig,
        learning: LearningConfig,
        exploring: ExploreConfig,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`context` is how many tokens the decoder's model reads, an answer's included."""
        self._decoder = decoder
        self._tokenizer = tokenizer
        self._context = context
        self._scorer = scorer
        self._reader = reader
        self._memory = memory
        self._safety = safety
        self._status = status
        self._decoding = decoding
        self._learning = learning
        self._exploring = exploring
        self._clock = clock
        # Feedback is read-fit-write; one lock keeps two presses of one button from counting twice.
        self._feedback = threading.Lock()

    # One turn

    def reply(self, user_id: str, request: TurnRequest) -> Iterator[TurnUpdate]:
        """Answer twice; yields the whole state about ten times a second, the last one with `finished`.

        Closing the iterator stops decoding; what was said so far is stored as a turn.

        Raises:
            InvalidTextError: empty, longer than 4,000 characters, or nothing but control characters.
            ConfigError: a number of the request is out of range.
            ContextLengthError: the question, or the constraints to be kept in mind, do not fit the model.
        """
        text = clean_text(request.text, what="question")
        require_valid(request)
        config = self._config(request)
        verdict = self._safety.check(text)
        if not verdict.allowed:
            yield self._refused(text, request, verdict.reply)
            return
        parsed = preferences.parse(text)
        turn_id, began = secrets.token_hex(8), self._clock()
        asked = self._follow_up(user_id, text, request, parsed)
        stated: tuple[Statement, ...] = ()
        if asked is None:
            statements = self._statable([sentence for sentence in parsed if sentence.is_statement])
            stated = () if request.temporary else self._store(user_id, statements, turn_id)
            question = question_in(text, parsed)
            if not question:
                yield self._acknowledged(text, request, stated)
                return
            asked = Asked(question, self._reader.read(question))
        yield from self._answer(self._plan(user_id, turn_id, asked, request, stated, config, began))

    def _follow_up(
        self, user_id: str, text: str, request: TurnRequest, parsed: Sequence[ParsedSentence]
    ) -> Asked | None:
        """A wish for another form of an answer that is still stored; it is about that answer and teaches nothing."""
        if not request.earlier or request.temporary or not is_follow_up(text, self._reader.read(text), parsed):
            return None
        try:
            earlier = self._memory.turn(user_id, request.earlier)
        except UnknownTurnError:
            return None
        # Forgetting takes the words and leaves the numbers.
        return Asked(text, self._reader.read(earlier.prompt), earlier) if earlier.prompt else None

    def _answer(self, plan: _Plan) -> Iterator[TurnUpdate]:
        writers = [PaneWriter(self._tokenizer, tuple(CATALOGUE)) for _ in _SIDES]
        steps = self._decoder.stream(plan.prompts, ({}, plan.weights), plan.config)
        shown = time.monotonic()
        try:
            for row_steps in steps:
                for step in row_steps:
                    writers[step.row].add(step)
                if time.monotonic() - shown >= _UPDATE_SECONDS:
                    self._withhold_unsafe(writers)
                    yield self._update(plan, writers, finished=False)
                    shown = time.monotonic()
        except GeneratorExit:
            for writer in writers:
                writer.close("cancelled")
            try:
                self._finish(plan, writers)
            except MemoryStoreError as error:
                _log.warning("A stopped turn was not stored, so nobody can vote on it: %s", error)
            raise
        notice = ""
        try:
            self._finish(plan, writers)
        except MemoryStoreError as error:
            # Both answers are whole and must not be lost with the turn, on which nobody can vote now.
            plan, notice = dataclasses.replace(plan, turn_id=""), str(error)
        yield self._update(plan, writers, finished=True, notice=notice)

    def _plan(
        self,
        user_id: str,
        turn_id: str,
        asked: Asked,
        request: TurnRequest,
        stated: tuple[Statement, ...],
        config: DecodingConfig,
        began: float,
    ) -> _Plan:
        known = not request.temporary
        events = self._memory.events(user_id) if known else ()
        hits = self._recall(user_id, asked.subject, events) if known and request.use_words else ()
        weighed = known and request.use_weights
        weights, exploring = self._weights(events, asked.subject, request) if weighed else ({}, ())
        prompts = write_prompts(
            self._tokenizer,
            asked.question,
            hits,
            guess=asked.guess,
            context=self._context,
            max_new_tokens=config.max_new_tokens,
            earlier=asked.earlier,
        )
        return _Plan(
            user_id=user_id,
            turn_id=turn_id,
            asked=asked,
            request=request,
            prompts=(prompts.generic, prompts.personal),
            weights=weights,
            exploring=exploring,
            memories=prompts.memories,
            stated=stated,
            config=config,
            began=began,
        )

    def _recall(self, user_id: str, question: str, events: Sequence[PreferenceEvent]) -> tuple[MemoryHit, ...]:
        elsewhere = _elsewhere(question, events)
        hits = {
            hit.memory.id: hit
            for hit in self._memory.search(user_id, question)
            # A pin says that a memory is always used.
            if hit.memory.id not in elsewhere or hit.memory.pinned or hit.memory.kind != "style"
        }
        kept = block_memories([hit.memory for hit in hits.values()])
        return tuple(hits[memory.id] for memory in kept)

    def _weights(
        self, events: Sequence[PreferenceEvent], question: str, request: TurnRequest
    ) -> tuple[dict[str, float], tuple[Stance, ...]]:
        posterior = self._fit(events)
        weights = dict(preferences.weights(posterior, events, question))
        trying: tuple[Stance, ...] = ()
        # Without strength both answers are the same, and nothing would be tried.
        if request.explore and request.strength > 0:
            steered = self._decoder.steered
            trying = preferences.explore(
                posterior, events, rng_seed=request.seed, among=steered, config=self._exploring
            )
            weights = preferences.exploring_weights(posterior, events, question, trying, config=self._exploring)
        moving = {name: value for name, value in weights.items() if value and name in self._decoder.steered}
        return {name: request.strength * value for name, value in moving.items()}, trying

    def _config(self, request: TurnRequest) -> DecodingConfig:
        return dataclasses.replace(
            self._decoding,
            temperature=request.temperature,
            seed=request.seed,
            max_new_tokens=request.max_new_tokens,
        )

    def _withhold_unsafe(self, writers: Sequence[PaneWriter]) -> None:
        verdicts = []
        for writer in writers:
            verdicts.append(self._safety.check_answer(writer.pane.text, checked=writer.checked))
            writer.checked = len(writer.pane.text)
        # What is withheld from everyone is withheld from each, too, whatever is known of them.
        for writer, verdict in zip(writers, verdicts if verdicts[0].allowed else [verdicts[0]] * 2, strict=True):
            if not verdict.allowed:
                writer.replace(verdict.reply, "refused")

    def _finish(self, plan: _Plan, writers: Sequence[PaneWriter]) -> None:
        """Check the last words and store the turn, with the difference in Phi that a vote on it will weigh."""
        self._withhold_unsafe(writers)
        if plan.request.temporary:
            return
        scores = [self._scorer.score(plan.prompts[0], writer.token_ids) for writer in writers]
        # Beside an answer that was withheld the other one's style was not compared with anything.
        compared = all(writer.token_ids for writer in writers)
        difference = {name: scores[1][name] - scores[0][name] if compared else 0.0 for name in scores[0]}
        ids = tuple(hit.memory.id for hit in plan.memories)
        turn = Turn(
            plan.user_id, plan.turn_id, plan.began, plan.asked.subject, writers[0].pane.text, writers[1].pane.text,
            plan.request.seed, plan.weights, self._sources(plan, ids), difference, self._status.heads_sha256,
        )  # fmt: skip
        self._memory.add_turn(turn)
        try:
            self._memory.mark_used(plan.user_id, ids)
        except MemoryStoreError as error:
            _log.warning("The use of memories was not counted: %s", error)

    def _sources(self, plan: _Plan, used: Sequence[str]) -> tuple[str, ...]:
        """The memories whose words the answers may hold: those used, and those of the turn that they go back to."""
        earlier = plan.asked.earlier
        if earlier is None:
            return tuple(used)
        typed = [memory.id for memory in self._memory.memories(plan.user_id) if memory.provenance == earlier.id]
        return tuple(dict.fromkeys((*used, *earlier.memory_ids, *typed)))

    def _update(self, plan: _Plan, writers: Sequence[PaneWriter], *, finished: bool, notice: str = "") -> TurnUpdate:
        return TurnUpdate(
            plan.turn_id, plan.asked.question, plan.request.seed, writers[0].pane, writers[1].pane, finished,
            plan.weights, plan.exploring, plan.memories, plan.stated, notice,
        )  # fmt: skip

    def _refused(self, text: str, request: TurnRequest, reply: str) -> TurnUpdate:
        pane = Pane(reply, (), "refused")
        notice = "Not answered: this asks for something harmful. Your preferences play no part in that."
        return TurnUpdate("", text, request.seed, pane, pane, True, notice=notice)

    def _acknowledged(self, text: str, request: TurnRequest, stated: tuple[Statement, ...]) -> TurnUpdate:
        pane = Pane("", (), "stop")
        if stated:
            notice = "Noted. Ask something to see it."
        elif request.temporary:
            notice = "Temporary mode: nothing was kept."
        else:
            notice = f"Nothing was kept. {_NOT_A_PREFERENCE}"
        return TurnUpdate("", text, request.seed, pane, pane, True, stated=stated, notice=notice)

    # Stating

    def state(self, user_id: str, text: str) -> tuple[Statement, ...]:
        """Take preferences in plain words: each sentence becomes one memory, with stance events where it is a stance.

        Raises:
            InvalidTextError: nothing readable, or nothing that may be kept, such as words against the safety rules.
        """
        return self._store(user_id, self._keepable(text, what="preference")[1])

    def _keepable(self, text: str, *, what: str) -> tuple[str, list[ParsedSentence]]:
        """What of a text may be kept, at least one sentence: its words as they were typed, and what they mean."""
        words = clean_text(text, what=what)
        parsed = preferences.parse_preference(words)
        if not parsed:
            raise InvalidTextError(f"The {what} holds no words.", hint="Type some words.")
        kept = self._statable(parsed)
        if not kept or not self._safety.check(words).allowed:
            raise InvalidTextError(_NOT_A_PREFERENCE, hint="Say how you like answers, or something about yourself.")
        return words if len(kept) == len(parsed) else " ".join(sentence.text for sentence in kept), kept

    def _statable(self, sentences: Sequence[ParsedSentence]) -> list[ParsedSentence]:
        return [sentence for sentence in sentences if sentence.kind is not None and self._stands_alone(sentence.text)]

    def _stands_alone(self, text: str) -> bool:
        """Whether all of the words may be kept, read by themselves: so that what is exported can be imported."""
        kinds = [sentence.kind for sentence in preferences.parse_preference(text)]
        return bool(kinds) and None not in kinds and self._safety.check(text).allowed

    def _store(
        self, user_id: str, sentences: Sequence[ParsedSentence], turn_id: str | None = None
    ) -> tuple[Statement, ...]:
        stored = []
        for sentence in sentences:
            if sentence.kind is None:
                continue
            memory = self._memory.add(
                user_id,
                sentence.text,
                kind=sentence.kind,
                slot=sentence.slot,
                provenance=turn_id,
                events=sentence.stances,
            )
            stored.append(Statement(memory, self._memory.linked_events(user_id, memory.id)))
        return tuple(stored)

    # Feedback

    def vote(self, user_id: str, turn_id: str, outcome: Outcome) -> Learned:
        """Record an A/B pick; a second one on the same turn replaces the first.

        Raises:
            UnknownTurnError: the turn is not this user's or was forgotten.
        """
        turn = self._memory.turn(user_id, turn_id)
        evidence = Comparison(turn_id, turn.difference, outcome, turn.heads_sha256)
        return self._learn(user_id, turn_id, evidence)

    def thumb(self, user_id: str, turn_id: str, side: Side, *, up: bool, reason: Reason | None = None) -> Learned:
        """Record a thumb on one answer; a second one on the same side of the turn replaces the first."""
        turn = self._memory.turn(user_id, turn_id)
        difference = turn.difference if side == "personal" else dict.fromkeys(turn.difference, 0.0)
        return self._learn(user_id, turn_id, Thumb(turn_id, side, difference, up, reason, turn.heads_sha256))

    def undo(self, user_id: str, event_id: str) -> None:
        """Forget one event exactly; a stance's memory goes with it."""
        self._memory.delete_event(user_id, event_id)

    def _learn(self, user_id: str, turn_id: str, evidence: Comparison | Thumb) -> Learned:
        event = PreferenceEvent(secrets.token_hex(8), user_id, self._clock(), turn_id, evidence)
        with self._feedback:
            events = self._memory.events(user_id)
            before = self._fit(events)
            replaced = [old.id for old in events if old.source_id == turn_id and _replaces(evidence, old.evidence)]
            self._memory.append_event(event, replacing=replaced)
            moved = preferences.moved(before, self._fit(self._memory.events(user_id)))
        return Learned(event, moved, describe(evidence, moved))

    # Memories

    def memories(self, user_id: str) -> tuple[Memory, ...]:
        """All memories of a user that are not superseded, oldest first."""
        return self._memory.memories(user_id)

    def edit_memory(self, user_id: str, memory_id: str, text: str) -> Statement:
        """Replace a memory's words; its stance events are parsed anew.

        Raises:
            InvalidTextError: as in `state`.
        """
        words, kept = self._keepable(text, what="memory")
        stances = tuple(stance for sentence in kept for stance in sentence.stances)
        kind = "style" if stances else kept[0].kind or "topical"
        slot = kept[0].slot if len(kept) == 1 else None
        memory = self._memory.edit(user_id, memory_id, words, kind=kind, slot=slot, events=stances)
        return Statement(memory, self._memory.linked_events(user_id, memory.id))

    def delete_memory(self, user_id: str, memory_id: str) -> None:
        """Delete a memory, its linked events and the text of turns that used it."""
        self._memory.delete(user_id, memory_id)

    def pause_memory(self, user_id: str, memory_id: str, *, paused: bool) -> Memory:
        """Take a memory out of use or back; a paused style memory's stance does not count either."""
        return self._memory.pause(user_id, memory_id, paused=paused)

    def pin_memory(self, user_id: str, memory_id: str, *, pinned: bool) -> Memory:
        """Pinned memories are used whatever the question."""
        return self._memory.pin(user_id, memory_id, pinned=pinned)

    def export(self, user_id: str) -> str:
        """Canonical JSON of all memories and events."""
        return self._memory.export(user_id)

    def import_(self, user_id: str, document: str) -> int:
        """Add an export to this user; returns how many entries were new.

        Raises:
            InvalidTextError: it is no export, or holds words that could not be stated either; nothing is added.
            UnknownDimensionError: a stance is about no dimension of palign; nothing is added.
        """
        return self._memory.import_(user_id, document, dimensions=tuple(CATALOGUE), check=self._require_statable)

    def restore(self, user_id: str, document: str) -> int:
        """Bring back what a deletion took, as it was; for documents that never left this process."""
        return self._memory.import_(user_id, document, dimensions=tuple(CATALOGUE))

    def _require_statable(self, text: str) -> None:
        if not self._stands_alone(text):
            raise InvalidTextError("The import holds words that cannot be a memory.", hint="Remove: " + text[:80])

    def forget(self, user_id: str) -> None:
        """Erase everything of a user; afterwards no file of the store holds the words."""
        self._memory.forget(user_id)

    def profile(self, user_id: str) -> UserProfile:
        """What is believed of a user."""
        events = self._memory.events(user_id)
        return preferences.profile(user_id, events, heads_sha256=self._status.heads_sha256, config=self._learning)

    def status(self) -> Status:
        """What runs."""
        return self._status

    def _fit(self, events: Sequence[PreferenceEvent]) -> preferences.Posterior:
        return preferences.fit(events, heads_sha256=self._status.heads_sha256, config=self._learning)


def _elsewhere(question: str, events: Sequence[PreferenceEvent]) -> frozenset[str]:
    """Ids of memories all of whose stances are limited to contexts that the question does not belong to."""
    contexts: dict[str, set[str]] = {}
    for event in events:
        if isinstance(event.evidence, Stance):
            contexts.setdefault(event.source_id, set()).add(event.evidence.context)
    here = preferences.matching_contexts(question, set().union(*contexts.values())) | {""}
    return frozenset(memory_id for memory_id, named in contexts.items() if not named & here)


def _replaces(new: Comparison | Thumb, old: Evidence) -> bool:
    """A new vote replaces the turn's vote, a new thumb the thumb on the same side."""
    if isinstance(new, Comparison):
        return isinstance(old, Comparison)
    return isinstance(old, Thumb) and old.side == new.side
