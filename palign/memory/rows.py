"""The statements that read and write one user's rows: values in, values out. Knows no vectors' meaning and no lock.

Every statement names the user; the only ones that do not are the store's own counts.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palign.memory.checks import text_hash
from palign.memory.transfer import read_evidence, write_evidence
from palign.schema import Memory, PreferenceEvent, Turn

_MEMORY_FIELDS = tuple(field.name for field in fields(Memory))
_MEMORY_COLUMNS = ", ".join(_MEMORY_FIELDS)
_FLAGS = ("pinned", "paused")

ERASE_WORDS = "erase words"

# One place says what is out of use; the parameter is the time.
IN_USE = "superseded_by IS NULL AND NOT paused AND (expires_at IS NULL OR expires_at > ?)"


def memory_of(row: sqlite3.Row) -> Memory:
    """A row with all of Memory's columns, as a Memory."""
    values: dict[str, Any] = {name: row[name] for name in _MEMORY_FIELDS}
    return Memory(**values | {name: bool(row[name]) for name in _FLAGS})


def vector_of(row: sqlite3.Row) -> NDArray[np.float32]:
    """A row's embedding, (E,)."""
    return np.frombuffer(row["embedding"], dtype="<f4")


def blob(vector: NDArray[np.float32]) -> bytes:
    """The inverse of `vector_of`."""
    return vector.astype("<f4").tobytes()


def read_memories(
    db: sqlite3.Connection, user_id: str, where: str = "1", values: Sequence[object] = ()
) -> list[Memory]:
    """A user's memories that satisfy `where`, oldest first."""
    sql = f"SELECT {_MEMORY_COLUMNS} FROM memories WHERE user_id = ? AND {where} ORDER BY created_at, seq"
    return [memory_of(row) for row in db.execute(sql, (user_id, *values))]


def insert_memory(db: sqlite3.Connection, memory: Memory, embedding: bytes | None) -> None:
    """Add a row; `embedding` is None for a superseded memory, which is never searched."""
    columns = (*_MEMORY_FIELDS, "text_hash", "embedding")
    values = (*(getattr(memory, name) for name in _MEMORY_FIELDS), text_hash(memory.text), embedding)
    marks = ", ".join("?" * len(columns))
    db.execute(f"INSERT INTO memories({', '.join(columns)}) VALUES ({marks})", values)


def count_use(db: sqlite3.Connection, user_id: str, ids: Iterable[str], at: float) -> None:
    """Count one use of each memory that is there."""
    db.executemany(
        "UPDATE memories SET uses = uses + 1, last_used_at = ? WHERE user_id = ? AND id = ?",
        [(at, user_id, id_) for id_ in ids],
    )


def supersede(db: sqlite3.Connection, user_id: str, old: str, new: str) -> None:
    """Retire a memory for good; its vector is of no more use."""
    db.execute(
        "UPDATE memories SET superseded_by = ?, embedding = NULL WHERE user_id = ? AND id = ?", (new, user_id, old)
    )


def group_of(db: sqlite3.Connection, user_id: str, memory_id: str) -> list[str]:
    """A memory's id and those of everything it superseded, directly or through others."""
    rows = db.execute(
        """WITH RECURSIVE gone(id) AS (
             SELECT id FROM memories WHERE user_id = ?1 AND id = ?2
             UNION SELECT m.id FROM memories m JOIN gone g ON m.superseded_by = g.id WHERE m.user_id = ?1)
           SELECT id FROM gone""",
        (user_id, memory_id),
    )
    return [row["id"] for row in rows]


def insert_origin(db: sqlite3.Connection, user_id: str, memory_id: str, turn_id: str | None) -> None:
    """Remember in which turn a memory was said; the same words may be said in several."""
    if turn_id is not None:
        db.execute("INSERT OR IGNORE INTO origins VALUES (?, ?, ?)", (user_id, memory_id, turn_id))


