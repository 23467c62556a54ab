"""The JSON a user takes away and brings back, its validation, and how it merges; also how evidence is written down.

Knows no database and no vectors.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from palign.memory.checks import is_id, require_text, text_hash
from palign.schema import (
    Comparison,
    Evidence,
    InvalidTextError,
    Memory,
    MemoryKind,
    MemorySource,
    Outcome,
    PreferenceEvent,
    Reason,
    Side,
    Stance,
    Thumb,
    UnknownDimensionError,
)

_MAX_DOCUMENT = 8_000_000  # characters
_MAX_ENTRIES = 20_000
_HINT = "Use a file that palign exported, unchanged."


def _named(value: str) -> str:
    if not is_id(value):
        raise ValueError("should be 1 to 64 printable characters")
    return value


_Name = Annotated[str, AfterValidator(_named)]
_Difference = dict[_Name, float]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class _Stance(_Entry):
    type: Literal["stance"] = "stance"
    dimension: _Name
    strength: Annotated[float, Field(ge=-1, le=1)]
    context: Annotated[str, Field(max_length=64)]

    def value(self) -> Stance:
        return Stance(self.dimension, self.strength, self.context)


class _Comparison(_Entry):
    type: Literal["comparison"] = "comparison"
    turn_id: _Name
    difference: _Difference
    outcome: Outcome
    heads_sha256: Annotated[str, Field(max_length=64)]

    def value(self) -> Comparison:
        return Comparison(self.turn_id, self.difference, self.outcome, self.heads_sha256)


class _Thumb(_Entry):
    type: Literal["thumb"] = "thumb"
    turn_id: _Name
    side: Side
    difference: _Difference
    up: bool
    reason: Reason | None
    heads_sha256: Annotated[str, Field(max_length=64)]

    def value(self) -> Thumb:
        return Thumb(self.turn_id, self.side, self.difference, self.up, self.reason, self.heads_sha256)


_EvidenceEntry = Annotated[_Stance | _Comparison | _Thumb, Field(discriminator="type")]
_EVIDENCE: TypeAdapter[_Stance | _Comparison | _Thumb] = TypeAdapter(_EvidenceEntry)


class _Memory(_Entry):
    id: _Name
    text: str
    kind: MemoryKind
    source: MemorySource
    created_at: float
    slot: _Name | None
    pinned: bool
    paused: bool
    provenance: _Name | None
    superseded_by: _Name | None
    expires_at: float | None
    uses: Annotated[int, Field(ge=0, lt=2**31)]
    last_used_at: float | None

    def value(self, user_id: str) -> Memory:
        return Memory(user_id=user_id, **self.model_dump())


class _Event(_Entry):
    id: _Name
    created_at: float
    source_id: _Name
    evidence: _EvidenceEntry

    def value(self, user_id: str) -> PreferenceEvent:
        return PreferenceEvent(self.id, user_id, self.created_at, self.source_id, self.evidence.value())


class _Document(_Entry):
    format: Literal["palign-memory"] = "palign-memory"
    version: Literal[1] = 1
    memories: Annotated[tuple[_Memory, ...], Field(max_length=_MAX_ENTRIES)]
    events: Annotated[tuple[_Event, ...], Field(max_length=_MAX_ENTRIES)]


class Belongings(NamedTuple):
    """All memories and events of one user, oldest first."""

    memories: tuple[Memory, ...]
    events: tuple[PreferenceEvent, ...]


@dataclass(frozen=True, slots=True)
class Merge:
    """What an import adds; `superseded` maps memories already there to the new one that takes their slot."""

    memories: tuple[Memory, ...]
    events: tuple[PreferenceEvent, ...]
    superseded: dict[str, str] = field(default_factory=dict)


def write_evidence(evidence: Evidence) -> str:
    """Evidence as one line of JSON."""
    return _evidence_entry(evidence).model_dump_json()


def read_evidence(line: str) -> Evidence:
    """The inverse of `write_evidence`."""
    return _EVIDENCE.validate_json(line).value()


def _evidence_entry(evidence: Evidence) -> _Stance | _Comparison | _Thumb:
    match evidence:
        case Stance(dimension, strength, context):
            return _Stance(dimension=dimension, strength=strength, context=context)
        case Comparison(turn_id, difference, outcome, heads):
            return _Comparison(turn_id=turn_id, difference=dict(difference), outcome=outcome, heads_sha256=heads)
        case Thumb(turn_id, side, difference, up, reason, heads):
            return _Thumb(
                turn_id=turn_id, side=side, difference=dict(difference), up=up, reason=reason, heads_sha256=heads
            )


def write_document(belongings: Belongings) -> str:
    """Canonical JSON: sorted keys, two spaces, no user id and no vectors."""
    document = _Document(
        memories=tuple(_memory_entry(memory) for memory in belongings.memories),
        events=tuple(
            _Event(
                id=event.id,
                created_at=event.created_at,
                source_id=event.source_id,
                evidence=_evidence_entry(event.evidence),
            )
            for event in belongings.events
        ),
    )
    return json.dumps(document.model_dump(mode="json"), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _memory_entry(memory: Memory) -> _Memory:
    return _Memory(**{name: getattr(memory, name) for name in _Memory.model_fields})


def read_document(document: str, user_id: str, dimensions: Collection[str] | None = None) -> Belongings:
    """Validate an export and give all of it to `user_id`, whoever it came from.

    Raises:
        InvalidTextError: it is not such a document; names the first entry that does not fit.
        UnknownDimensionError: a stance is not about one of `dimensions`, where they are given.
    """
    if len(document) > _MAX_DOCUMENT:
        raise InvalidTextError(f"The import is longer than {_MAX_DOCUMENT:,} characters.", hint=_HINT)
    try:
        parsed = _Document.model_validate_json(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise InvalidTextError(f"The import does not fit at {place}: {first['msg']}.", hint=_HINT) from error
    except UnicodeEncodeError as error:
        raise InvalidTextError("The import holds characters that are not text.", hint=_HINT) from error
    memories = tuple(replace(entry.value(user_id), text=require_text(entry.text)) for entry in parsed.memories)
    events = tuple(entry.value(user_id) for entry in parsed.events)
    _require_distinct([memory.id for memory in memories], "memory")
    _require_distinct([event.id for event in events], "event")
    for event in events:
        if dimensions is not None and isinstance(event.evidence, Stance):
            _require_known(event.evidence.dimension, dimensions)
    return Belongings(memories, events)


def _require_known(name: str, dimensions: Collection[str]) -> None:
    if name not in dimensions:
        known = ", ".join(dimensions)
        raise UnknownDimensionError(f"The import knows a dimension '{name}', palign does not.", hint=f"Known: {known}.")


def _require_distinct(ids: Sequence[str], what: str) -> None:
    if len(set(ids)) < len(ids):
        raise InvalidTextError(f"The import holds one {what} twice.", hint=_HINT)


def merge(mine: Belongings, brought: Belongings) -> Merge:
    """Decide what an import adds to what is there.

    A memory with a known id or known live words is a duplicate: it and its stances are skipped. Of two values for one
    slot the younger is live and supersedes the other.

    Raises:
        InvalidTextError: a memory is superseded by one that is nowhere.
    """
    known = {memory.id for memory in mine.memories}
    live = [memory for memory in mine.memories if memory.superseded_by is None]
    by_words = {text_hash(memory.text): memory.id for memory in live}
    skipped: dict[str, str] = {}  # id brought → id of its duplicate here
    fresh: dict[str, Memory] = {}
    for memory in brought.memories:
        twin = _twin(memory, known, by_words)
        if twin is not None:
            skipped[memory.id] = twin
            continue
        fresh[memory.id] = memory
        if memory.superseded_by is None:
            by_words[text_hash(memory.text)] = memory.id
    fresh = {id_: _relinked(memory, skipped, known | fresh.keys()) for id_, memory in fresh.items()}
    superseded = _settle_slots(live, fresh)
    return Merge(tuple(fresh.values()), _fresh_events(mine, brought, skipped), superseded)


def _twin(memory: Memory, known: set[str], by_words: dict[str, str]) -> str | None:
    if memory.id in known:
        return memory.id
    return by_words.get(text_hash(memory.text)) if memory.superseded_by is None else None


def _relinked(memory: Memory, skipped: dict[str, str], ids: set[str]) -> Memory:
    if memory.superseded_by is None:
        return memory
    successor = skipped.get(memory.superseded_by, memory.superseded_by)
    if successor not in ids or successor == memory.id:
        raise InvalidTextError(f"The import holds a memory replaced by a missing one, {successor}.", hint=_HINT)
    return replace(memory, superseded_by=successor)


def _settle_slots(live: Sequence[Memory], fresh: dict[str, Memory]) -> dict[str, str]:
    """Make one value live per slot, changing `fresh` in place; returns what it replaces among those already there."""
    holders = {memory.slot: memory for memory in live if memory.slot is not None}
    superseded: dict[str, str] = {}
    for memory in list(fresh.values()):
        if memory.slot is None or memory.superseded_by is not None:
            continue
        holder = holders.get(memory.slot)
        if holder is None or holder.created_at <= memory.created_at:
            loser, winner = holder, memory
        else:
            loser, winner = memory, holder
        holders[memory.slot] = winner
        if loser is not None and loser.id in fresh:
            fresh[loser.id] = replace(loser, superseded_by=winner.id)
        elif loser is not None:
            superseded[loser.id] = winner.id
    return superseded


def _fresh_events(mine: Belongings, brought: Belongings, skipped: dict[str, str]) -> tuple[PreferenceEvent, ...]:
    known = {event.id for event in mine.events}
    return tuple(
        event
        for event in brought.events
        if event.id not in known and not (isinstance(event.evidence, Stance) and event.source_id in skipped)
    )
