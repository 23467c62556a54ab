"""A store on disk and one in memory; every law holds for both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from memories import Clock
from word_encoder import WordEncoder

from palign.memory import PreferenceMemory


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["folder", "temporary"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[PreferenceMemory]:
    opened = (
        PreferenceMemory.temporary(WordEncoder(), clock=clock)
        if request.param == "temporary"
        else PreferenceMemory.open(tmp_path / "store", WordEncoder(), clock=clock)
    )
    with opened:
        yield opened
