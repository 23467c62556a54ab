"""One Chroma collection in one directory: explicit vectors, always read by user. Knows no ledger and no ranking.

Chroma's many exceptions leave this module as one, BrokenIndexError; importing it does not import chromadb.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.collection_configuration import CreateHNSWConfiguration
    from chromadb.api.models.Collection import Collection

_COLLECTION = "memories"
_BATCH = 5_000  # Chroma takes 5,461 at most

# Chroma writes its graph file from memory it never cleared, so words this process handled, forgotten ones too, would
# reach the disk. The graph is of no use here, for ranking is exact: it is never written again after the first time
# (its rows are replayed from Chroma's own SQLite), and what was written then is blanked.
_HNSW: CreateHNSWConfiguration = {"space": "cosine", "sync_threshold": 10**9}
_UNCLEARED = ("data_level0.bin", "length.bin")


class BrokenIndexError(Exception):
    """Chroma failed; the ledger still answers and the index has to be rebuilt."""


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """What the index holds of one memory; `vector` is (E,) float32."""

    user_id: str
    id: str
    text: str
    vector: NDArray[np.float32]

    @property
    def key(self) -> str:
        """Unique over all users: an imported memory keeps its id, so ids alone are not. Ids hold no line break."""
        return _key(self.user_id, self.id)


class VectorIndex:
    """An open collection; errors are BrokenIndexError."""

    def __init__(self, directory: Path, client: Client, collection: Collection) -> None:
        self.directory = directory
        self._client = client
        self._collection = collection
        self._blanked = False

    @classmethod
    def open(cls, directory: Path, *, create: bool) -> VectorIndex:
        """Open the collection in `directory`, or make an empty one there."""
        with _faults(), ExitStack() as undo:
            if create:
                directory.mkdir(mode=0o700)
            client = _client(directory)
            undo.callback(client.close)
            if create:
                collection = client.create_collection(
                    _COLLECTION, embedding_function=None, configuration={"hnsw": _HNSW}
                )
            else:
                # Without the explicit None a default is chosen that would download weights.
                collection = client.get_collection(_COLLECTION, embedding_function=None)
            undo.pop_all()
        return cls(directory, client, collection)

    def put(self, entries: Sequence[IndexEntry]) -> None:
        """Add or replace entries."""
        with _faults():
            for start in range(0, len(entries), _BATCH):
                batch = entries[start : start + _BATCH]
                self._collection.upsert(
                    ids=[entry.key for entry in batch],
                    embeddings=np.stack([entry.vector for entry in batch]),  # (B, E)
                    documents=[entry.text for entry in batch],
                    metadatas=[{"user_id": entry.user_id} for entry in batch],
                )
            if not self._blanked:
                _blank(self.directory)
                self._blanked = True

    def remove(self, user_id: str, ids: Sequence[str]) -> None:
        """Remove entries; a missing one is no error."""
        if ids:
            with _faults():
                self._collection.delete(ids=[_key(user_id, id_) for id_ in ids], where={"user_id": user_id})

    def entries(self, user_id: str) -> dict[str, IndexEntry]:
        """Every entry of one user, by memory id."""
        with _faults():
            found = self._collection.get(where={"user_id": user_id}, include=["embeddings", "documents"])
            vectors, texts = found["embeddings"], found["documents"]
            if vectors is None or texts is None:
                raise ValueError("Chroma left out what was asked for")
            ids = [key.partition("\n")[2] for key in found["ids"]]
            rows = zip(ids, texts, vectors, strict=True)
            return {id_: IndexEntry(user_id, id_, text, np.asarray(row, np.float32)) for id_, text, row in rows}

    def count(self) -> int:
        """Entries of all users together."""
        with _faults():
            return self._collection.count()

    def close(self) -> None:
        """Close the client, so that the files hold everything."""
        with _faults():
            self._client.close()


def fingerprint(directory: Path) -> Mapping[str, str]:
    """SHA-256 of every file below `directory`, by relative path; empty where there is none."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): _sha256(path) for path in files}


def _blank(directory: Path) -> None:
    """Overwrite, in place, the graph files, which hold no element."""
    for path in directory.glob("*/*"):
        if path.name in _UNCLEARED:
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _key(user_id: str, id_: str) -> str:
    return f"{user_id}\n{id_}"


def _client(directory: Path) -> Client:
    from chromadb.api.client import Client
    from chromadb.config import Settings

    # Left alone, Settings reads a .env file in whatever folder the program was started from.
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        anonymized_telemetry=False,
        is_persistent=True,
        persist_directory=str(directory),
    )
    return Client(settings=settings)


@contextmanager
def _faults() -> Iterator[None]:
    try:
        # Importing chromadb reads settings too, and fails on a bad one.
        from chromadb.errors import ChromaError
    except (ImportError, ValueError, OSError) as error:
        raise BrokenIndexError(f"chromadb cannot be used: {error}") from error
    try:
        yield
    except (ChromaError, RuntimeError, ValueError, TypeError, KeyError, OSError) as error:
        raise BrokenIndexError(f"{type(error).__name__}: {error}") from error
