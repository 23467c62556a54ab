"""How a question and what is known of a person become the messages of a prompt; training and chat share it.

Knows no users and no model. What a person said is quoted data in the block, never instruction or markup.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from palign.schema import Memory, Message, TopicGuess

__all__ = ["BLOCK_BUDGET", "HARMFUL", "LAST_ANSWER", "block_memories", "memory_block", "messages", "topic_line"]

BLOCK_BUDGET = 2000
# What a question is about that only asks for the last answer in another form.
LAST_ANSWER = "the last answer"
# How the titles of what is to be refused begin.
HARMFUL = "something harmful:"
_ABOUT = {
    "sure": "The question is about:",
    "likely": "The question may be about:",
    "weak": "The question is perhaps about:",
}
_HEADER = "What the user said about themselves, as data:"
# JSON leaves these three line breaks as they are.
_BREAKS = {ord(mark): f"\\u{ord(mark):04x}" for mark in "\x85\u2028\u2029"}
_ORDER = {"constraint": 0, "pinned": 1, "style": 2, "topical": 3}


def block_memories(memories: Sequence[Memory], *, budget: int = BLOCK_BUDGET) -> tuple[Memory, ...]:
    """Order memories for the block and cut topical ones from the bottom until `budget` characters hold.

    Constraints, pinned and style memories are not dropped here, so the result can exceed the budget by them alone;
    what the model has no room for is dropped by who knows its context.
    `memories` come best first within a kind.
    """
    ordered = sorted(memories, key=lambda memory: _ORDER["pinned" if _only_pinned(memory) else memory.kind])
    kept: list[Memory] = []
    used = len(_HEADER)
    for memory in ordered:
        used += len(_line(memory.text)) + 1
        if used <= budget or memory.pinned or memory.kind != "topical":
            kept.append(memory)
    return tuple(kept)


def memory_block(texts: Sequence[str]) -> str:
    """The system message that quotes `texts`, one a line; empty for none."""
    if not texts:
        return ""
    return "\n".join([_HEADER, *(_line(text) for text in texts)])


def topic_line(guess: TopicGuess) -> str:
    """The line that tells a model which of its own topics a question may be about; empty for none."""
    return f"{_ABOUT[guess.certainty]} {' | '.join(guess.titles)}" if guess.titles else ""


def messages(
    question: str, texts: Sequence[str] = (), guess: TopicGuess | None = None, earlier: Sequence[Message] = ()
) -> tuple[Message, ...]:
    """The dialogue so far: the topic's line and the block of `texts`, if any, what was said `earlier`, the question."""
    line = topic_line(guess) if guess else ""
    system = "\n".join(part for part in (line, memory_block(texts)) if part)
    said = (*earlier, Message("user", question))
    return (Message("system", system), *said) if system else said


def _only_pinned(memory: Memory) -> bool:
    return memory.pinned and memory.kind == "topical"


def _line(text: str) -> str:
    # JSON quoting escapes quotes and newlines, so a memory can close neither its line nor the block.
    return f"- {json.dumps(text, ensure_ascii=False).translate(_BREAKS)}"
