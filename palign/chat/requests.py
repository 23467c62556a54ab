"""What a turn may ask: text that is text, numbers in range; and which part of it is the question. Knows no user."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from palign.preferences import ParsedSentence
from palign.prompts import HARMFUL, LAST_ANSWER
from palign.schema import ConfigError, InvalidTextError, TopicGuess, Turn, TurnRequest

__all__ = ["LONGEST_TEXT", "Asked", "clean_text", "is_follow_up", "question_in", "require_valid"]

LONGEST_TEXT = 4000


# Who speaks of themselves, or of all answers, states a taste, even where the words would also do for the last answer.
_LASTING = re.compile(r"\b(i|i'm|i'd|my|always|never|answers|from now on|in future|remember)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, what its subject is read as, and the turn that it goes back to, if any."""

    question: str
    guess: TopicGuess
    earlier: Turn | None = None

    @property
    def subject(self) -> str:
        """The question that names what all this is about."""
        return self.earlier.prompt if self.earlier else self.question


def is_follow_up(text: str, guess: TopicGuess, parsed: Sequence[ParsedSentence]) -> bool:
    """Whether a message read as `guess` asks for the last answer in another form and for nothing else."""
    if guess.titles[:1] != (LAST_ANSWER,) or guess.certainty == "weak":
        return False
    if any(title.startswith(HARMFUL) for title in guess.titles):
        return False
    return not (any(sentence.is_statement for sentence in parsed) and _LASTING.search(text))


def clean_text(text: str, *, what: str) -> str:
    """The text without control characters and outer white space.

    Raises:
        InvalidTextError: nothing readable is left, it is too long, or it cannot be stored as UTF-8.
    """
    if len(text) > LONGEST_TEXT:
        raise InvalidTextError(
            f"The {what} has {len(text):,} characters; {LONGEST_TEXT:,} are read.", hint="Shorten it and send it again."
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidTextError(f"The {what} holds half a character.", hint="Type it again without that character.")
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc").strip()
    if not any(unicodedata.category(character)[0] in "LNPS" for character in kept):
        raise InvalidTextError(f"The {what} holds no readable text.", hint="Type some words.")
    return kept


def require_valid(request: TurnRequest) -> None:
    """Check the numbers that the decoder's own settings do not.

    Raises:
        ConfigError: names the argument and its range.
    """
    if math.isnan(request.strength) or not 0 <= request.strength <= 1:
        raise ConfigError(f"strength is {request.strength}.", hint="Use a number from 0 to 1.")


def question_in(text: str, parsed: Sequence[ParsedSentence]) -> str:
    """What is left to answer, as it was typed; empty where the message only states things.

    Style and diet work through memory and are cut out, while other facts belong to the question's sense.
    """
    if parsed and all(sentence.is_statement for sentence in parsed):
        return ""
    end = 0
    located: list[tuple[bool, int, int]] = []
    for sentence in parsed:
        start = text.index(sentence.text, end)
        end = start + len(sentence.text)
        located.append((not sentence.is_statement or sentence.kind == "topical", start, end))
    runs = [(asked, list(run)) for asked, run in groupby(located, key=lambda place: place[0])]
    pieces = []
    for number, (asked, run) in enumerate(runs):
        first = run[0][1] if number else 0
        last = run[-1][2] if number + 1 < len(runs) else len(text)
        if asked:
            pieces.append(text[first:last])
    return " ".join(pieces).strip() if runs else text
