"""The two prompts of a turn, and which memories the personal one has room for. Knows no user, no store and no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from palign.prompts import messages
from palign.schema import ContextLengthError, MemoryHit, Message, Tokenizer, TopicGuess, Turn

__all__ = ["Prompts", "write_prompts"]

_EARLIER_CHARACTERS = 900
_TOO_MUCH = "Pause or shorten memories that are always kept in mind, or shorten the question."


@dataclass(frozen=True, slots=True)
class Prompts:
    """Token ids of either prompt, and the memories that the personal one holds."""

    generic: list[int]
    personal: list[int]
    memories: tuple[MemoryHit, ...]


def write_prompts(
    tokenizer: Tokenizer, question: str, hits: Sequence[MemoryHit], *, guess: TopicGuess, context: int,
    max_new_tokens: int, earlier: Turn | None = None,
) -> Prompts:  # fmt: skip
    """Encode the question, beside what it may be about, without and with `hits`.

    Constraints come first; the rest are dropped from the bottom until all fits.
    What fits leaves the answer `max_new_tokens`, or half of the question's room where that is less: an answer that may
    fill the whole context would leave no place for any memory. What was said `earlier`, in either prompt its own
    answer, is left out where it would take half of the context, or the room of a constraint.

    Raises:
        ContextLengthError: the question alone leaves no room, or the constraints, which are never dropped, do not fit.
    """
    if earlier is None:
        return _written(tokenizer, question, hits, guess, context, max_new_tokens, ((), ()))
    said = _said(earlier, earlier.generic), _said(earlier, earlier.personal)
    if all(len(tokenizer.encode_chat(messages(question, (), guess, side))) <= context // 2 for side in said):
        try:
            return _written(tokenizer, question, hits, guess, context, max_new_tokens, said)
        except ContextLengthError:
            pass
    return _written(tokenizer, question, hits, guess, context, max_new_tokens, ((), ()))


def _written(
    tokenizer: Tokenizer, question: str, hits: Sequence[MemoryHit], guess: TopicGuess, context: int,
    max_new_tokens: int, said: tuple[Sequence[Message], Sequence[Message]],
) -> Prompts:  # fmt: skip
    generic, personal = (tokenizer.encode_chat(messages(question, (), guess, side)) for side in said)
    kept: list[str] = []
    longest = max(len(generic), len(personal))
    if longest >= context:
        raise ContextLengthError(longest, context)
    limit = context - min(max_new_tokens, (context - longest) // 2)
    for hit in hits:
        longer = tokenizer.encode_chat(messages(question, [*kept, hit.memory.text], guess, said[1]))
        if len(longer) > limit:
            if hit.memory.kind == "constraint":
                raise ContextLengthError(len(longer), limit, hint=_TOO_MUCH)
            break
        personal = longer
        kept.append(hit.memory.text)
    return Prompts(generic, personal, tuple(hits[: len(kept)]))


def _said(earlier: Turn, answer: str) -> tuple[Message, Message]:
    return Message("user", _cut(earlier.prompt)), Message("assistant", _cut(answer))


def _cut(text: str) -> str:
    """What is said again needs to be known, not to be whole."""
    return text if len(text) <= _EARLIER_CHARACTERS else text[:_EARLIER_CHARACTERS].rsplit(" ", 1)[0] + " ..."