def delete_memories(db: sqlite3.Connection, user_id: str, ids: Iterable[str], at: float) -> None:
    """Delete memories, the events they are the source of, and the words of the turns they came from or went into."""
    for id_ in ids:
        origins = db.execute(
            "DELETE FROM origins WHERE user_id = ? AND memory_id = ? RETURNING turn_id", (user_id, id_)
        ).fetchall()
        for origin in origins:
            # The turn may still be running; when it is stored it must come without its words.
            note(db, user_id, origin["turn_id"], at, ERASE_WORDS)
        db.execute("DELETE FROM memories WHERE user_id = ? AND id = ?", (user_id, id_))
        db.execute("DELETE FROM events WHERE user_id = ? AND source_id = ?", (user_id, id_))
        db.execute(
            """UPDATE turns SET prompt = '', generic = '', personal = '' WHERE user_id = ?1
               AND (id IN (SELECT id FROM history WHERE user_id = ?1 AND action = ?3)
                    OR EXISTS (SELECT 1 FROM json_each(memory_ids) WHERE value = ?2))""",
            (user_id, id_, ERASE_WORDS),
        )
        note(db, user_id, id_, at, "delete")


def insert_event(db: sqlite3.Connection, event: PreferenceEvent) -> None:
    """Add an event; one with the same id is replaced."""
    db.execute(
        "INSERT OR REPLACE INTO events(user_id, id, created_at, source_id, evidence) VALUES (?, ?, ?, ?, ?)",
        (event.user_id, event.id, event.created_at, event.source_id, write_evidence(event.evidence)),
    )


def read_events(
    db: sqlite3.Connection, user_id: str, where: str = "1", values: Sequence[object] = ()
) -> list[PreferenceEvent]:
    """A user's events that satisfy `where`, oldest first."""
    sql = f"SELECT * FROM events WHERE user_id = ? AND {where} ORDER BY created_at, seq"
    return [
        PreferenceEvent(row["id"], user_id, row["created_at"], row["source_id"], read_evidence(row["evidence"]))
        for row in db.execute(sql, (user_id, *values))
    ]


def counting_events(db: sqlite3.Connection, user_id: str, now: float) -> list[PreferenceEvent]:
    """The events that count at `now`: all but those whose memory is out of use."""
    linked = (
        "EXISTS (SELECT 1 FROM memories m WHERE m.user_id = events.user_id AND m.id = events.source_id AND NOT ({}))"
    )
    return read_events(db, user_id, f"NOT {linked.format(IN_USE)}", (now,))


def insert_turn(db: sqlite3.Connection, turn: Turn) -> None:
    """Store a turn; one with the same id is replaced."""
    db.execute(
        """INSERT OR REPLACE INTO turns(user_id, id, created_at, prompt, generic, personal, seed, weights, memory_ids,
           difference, heads_sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            turn.user_id, turn.id, turn.created_at, turn.prompt, turn.generic, turn.personal, turn.seed,
            json.dumps(dict(turn.weights)), json.dumps(turn.memory_ids), json.dumps(dict(turn.difference)),
            turn.heads_sha256,
        ),
    )  # fmt: skip


def turn_of(row: sqlite3.Row) -> Turn:
    """A row of turns as a Turn."""
    return Turn(
        user_id=row["user_id"], id=row["id"], created_at=row["created_at"], prompt=row["prompt"],
        generic=row["generic"], personal=row["personal"], seed=row["seed"], weights=json.loads(row["weights"]),
        memory_ids=tuple(json.loads(row["memory_ids"])), difference=json.loads(row["difference"]),
        heads_sha256=row["heads_sha256"],
    )  # fmt: skip


def must_lose_words(db: sqlite3.Connection, turn: Turn) -> bool:
    """Whether something the turn says or used was deleted while it ran."""
    if db.execute(
        "SELECT 1 FROM history WHERE user_id = ? AND id = ? AND action = ?", (turn.user_id, turn.id, ERASE_WORDS)
    ).fetchone():
        return True
    there = {row["id"] for row in db.execute("SELECT id FROM memories WHERE user_id = ?", (turn.user_id,))}
    return not there.issuperset(turn.memory_ids)


def forgotten_since(db: sqlite3.Connection, user_id: str, started: float) -> bool:
    """Whether the user asked to be forgotten after `started`."""
    row = db.execute(
        "SELECT 1 FROM history WHERE user_id = ? AND action = 'forget' AND at > ?", (user_id, started)
    ).fetchone()
    return row is not None


def delete_user(db: sqlite3.Connection, user_id: str) -> None:
    """Delete everything of a user but the history, which holds no words."""
    for table in ("memories", "origins", "events", "turns"):
        db.execute(f"DELETE FROM {table} WHERE user_id = ?", (user_id,))


def note(db: sqlite3.Connection, user_id: str, id_: str, at: float, action: str) -> None:
    """Add a line to the history: who, what, when; no words."""
    db.execute("INSERT INTO history(user_id, id, at, action) VALUES (?, ?, ?, ?)", (user_id, id_, at, action))
