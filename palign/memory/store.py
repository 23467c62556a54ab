"""`PreferenceMemory`: one store of memories, preference events and turns, in a folder or in memory alone.

Knows no model beyond the Encoder it is handed, no conversation and no screen.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from sqlite3 import Connection
from types import TracebackType
from typing import Self

from palign.memory import rows, transfer
from palign.memory.checks import is_id, require_encodable, require_id, require_text, text_hash
from palign.memory.ledger import SCHEMA_VERSION
from palign.memory.ranking import cosines, overruled, rank
from palign.memory.vault import Vault
from palign.schema import (
    Encoder,
    ErasureError,
    InvalidTextError,
    Memory,
    MemoryHit,
    MemoryKind,
    MemorySource,
    MemoryStoreError,
    PreferenceEvent,
    Stance,
    Turn,
    UnknownMemoryError,
    UnknownTurnError,
)

MAX_MEMORIES = 500


@dataclass(frozen=True, slots=True)
class StoreState:
    """What is stored where, for `palign doctor`; `folder` is None for a store that lives in memory alone.

    `index_ready` is False where the ledger answers searches itself.
    """

    folder: Path | None
    users: int
    memories: int
    events: int
    turns: int
    index_ready: bool
    encoder: str
    encoder_sha256: str
    schema: int


class PreferenceMemory:
    """The store. Every method that reads or writes a person's data takes the user first.

    Safe to call from several threads. A method that writes returns once the write is durable. Every method raises
    MemoryStoreError where the ledger cannot be read or written, and ConfigError for a user id that is not 1 to 64
    printable characters.
    """

    def __init__(self, vault: Vault) -> None:
        """Use `open` or `temporary`."""
        self._vault = vault

    # Opening and closing

    @classmethod
    def open(cls, folder: Path, encoder: Encoder, *, clock: Callable[[], float] = time.time) -> Self:
        """Open the store in `folder`, made where it is missing, for this process alone.

        A store written with another encoder is encoded anew from its texts.

        Raises:
            MemoryStoreError: the folder is in use, cannot be written, or its ledger is damaged or missing.
        """
        return cls(Vault.open(folder, encoder, clock))

    @classmethod
    def temporary(cls, encoder: Encoder, *, clock: Callable[[], float] = time.time) -> Self:
        """A store for throwaway users: in memory alone, without an index, gone when it is closed."""
        return cls(Vault.open(None, encoder, clock))

    def close(self) -> None:
        """Erase what was deleted to the last byte, mark the index clean and let the next process in."""
        self._vault.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Memories

    def add(
        self,
        user_id: str,
        text: str,
        *,
        kind: MemoryKind,
        source: MemorySource = "typed",
        slot: str | None = None,
        provenance: str | None = None,
        events: Sequence[Stance] = (),
    ) -> Memory:
        """Keep a text in the user's own words, and the stances it states as events linked to it, in one transaction.

        The same words again make no second memory: the one there is used once more, taken out of pause and returned,
        and `events`, where there are any, replace its stances as the latest word on them. A new value for a slot
        supersedes the old one, whose stances stop counting. `provenance` is the id of the turn the
        words were typed in; each of `events` becomes an event whose source_id is the memory's id (`linked_events`).

        Raises:
            InvalidTextError: empty, not text, or longer than 1,000 characters.
            MemoryStoreError: also where the user already has 500 memories.
        """
        memory = Memory(
            user_id=require_id(user_id, what="user id"),
            id=_new_id(),
            text=require_text(text),
            kind=kind,
            source=source,
            created_at=self._vault.now(),
            slot=None if slot is None else require_id(slot, what="slot"),
            provenance=None if provenance is None else require_id(provenance, what="turn id"),
        )
        (vector,) = self._vault.encode([memory.text])
        with self._vault.writing(user_id) as (db, touched):
            twin = self._twin(db, memory)
            kept = memory.id if twin is None else twin.id
            touched.append(kept)
            if twin is None:
                touched += self._take_slot(db, memory)
                rows.insert_memory(db, memory, rows.blob(vector))
                self._insert_stances(db, memory, events)
                _require_room(db, user_id)
            else:
                rows.count_use(db, user_id, [kept], memory.created_at)
                db.execute("UPDATE memories SET paused = 0 WHERE user_id = ? AND id = ?", (user_id, kept))
                if events:
                    self._restate(db, twin, events)
            rows.insert_origin(db, user_id, kept, provenance)
            return self._find(db, user_id, kept)

    def _twin(self, db: Connection, memory: Memory) -> Memory | None:
        """The live memory with the same words, if another one has them."""
        where = "text_hash = ? AND id != ? AND superseded_by IS NULL AND (expires_at IS NULL OR expires_at > ?)"
        values = (text_hash(memory.text), memory.id, self._vault.now())
        found = rows.read_memories(db, memory.user_id, where, values)
        return found[0] if found else None

    def _take_slot(self, db: Connection, memory: Memory) -> list[str]:
        """Supersede what holds the memory's slot; returns its id."""
        if memory.slot is None:
            return []
        where = "slot = ? AND id != ? AND superseded_by IS NULL"
        held = [old.id for old in rows.read_memories(db, memory.user_id, where, (memory.slot, memory.id))]
        for old in held:
            rows.supersede(db, memory.user_id, old, memory.id)
            rows.note(db, memory.user_id, old, self._vault.now(), "supersede")
        return held

    def _insert_stances(self, db: Connection, memory: Memory, stances: Sequence[Stance]) -> None:
        for stance in stances:
            rows.insert_event(db, PreferenceEvent(_new_id(), memory.user_id, self._vault.now(), memory.id, stance))

    def _restate(self, db: Connection, memory: Memory, stances: Sequence[Stance]) -> None:
        """Put a memory's stances at the end of the log, where a statement silences what was said before it."""
        db.execute("DELETE FROM events WHERE user_id = ? AND source_id = ?", (memory.user_id, memory.id))
        self._insert_stances(db, memory, stances)

    def _find(self, db: Connection, user_id: str, memory_id: str, *, live: bool = False) -> Memory:
        where = "id = ? AND superseded_by IS NULL" if live else "id = ?"
        found = rows.read_memories(db, user_id, where, (memory_id,)) if is_id(memory_id) else []
        if not found:
            raise UnknownMemoryError("This memory is not stored.", hint="List the memories and choose one of them.")
        return found[0]

    def get(self, user_id: str, memory_id: str) -> Memory:
        """One memory, superseded or not.

        Raises:
            UnknownMemoryError: the user has none of this id.
        """
        with self._vault.reading(user_id) as db:
            return self._find(db, user_id, memory_id)

    def memories(self, user_id: str) -> tuple[Memory, ...]:
        """All memories that are not superseded, oldest first."""
        with self._vault.reading(user_id) as db:
            return tuple(rows.read_memories(db, user_id, "superseded_by IS NULL"))

    def edit(
        self,
        user_id: str,
        memory_id: str,
        text: str,
        *,
        kind: MemoryKind,
        slot: str | None = None,
        events: Sequence[Stance] = (),
    ) -> Memory:
        """Replace a memory's words, and the stances linked to it, in one transaction; its id stays.

        Raises:
            UnknownMemoryError: the user has none of this id, or it is superseded.
            InvalidTextError: not usable as in `add`, or another memory holds the same words.
        """
        words = require_text(text)
        slot = None if slot is None else require_id(slot, what="slot")
        (vector,) = self._vault.encode([words])
        with self._vault.writing(user_id) as (db, touched):
            memory = replace(self._find(db, user_id, memory_id, live=True), text=words, kind=kind, slot=slot)
            if self._twin(db, memory) is not None:
                raise InvalidTextError("Another memory says the same.", hint="Delete one of the two instead.")
            self._vault.mark_residue()
            touched += [memory_id, *self._take_slot(db, memory)]
            db.execute(
                """UPDATE memories SET text = ?, text_hash = ?, kind = ?, slot = ?, embedding = ?
                   WHERE user_id = ? AND id = ?""",
                (words, text_hash(words), kind, slot, rows.blob(vector), user_id, memory_id),
            )
            self._restate(db, memory, events)
            rows.note(db, user_id, memory_id, self._vault.now(), "edit")
            return self._find(db, user_id, memory_id)

    def delete(self, user_id: str, memory_id: str) -> None:
        """Delete a memory with all that hangs on it.

        That is: what it superseded, every event linked to these, their index entries, and the words of the turns they
        were typed in or used by, whose numbers stay. No reading finds them any more; the last bytes leave the disk
        when the store is closed or within a day.

        Raises:
            UnknownMemoryError: the user has none of this id.
        """
        with self._vault.writing(user_id) as (db, touched):
            self._find(db, user_id, memory_id)
            self._delete_group(db, touched, user_id, memory_id)

    def _delete_group(self, db: Connection, touched: list[str], user_id: str, memory_id: str) -> None:
        self._vault.mark_residue()
        touched += rows.group_of(db, user_id, memory_id)
        rows.delete_memories(db, user_id, touched, self._vault.now())

    def pause(self, user_id: str, memory_id: str, *, paused: bool) -> Memory:
        """Take a memory out of use or back; its stances follow.

        Raises:
            UnknownMemoryError: the user has none of this id, or it is superseded.
        """
        return self._flag(user_id, memory_id, "paused", paused, "pause" if paused else "resume")

    def pin(self, user_id: str, memory_id: str, *, pinned: bool) -> Memory:
        """Make a memory come up whatever the request, or no longer.

        Raises:
            UnknownMemoryError: the user has none of this id, or it is superseded.
        """
        return self._flag(user_id, memory_id, "pinned", pinned, "pin" if pinned else "unpin")

    def _flag(self, user_id: str, memory_id: str, column: str, value: bool, action: str) -> Memory:
        with self._vault.writing(user_id) as (db, touched):
            self._find(db, user_id, memory_id, live=True)
            touched.append(memory_id)
            db.execute(
                f"UPDATE memories SET {column} = ? WHERE user_id = ? AND id = ?",
                (value, user_id, memory_id),
            )
            rows.note(db, user_id, memory_id, self._vault.now(), action)
            return self._find(db, user_id, memory_id)

    def mark_used(self, user_id: str, memory_ids: Sequence[str]) -> None:
        """Count one use of each memory, now; ids that are gone are passed over."""
        with self._vault.writing(user_id) as (db, _):
            rows.count_use(db, user_id, memory_ids, self._vault.now())

    def search(self, user_id: str, query: str, *, limit: int = 10) -> tuple[MemoryHit, ...]:
        """The active memories a request calls up: constraints, pinned, style, then topical ones by relevance.

        `limit` bounds the topical ones, and only once more than 30 memories are active. A style memory overruled by
        what was stated since is left out for as long as that stands.

        Raises:
            InvalidTextError: the query is empty or not text.
        """
        vector = self._vault.encoder.encode_query([require_encodable(query)])[0]
        now = self._vault.now()
        with self._vault.reading(user_id) as db:
            silent = overruled(rows.counting_events(db, user_id, now))
            active = rows.read_memories(db, user_id, rows.IN_USE, (now,))
            memories = [memory for memory in active if memory.kind != "style" or memory.id not in silent]
            vectors = self._vault.vectors_of(db, user_id, memories)
        scores = dict(zip((memory.id for memory in memories), cosines(vector, vectors), strict=True))
        return rank(memories, scores, now=now, limit=limit)

    # Events

    def append_event(self, event: PreferenceEvent, *, replacing: Sequence[str] = ()) -> None:
        """Store an event, and take out those with the ids `replacing` in the same transaction.

        Returning means it is durable.
        """
        require_id(event.id, what="event id")
        require_id(event.source_id, what="source id")
        with self._vault.writing(event.user_id) as (db, _):
            _delete_events(db, event.user_id, replacing)
            rows.insert_event(db, event)

    def events(self, user_id: str) -> tuple[PreferenceEvent, ...]:
        """The events that count, oldest first: without those whose memory is superseded, paused or expired."""
        with self._vault.reading(user_id) as db:
            return tuple(rows.counting_events(db, user_id, self._vault.now()))

    def linked_events(self, user_id: str, source_id: str) -> tuple[PreferenceEvent, ...]:
        """The events of one memory or turn, counting or not, oldest first."""
        with self._vault.reading(user_id) as db:
            return tuple(rows.read_events(db, user_id, "source_id = ?", (source_id,)))

    def delete_event(self, user_id: str, event_id: str) -> None:
        """Delete an event; a stance's memory goes with it, and all other stances of that memory.

        Raises:
            UnknownMemoryError: the user has no event of this id.
        """
        with self._vault.writing(user_id) as (db, touched):
            found = rows.read_events(db, user_id, "id = ?", (event_id,)) if is_id(event_id) else []
            if not found:
                raise UnknownMemoryError("This vote or preference is not stored.", hint="List what is stored first.")
            _delete_events(db, user_id, [event_id])
            rows.note(db, user_id, event_id, self._vault.now(), "delete")
            if isinstance(found[0].evidence, Stance):
                self._delete_group(db, touched, user_id, found[0].source_id)

    # Turns

    def add_turn(self, turn: Turn) -> None:
        """Store a finished turn; `created_at` is when it began.

        What was deleted while it ran stays deleted: its words are left out where they belonged to a memory now gone,
        and it is not stored at all where the user asked to be forgotten since.
        """
        require_id(turn.id, what="turn id")
        with self._vault.writing(turn.user_id) as (db, _):
            if rows.forgotten_since(db, turn.user_id, turn.created_at):
                return
            if rows.must_lose_words(db, turn):
                turn = replace(turn, prompt="", generic="", personal="")
            rows.insert_turn(db, turn)

    def turn(self, user_id: str, turn_id: str) -> Turn:
        """One stored turn.

        Raises:
            UnknownTurnError: the user has none of this id.
        """
        with self._vault.reading(user_id) as db:
            sql = "SELECT * FROM turns WHERE user_id = ? AND id = ?"
            found = db.execute(sql, (user_id, turn_id)).fetchall() if is_id(turn_id) else []
        if not found:
            raise UnknownTurnError("This turn is not stored.", hint="Ask again, then give feedback on that answer.")
        return rows.turn_of(found[0])

    def turns(self, user_id: str, limit: int = 50) -> tuple[Turn, ...]:
        """The user's last `limit` turns, oldest first."""
        with self._vault.reading(user_id) as db:
            sql = "SELECT * FROM turns WHERE user_id = ? ORDER BY created_at DESC, seq DESC LIMIT ?"
            found = db.execute(sql, (user_id, max(0, limit))).fetchall()
        return tuple(rows.turn_of(row) for row in reversed(found))

    # Taking away, bringing back, forgetting

    def export(self, user_id: str) -> str:
        """Canonical JSON of all memories and events, also those out of use; no vectors and no user id."""
        with self._vault.reading(user_id) as db:
            return transfer.write_document(_belongings(db, user_id))

    def import_(
        self,
        user_id: str,
        document: str,
        *,
        dimensions: Collection[str] | None = None,
        check: Callable[[str], None] | None = None,
    ) -> int:
        """Add an export, whoever's it was, to this user; returns how many memories and events were new.

        `check` is given the words of every memory and raises where they may not be kept.

        Raises:
            InvalidTextError: it is not a document of `export`; nothing is added.
            UnknownDimensionError: a stance is not about one of `dimensions`, where they are given; nothing is added.
            MemoryStoreError: also where the user would have more than 500 memories; nothing is added.
        """
        brought = transfer.read_document(document, require_id(user_id, what="user id"), dimensions)
        if check is not None:
            for memory in brought.memories:
                check(memory.text)
        live = [memory for memory in brought.memories if memory.superseded_by is None]
        if len(live) > MAX_MEMORIES:
            raise _full()
        vectors = dict(zip((memory.id for memory in live), self._vault.encode([m.text for m in live]), strict=True))
        with self._vault.writing(user_id) as (db, touched):
            merged = transfer.merge(_belongings(db, user_id), brought)
            for old, new in merged.superseded.items():
                rows.supersede(db, user_id, old, new)
            for memory in merged.memories:
                vector = vectors[memory.id] if memory.superseded_by is None else None
                rows.insert_memory(db, memory, None if vector is None else rows.blob(vector))
                rows.insert_origin(db, user_id, memory.id, memory.provenance)
                rows.note(db, user_id, memory.id, self._vault.now(), "import")
            for event in merged.events:
                rows.insert_event(db, event)
            _require_room(db, user_id)
            touched += [*merged.superseded, *(memory.id for memory in merged.memories)]
            return len(merged.memories) + len(merged.events)

    def forget(self, user_id: str) -> None:
        """Erase everything of a user; when it returns, no file of the store holds a word of it.

        The history keeps ids, times and actions.

        Raises:
            ErasureError: everything is deleted, and its last bytes could not be erased yet.
            MemoryStoreError: nothing is deleted.
        """
        with self._vault.writing(user_id) as (db, _):
            self._vault.mark_residue()
            rows.delete_user(db, user_id)
            rows.note(db, user_id, user_id, self._vault.now(), "forget")
        try:
            self._vault.erase()
        except MemoryStoreError as error:
            raise ErasureError(
                f"Everything is deleted, but some of its bytes are still on the disk: {error.args[0]}",
                hint="They go when palign is closed or within a day, once nothing else uses the store.",
            ) from error

    def state(self) -> StoreState:
        """Counts over all users, and whether the index answers."""
        encoder = self._vault.encoder
        return StoreState(
            **self._vault.counts(),
            folder=self._vault.folder,
            index_ready=self._vault.index.ready,
            encoder=encoder.name,
            encoder_sha256=encoder.sha256,
            schema=SCHEMA_VERSION,
        )


def _new_id() -> str:
    return uuid.uuid4().hex


def _belongings(db: Connection, user_id: str) -> transfer.Belongings:
    return transfer.Belongings(tuple(rows.read_memories(db, user_id)), tuple(rows.read_events(db, user_id)))


def _delete_events(db: Connection, user_id: str, ids: Sequence[str]) -> None:
    db.executemany("DELETE FROM events WHERE user_id = ? AND id = ?", [(user_id, id_) for id_ in ids])


def _require_room(db: Connection, user_id: str) -> None:
    sql = "SELECT COUNT(*) AS n FROM memories WHERE user_id = ? AND superseded_by IS NULL"
    if db.execute(sql, (user_id,)).fetchone()["n"] > MAX_MEMORIES:
        raise _full()


def _full() -> MemoryStoreError:
    return MemoryStoreError(f"There is room for {MAX_MEMORIES} memories.", hint="Delete one you no longer need.")
