"""Writes to a store without end, and says what it is about to take away and what was acknowledged, line by line."""

from __future__ import annotations

import itertools
import random
import sys
from pathlib import Path

from word_encoder import WordEncoder

from palign.memory import PreferenceMemory
from palign.schema import Comparison, PreferenceEvent, Stance, Turn


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def write(store: PreferenceMemory, chance: random.Random, name: str) -> None:
    """One write of a random kind."""
    match chance.choices(("add", "delete", "vote", "turn", "forget"), (8, 2, 3, 3, 1))[0]:
        case "add":
            memory = store.add("ann", f"fact {name}", kind="topical", events=[Stance("warm", 0.5)])
            say("added", memory.id)
        case "delete" if memories := store.memories("ann"):
            memory = chance.choice(memories)
            say("deleting", memory.id)
            store.delete("ann", memory.id)
            say("deleted", memory.id)
        case "vote":
            vote = Comparison("t", {"warm": 0.1}, "personal", "ab")
            store.append_event(PreferenceEvent(f"vote-{name}", "ann", 1.0, "t", vote))
            say("voted", f"vote-{name}")
        case "turn":
            store.add_turn(Turn("ann", f"turn-{name}", 1.0, "a", "b", "c", 1, {}, (), {}, ""))
            say("stored", f"turn-{name}")
        case "forget":
            memory = store.add("bob", f"secret {name}", kind="topical")
            say("told", memory.id)
            say("forgetting", memory.id)
            store.forget("bob")
            say("forgot", memory.id)


def main(folder: str, seed: str) -> None:
    chance = random.Random(seed)
    with PreferenceMemory.open(Path(folder), WordEncoder()) as store:
        say("ready")
        for n in itertools.count():
            write(store, chance, f"{seed}-{n}")


if __name__ == "__main__":
    main(*sys.argv[1:])
