"""The ledger, the index and the lock of one store as one thing: opened, read, written in step, swept and closed.

Knows rows and vectors, and no rule about what a memory or an event means.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Self

import numpy as np
from numpy.typing import NDArray

from palign.memory import rows
from palign.memory.checks import require_id
from palign.memory.index import BrokenIndexError, IndexEntry
from palign.memory.keeper import PREFIX, IndexKeeper
from palign.memory.ledger import Ledger
from palign.memory.lock import FolderLock
from palign.schema import Encoder, Memory, MemoryStoreError

logger = logging.getLogger(__name__)

_LEDGER = "ledger.sqlite3"
_DAY = 86_400.0


class Vault:
    """What is open of one store.

    Threads share one connection under one lock, which `reading` and `writing` hold; texts are encoded outside it.
    """

    def __init__(self, folder: Path | None, ledger: Ledger, encoder: Encoder, clock: Callable[[], float]) -> None:
        """Use `open`."""
        self.folder = folder
        self.encoder = encoder
        self.now = clock
        self.ledger = ledger
        self.index = IndexKeeper(ledger, folder)
        self._lock = threading.RLock()
        self._held = ExitStack()
        self._open = True

    @classmethod
    def open(cls, folder: Path | None, encoder: Encoder, clock: Callable[[], float]) -> Self:
        """Open the store in `folder`, or an empty one in memory, without an index, for None.

        Raises:
            MemoryStoreError: the folder is in use, cannot be written, or its ledger is damaged or missing.
        """
        with ExitStack() as held:
            if folder is not None:
                held.callback(FolderLock.acquire(folder).release)
                _require_ledger(folder)
            ledger = Ledger.open(None if folder is None else folder / _LEDGER)
            held.callback(ledger.close)
            vault = cls(folder, ledger, encoder, clock)
            vault._adopt_encoder()
            vault._sweep(rebuild=False)
            vault.index.open()
            held.callback(vault.index.close)
            vault._held = held.pop_all()
            return vault

    def close(self) -> None:
        """Erase what was deleted to the last byte, mark the index clean and let the next process in."""
        with self._lock, self._held.pop_all():
            if self._open:
                self._open = False
                self._sweep(rebuild=False)

    def _adopt_encoder(self) -> None:
        """Encode every text anew where another encoder, or none, wrote the vectors: two kinds are never mixed."""
        mine = {
            "encoder_name": self.encoder.name,
            "encoder_sha256": self.encoder.sha256,
            "encoder_dim": str(self.encoder.dim),
        }
        if all(self.ledger.meta(key) == value for key, value in mine.items()):
            return
        found = self.ledger.read("SELECT seq, text FROM memories WHERE superseded_by IS NULL")
        vectors = self.encode([row["text"] for row in found])
        with self.ledger.transaction() as db:
            for row, vector in zip(found, vectors, strict=True):
                db.execute("UPDATE memories SET embedding = ? WHERE seq = ?", (rows.blob(vector), row["seq"]))
            self.ledger.set_meta(mine | {"index_clean": "0"})

    # Vectors

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """One vector per text, (E,) float32."""
        return list(self.encoder.encode_document(texts)) if texts else []

    def vectors_of(self, db: Connection, user_id: str, memories: Sequence[Memory]) -> list[NDArray[np.float32]]:
        """One vector per memory, from the index, or from the ledger where there is none or it does not agree."""
        indexed = self.index.entries(user_id)
        if indexed is not None:
            found = [indexed.get(memory.id) for memory in memories]
            whole = [
                entry for entry, memory in zip(found, memories, strict=True) if entry and entry.text == memory.text
            ]
            if len(whole) == len(memories):
                return [entry.vector for entry in whole]
            self.index.drop(BrokenIndexError("the index lacks memories that the ledger holds"))
        stored = db.execute("SELECT id, embedding FROM memories WHERE user_id = ? AND embedding NOT NULL", (user_id,))
        by_id = {row["id"]: rows.vector_of(row) for row in stored}
        return [by_id[memory.id] for memory in memories]

    # Reading and writing

    def counts(self) -> dict[str, int]:
        """Rows over all users: users, memories, events, turns."""
        with self._lock:
            row = self.ledger.read(
                """SELECT (SELECT COUNT(*) FROM memories) AS memories, (SELECT COUNT(*) FROM events) AS events,
                   (SELECT COUNT(*) FROM turns) AS turns,
                   (SELECT COUNT(*) FROM (SELECT user_id FROM memories UNION SELECT user_id FROM events
                                          UNION SELECT user_id FROM turns)) AS users"""
            )[0]
        return {key: row[key] for key in row.keys()}  # noqa: SIM118 (iterating a Row gives values)

    @contextmanager
    def reading(self, user_id: str) -> Iterator[Connection]:
        """The connection, while nobody writes."""
        require_id(user_id, what="user id")
        with self._lock, self.ledger.reading() as db:
            yield db

    @contextmanager
    def writing(self, user_id: str) -> Iterator[tuple[Connection, list[str]]]:
        """A transaction; afterwards the index follows for the memory ids the block listed."""
        require_id(user_id, what="user id")
        touched: list[str] = []
        with self._lock:
            with self.ledger.transaction() as db:
                yield db, touched
            self._follow(user_id, touched)
            self._sweep(rebuild=True, older_than=_DAY)

    def _follow(self, user_id: str, touched: Sequence[str]) -> None:
        """Bring the index to what the ledger says of these memories."""
        put: list[IndexEntry] = []
        if self.index.ready and touched:
            found = self.ledger.read(
                """SELECT id, text, embedding FROM memories
                   WHERE user_id = ? AND superseded_by IS NULL AND NOT paused""",
                (user_id,),
            )
            put = [IndexEntry(user_id, r["id"], r["text"], rows.vector_of(r)) for r in found if r["id"] in set(touched)]
        kept = {entry.id for entry in put}
        self.index.update(user_id, put=put, remove=[id_ for id_ in touched if id_ not in kept])

    # Erasing the last bytes

    def mark_residue(self) -> None:
        """Record, in the running transaction, that it leaves words behind in free pages until the next sweep."""
        if self.ledger.meta("residue_since") is None:
            self.ledger.set_meta({"residue_since": str(self.now())})

    def _sweep(self, *, rebuild: bool, older_than: float = 0.0) -> None:
        """Erase what deletions left behind; where the disk refuses, say so and leave it for the next sweep."""
        since = self.ledger.meta("residue_since")
        if since is None or self.now() - float(since) < older_than:
            return
        try:
            self.erase(rebuild=rebuild)
        except MemoryStoreError as error:
            logger.warning("Deleted words could not be erased from the disk yet: %s", error)

    def erase(self, *, rebuild: bool = True) -> None:
        """Leave no byte of deleted rows in any file; without `rebuild` the index is made anew at the next opening.

        Raises:
            MemoryStoreError: the disk refused; the rows are deleted and the next sweep tries again.
        """
        with self._lock:
            if rebuild:
                self.index.rebuild()
            else:
                self.index.discard()
            self.ledger.scrub()
            with self.ledger.transaction() as db:
                db.execute("DELETE FROM meta WHERE key = 'residue_since'")


def _require_ledger(folder: Path) -> None:
    """An index beside no ledger, or an empty one, means the ledger was lost; starting afresh would hide that."""
    path = folder / _LEDGER
    if any(folder.glob(f"{PREFIX}*")) and (not path.exists() or path.stat().st_size == 0):
        raise MemoryStoreError(
            f"The store {path} is missing or empty although it was in use.",
            hint=f"Put it back from a backup, or remove {folder} to start afresh.",
        )
