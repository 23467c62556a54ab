"""What users said and how they voted: kept, searched, exported and erased. Knows no models and no screen."""

from __future__ import annotations

from palign.memory.store import PreferenceMemory, StoreState

__all__ = ["PreferenceMemory", "StoreState"]
