"""The SQLite file that is the truth: how it is opened, written in transactions, scrubbed and closed.

Knows no vectors, no Chroma and no rule about memories; every sqlite3 error leaves it as a MemoryStoreError.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from palign.schema import MemoryStoreError

SCHEMA_VERSION = 1

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "temp_store=MEMORY", "busy_timeout=800")

_TABLES = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE memories(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL,
    text_hash TEXT NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, created_at REAL NOT NULL, slot TEXT,
    pinned INTEGER NOT NULL, paused INTEGER NOT NULL, provenance TEXT, superseded_by TEXT, expires_at REAL,
    uses INTEGER NOT NULL, last_used_at REAL, embedding BLOB, UNIQUE(user_id, id));
CREATE UNIQUE INDEX one_value_per_slot ON memories(user_id, slot) WHERE slot IS NOT NULL AND superseded_by IS NULL;
CREATE INDEX memories_by_words ON memories(user_id, text_hash);
CREATE TABLE events(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT NOT NULL, id TEXT NOT NULL, created_at REAL NOT NULL,
    source_id TEXT NOT NULL, evidence TEXT NOT NULL, UNIQUE(user_id, id));
CREATE INDEX events_by_source ON events(user_id, source_id);
CREATE TABLE origins(
    user_id TEXT NOT NULL, memory_id TEXT NOT NULL, turn_id TEXT NOT NULL, PRIMARY KEY(user_id, memory_id, turn_id));
CREATE TABLE turns(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT NOT NULL, id TEXT NOT NULL, created_at REAL NOT NULL,
    prompt TEXT NOT NULL, generic TEXT NOT NULL, personal TEXT NOT NULL, seed INTEGER NOT NULL, weights TEXT NOT NULL,
    memory_ids TEXT NOT NULL, difference TEXT NOT NULL, heads_sha256 TEXT NOT NULL, UNIQUE(user_id, id));
CREATE TABLE history(
    seq INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT NOT NULL, id TEXT NOT NULL, at REAL NOT NULL,
    action TEXT NOT NULL);
CREATE INDEX history_by_user ON history(user_id, action);
"""

_HINTS = {
    sqlite3.SQLITE_FULL: "Free some space on that disk and try again; everything stored before is still there.",
    sqlite3.SQLITE_READONLY: "Make the folder writable, or set PALIGN_DATA to a folder you may write to.",
    sqlite3.SQLITE_CANTOPEN: "Make the folder writable, or set PALIGN_DATA to a folder you may write to.",
    sqlite3.SQLITE_CORRUPT: "Nothing was changed: put the file back from a backup, or move it away to start afresh.",
    sqlite3.SQLITE_NOTADB: "Nothing was changed: put the file back from a backup, or move it away to start afresh.",
    sqlite3.SQLITE_BUSY: "Close the other program that has the file open and try again.",
    sqlite3.SQLITE_LOCKED: "Close the other program that has the file open and try again.",
}
_DEFAULT_HINT = "Check the disk and the rights on the folder, then start palign again; what was stored is still there."


class Ledger:
    """One connection to one ledger file, or to one in memory. Not locked: the store holds its own lock around it."""

    def __init__(self, path: Path | None, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path | None) -> Ledger:
        """Open the ledger at `path`, or an empty one in memory for None; a damaged file is left as it is.

        Raises:
            MemoryStoreError: it is damaged, not a ledger, written by a newer version, or cannot be written.
        """
        with _mapped(path):
            if path is not None:
                # Made here so that only its owner can read it; SQLite gives its other files the same rights.
                path.touch(mode=0o600)
            # One connection serves every thread, under the store's lock; transactions are begun by hand.
            connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            ledger = cls(path, connection)
        try:
            with _mapped(path):
                ledger._prepare()
        except MemoryStoreError:
            connection.close()
            raise
        return ledger

    def _prepare(self) -> None:
        verdict = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise damage(self.path, verdict)
        for pragma in _PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}").fetchall()
        if not self._connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            with self.transaction() as db:
                for statement in _TABLES.strip().rstrip(";").split(";\n"):
                    db.execute(statement)
                self.set_meta({"schema": str(SCHEMA_VERSION)})
        self._require_schema()
        self.checkpoint()

    def _require_schema(self) -> None:
        found = self.meta("schema")
        if found != str(SCHEMA_VERSION):
            raise MemoryStoreError(
                f"The store {self.path} has schema {found} and this palign reads {SCHEMA_VERSION}.",
                hint="Use the palign that wrote it, or set PALIGN_DATA to another folder.",
            )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block or nothing of it; leaving the block without an error means it is durable.

        Raises:
            MemoryStoreError: SQLite refused; the ledger is as it was before the block.
        """
        with _mapped(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk may already have ended the transaction.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for several queries.

        Raises:
            MemoryStoreError: the ledger cannot be read.
        """
        with _mapped(self.path):
            yield self._connection

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Rows of a query.

        Raises:
            MemoryStoreError: the ledger cannot be read.
        """
        with _mapped(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def meta(self, key: str) -> str | None:
        """A fact about the store itself, or None."""
        rows = self.read("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0]["value"]) if rows else None

    def set_meta(self, values: dict[str, str]) -> None:
        """Store facts about the store itself, as part of the running transaction where there is one."""
        with _mapped(self.path):
            self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def checkpoint(self) -> bool:
        """Move the write-ahead log into the ledger and cut it to nothing; whether other readers let it."""
        busy = self.read("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]
        return not busy

    def scrub(self) -> None:
        """Leave no byte of deleted rows in any file.

        secure_delete alone is not enough: cells that move when pages are split or balanced leave copies behind, as each
        of five trials with 3,000 rows showed, and only a rewrite of the file removes them.

        Raises:
            MemoryStoreError: another program reads an older state, which the write-ahead log must keep for it.
        """
        self._require_cut_log()  # before the costly part as well
        with _mapped(self.path):
            self._connection.execute("VACUUM")
        self._require_cut_log()

    def _require_cut_log(self) -> None:
        if not self.checkpoint():
            raise MemoryStoreError(f"Another program is reading {self.path}.", hint=_HINTS[sqlite3.SQLITE_BUSY])

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with _mapped(self.path):
            self._connection.close()


def damage(path: Path | None, verdict: str) -> MemoryStoreError:
    """The error for a ledger whose pages do not fit together."""
    return MemoryStoreError(f"The store {path} is damaged: {verdict}.", hint=_HINTS[sqlite3.SQLITE_CORRUPT])


@contextmanager
def _mapped(path: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MemoryStoreError(
            f"The store {path} failed: {error.strerror}.", hint=_HINTS[sqlite3.SQLITE_CANTOPEN]
        ) from error
    except sqlite3.Error as error:
        # The low byte is the primary code; errors raised by the module itself carry none.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        where = path or "in memory"
        raise MemoryStoreError(f"The store {where} failed: {error}.", hint=_HINTS.get(code, _DEFAULT_HINT)) from error
