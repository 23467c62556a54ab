"""Ends a writing process at random moments: what it was told is stored is stored, and the store opens."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from word_encoder import WordEncoder

from palign.memory import PreferenceMemory
from palign.schema import Stance

pytestmark = pytest.mark.kill

KILLS = 20
ROOT = Path(__file__).resolve().parents[2]


def run_until_killed(folder: Path, seed: int) -> list[list[str]]:
    """Start the worker, kill it at a random moment after it is ready, and return what it said in whole lines."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("worker.py")), str(folder), str(seed)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
    ) as worker:  # fmt: skip
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        timer = threading.Timer(random.Random(seed).uniform(0, 1.5), worker.kill)
        timer.start()
        lines = worker.stdout.readlines()  # until it is dead
        timer.join()
    assert worker.returncode == -signal.SIGKILL
    return [line.split() for line in lines if line.endswith("\n")]


def test_after_twenty_kills_every_acknowledged_write_is_there_and_the_store_opens(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    words = ("added", "deleting", "deleted", "voted", "stored", "told", "forgetting", "forgot")
    said: dict[str, set[str]] = {word: set() for word in words}
    for seed in range(KILLS):
        for word, id_ in run_until_killed(folder, seed):
            said[word].add(id_)
            if word in ("forgetting", "forgot"):  # forgetting takes all that was told before
                said[word] |= said["told"]
        with PreferenceMemory.open(folder, WordEncoder()) as store:
            memories = {memory.id for memory in store.memories("ann")}
            events = store.events("ann")
            assert said["added"] - said["deleting"] <= memories
            assert not said["deleted"] & memories
            assert said["voted"] <= {event.id for event in events}
            assert said["stored"] <= {turn.id for turn in store.turns("ann", limit=100_000)}
            linked = sorted(event.source_id for event in events if isinstance(event.evidence, Stance))
            assert linked == sorted(memories), "a memory and its stance are stored together or not at all"
            hits = store.search("ann", "fact", limit=100_000)
            assert {hit.memory.id for hit in hits} == memories
            assert store.state().index_ready
            secrets = {memory.id for memory in store.memories("bob")}
            assert said["told"] - said["forgetting"] <= secrets
            assert not said["forgot"] & secrets
        disk = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        assert (b"secret" in disk) is bool(secrets)
    assert len(said["added"]) > KILLS, "the kills came before anything was written"
    assert said["forgot"], "the kills came before anything was forgotten"
