"""One owner process per store folder, held by a lock the kernel releases when the process dies. Knows no database."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from palign.schema import MemoryStoreError


@dataclass(frozen=True, slots=True)
class FolderLock:
    """An exclusive lock on one folder, held while the file descriptor is open."""

    descriptor: int

    @classmethod
    def acquire(cls, folder: Path) -> FolderLock:
        """Create the folder where it is missing, readable by its owner alone, and lock it without waiting.

        Raises:
            MemoryStoreError: another process holds it, or it cannot be created or written.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise MemoryStoreError(
                f"The data folder {folder} cannot be written: {error.strerror}.",
                hint="Set PALIGN_DATA to a folder you may write to.",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise _refusal(folder, error) from error
        return cls(descriptor)

    def release(self) -> None:
        """Let the next process in."""
        os.close(self.descriptor)


def _refusal(folder: Path, error: OSError) -> MemoryStoreError:
    if isinstance(error, BlockingIOError):
        return MemoryStoreError(
            f"The data folder {folder} is in use by another process.",
            hint="Close the other palign, or set PALIGN_DATA to another folder.",
        )
    return MemoryStoreError(
        f"The data folder {folder} cannot be locked: {error.strerror}.",
        hint="Set PALIGN_DATA to a folder on a local disk.",
    )
