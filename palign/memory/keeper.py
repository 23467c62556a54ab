"""Keeps the Chroma index in step with the ledger: opens it only when it is clean, rebuilds it, drops it when it fails.

Knows no rule about memories. Losing the index loses nothing: every method works, or says None, without one.
"""

from __future__ import annotations

import json
import logging
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from palign.memory.index import BrokenIndexError, IndexEntry, VectorIndex, fingerprint
from palign.memory.ledger import Ledger
from palign.memory.rows import vector_of
from palign.schema import MemoryStoreError

logger = logging.getLogger(__name__)

PREFIX = "index-"
_INDEXED = "superseded_by IS NULL AND NOT paused"


class IndexKeeper:
    """The index of one ledger, in a directory beside it whose name the ledger records.

    The clean flag and a SHA-256 per file are set after an orderly close and cleared before the next use, so an index
    that a crash or anything else touched is thrown away, never opened: opening a damaged one can hang or end the
    process.
    """

    def __init__(self, ledger: Ledger, folder: Path | None) -> None:
        self._ledger = ledger
        self._folder = folder
        self._index: VectorIndex | None = None

    @property
    def ready(self) -> bool:
        """Whether searches are answered by the index; otherwise by the ledger."""
        return self._index is not None

    def open(self) -> None:
        """Open the index where it is clean, otherwise build a new one."""
        if self._folder is None:
            return
        directory = self._clean_directory()
        if directory is None:
            self.rebuild()
            return
        self._ledger.set_meta({"index_clean": "0"})
        try:
            self._index = VectorIndex.open(directory, create=False)
            expected = self._ledger.read(f"SELECT COUNT(*) AS n FROM memories WHERE {_INDEXED}")[0]["n"]
            if self._index.count() != expected:
                raise BrokenIndexError("the index and the ledger hold different numbers of memories")
        except BrokenIndexError as fault:
            self.drop(fault)
            self.rebuild()

    def _clean_directory(self) -> Path | None:
        name = self._ledger.meta("index_directory")
        if self._folder is None or name is None or self._ledger.meta("index_clean") != "1":
            return None
        directory = self._folder / name
        expected = json.loads(self._ledger.meta("index_files") or "{}")
        try:
            return directory if expected and fingerprint(directory) == expected else None
        except OSError:
            return None

    def rebuild(self) -> None:
        """Write a new index into a new directory and remove every old one.

        Raises:
            MemoryStoreError: an old directory cannot be removed; its words are still on the disk.
        """
        if self._folder is None:
            return
        self._release()
        directory = self._folder / f"{PREFIX}{uuid.uuid4().hex[:12]}"
        self._ledger.set_meta({"index_directory": directory.name, "index_clean": "0"})
        self.remove_directories()
        try:
            self._index = VectorIndex.open(directory, create=True)
            self._index.put(self._indexable())
        except BrokenIndexError as fault:
            self.drop(fault)

    def remove_directories(self) -> None:
        """Remove every index directory.

        Raises:
            MemoryStoreError: one cannot be removed.
        """
        for directory in self._folder.glob(f"{PREFIX}*") if self._folder is not None else ():
            try:
                shutil.rmtree(directory)
            except OSError as error:
                raise MemoryStoreError(
                    f"The old index {directory} cannot be removed: {error.strerror}.",
                    hint="Make the folder writable, then try again: until then deleted words are still on the disk.",
                ) from error

    def _indexable(self) -> list[IndexEntry]:
        rows = self._ledger.read(f"SELECT user_id, id, text, embedding FROM memories WHERE {_INDEXED} ORDER BY seq")
        return [IndexEntry(row["user_id"], row["id"], row["text"], vector_of(row)) for row in rows]

    def update(self, user_id: str, *, put: Sequence[IndexEntry], remove: Sequence[str]) -> None:
        """Follow a committed write; a failure leaves the write standing and drops the index."""
        if self._index is None:
            return
        try:
            self._index.remove(user_id, remove)
            if put:
                self._index.put(put)
        except BrokenIndexError as fault:
            self.drop(fault)

    def entries(self, user_id: str) -> Mapping[str, IndexEntry] | None:
        """A user's entries by memory id, or None where the ledger has to answer."""
        if self._index is None:
            return None
        try:
            return self._index.entries(user_id)
        except BrokenIndexError as fault:
            self.drop(fault)
            return None

    def drop(self, fault: Exception) -> None:
        """Stop using the index until it is rebuilt; the clean flag is already cleared."""
        logger.warning("The memory index is out of use until the store is opened again: %s", fault)
        self._release()

    def _release(self) -> None:
        index, self._index = self._index, None
        if index is not None:
            try:
                index.close()
            except BrokenIndexError as fault:
                logger.warning("The memory index could not be closed: %s", fault)

    def close(self) -> None:
        """Close the index and, where it was whole, record that it is clean."""
        if self._index is None:
            return
        directory, index = self._index.directory, self._index
        self._index = None
        try:
            index.close()
            files = json.dumps(fingerprint(directory))
            with self._ledger.transaction():
                self._ledger.set_meta({"index_files": files, "index_clean": "1"})
        except (BrokenIndexError, OSError, MemoryStoreError) as fault:
            logger.warning("The memory index could not be closed and will be rebuilt: %s", fault)

    def discard(self) -> None:
        """Close the index and remove its files; the next opening builds it anew."""
        self._release()
        self.remove_directories()
