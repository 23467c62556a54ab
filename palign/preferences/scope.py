"""Reads one sentence from left to right: which style words it holds, what turns each around and how strongly.

Knows no ownership, no questions and no memories: only negation, degree and their reach.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from palign.preferences import grammar
from palign.preferences.conditions import Condition, Effect, find_conditions, wish_of
from palign.preferences.vocabulary import Form, StyleWord, style_words
from palign.preferences.words import longest_phrase

__all__ = ["StyleMatch", "read_style", "style_positions"]

_NUMBERS = {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "a few", "twenty", "fifty"}
_AT_MOST = (
    r"(?:(?:in|under|below|max|maximum|at most|no more than|not more than|less than|fewer than|within|only|just|up to"
    r"|a maximum of|maximum of|no longer than|not longer than|shorter than|keep to|limit of|not over"
    r"|never more than) )*"
)
_AT_LEAST = r"(?:at least|minimum|a minimum of|no less than|not less than|no fewer than|no shorter than) "
_COUNT = rf"(?:\d+|{'|'.join(sorted(_NUMBERS))}) (?:(?:or|to) (?:\d+|{'|'.join(sorted(_NUMBERS))}) )?(?:short )?"
_UNIT = r"(?:words?|sentences?|lines?|paragraphs?)\b"
_TRAIL = r"(?: (?:max|maximum|at most|or less|or fewer|tops))?"
_LENGTHS = (
    (re.compile(_AT_LEAST + _COUNT + _UNIT), -1),
    (re.compile(_AT_MOST + _COUNT + _UNIT + _TRAIL), 1),
)
_LONGEST_LENGTH = 12
_JOINERS = {"and", "&", "plus"}
_RESETS = {
    "but",
    "yet",
    "though",
    "although",
    "however",
    "just",
    "instead",
    "rather",
    ":",
    "otherwise",
    "because",
    "so",
}


@dataclass(frozen=True, slots=True)
class StyleMatch:
    """A style phrase between the words `start` and `end`; strength carries the sign, 0 where the visitor shrugs.

    `denied` by a negation ("not too long"), `weakened` to a milder wish, wanted `on_demand` only.
    """

    dimension: str
    strength: float
    start: int
    end: int
    form: Form
    weakened: bool = False
    denied: bool = False
    on_demand: bool = False


@dataclass(slots=True)
class _Reading:
    """Where the reader stands: what is in force, what was found."""

    words: Sequence[str]
    or_ahead: frozenset[int]
    negations: int = 0
    reach: str = ""
    strength: float = grammar.PLAIN_STRENGTH
    degree: float | None = None
    weakened: bool = False
    excess: bool = False
    muted: bool = False
    segment: int = 0
    compares: bool = False
    found: list[StyleMatch] = field(default_factory=list)

    def reset(self) -> None:
        self.negations, self.reach, self.strength = 0, "", grammar.PLAIN_STRENGTH
        self.degree, self.weakened, self.excess = None, False, False


def style_positions(words: Sequence[str]) -> frozenset[int]:
    """Positions covered by style phrases, before any sense is made of them."""
    covered: set[int] = set()
    for start in range(len(words)):
        covered.update(range(start, start + longest_phrase(words, start, style_words())))
    return frozenset(covered)


def read_style(words: Sequence[str]) -> tuple[tuple[StyleMatch, ...], frozenset[int]]:
    """The style phrases of a sentence, and the positions that phrases, negations and degrees account for.

    Words taken out of consideration by the caller (a named context) are expected as empty strings. Style words in a
    condition ("unless I ask for detail") state nothing.
    """
    conditions = find_conditions(words, style_positions(words))
    aside = {position for condition in conditions for position in range(condition.start, condition.end)}
    wishes = ["" if position in aside else word for position, word in enumerate(words)]
    reading = _Reading(wishes, _commas_of_or_chains(wishes))
    covered = set(aside)
    position = 0
    while position < len(words):
        length = _step(reading, position)
        if length:
            covered.update(range(position, position + length))
        position += length or 1
    return _conditioned(words, reading.found, conditions), frozenset(covered)


def _conditioned(
    words: Sequence[str], found: Sequence[StyleMatch], conditions: Sequence[Condition]
) -> tuple[StyleMatch, ...]:
    """Weaken what is wanted sometimes, mark what is wanted on demand; what holds always on a dimension goes before."""
    effects = {
        place: condition.effect
        for condition in conditions
        for place in wish_of(words, condition, [match.start for match in found])
        if condition.effect != "always"
    }
    firm = {match.dimension for match in found if match.start not in effects}
    kept = [match for match in found if match.start not in effects or match.dimension not in firm]
    return tuple(_under(effects.get(match.start), match) for match in kept)


def _under(effect: Effect | None, match: StyleMatch) -> StyleMatch:
    if effect == "sometimes":
        return replace(match, strength=math.copysign(min(abs(match.strength), grammar.SLIGHT), match.strength))
    return replace(match, on_demand=effect == "on demand")


def _commas_of_or_chains(words: Sequence[str]) -> frozenset[int]:
    """Commas a negation reaches across: those before an "or" with no other negation or "but" between."""
    commas: set[int] = set()
    pending: list[int] = []
    for position, word in enumerate(words):
        if word == ",":
            pending.append(position)
        elif word in {"or", "nor"}:
            commas.update(pending)
            pending = []
        elif word in {"no", "not", "without", "but", "never", "less", "use", "be", "keep"}:
            pending = []
    return frozenset(commas)


def _step(reading: _Reading, position: int) -> int:
    """Take in what stands at `position`; how many words it covers, 0 where it says nothing."""
    words = reading.words
    length_limit = _length_limit(words, position)
    if length_limit:
        return _take_length(reading, position, *length_limit)
    style = longest_phrase(words, position, style_words())
    small = _small_words(reading, position, longer_than=style)
    if small:
        return small
    if style:
        return _take_style(reading, position, style)
    return _punctuation(reading, position)


def _length_limit(words: Sequence[str], position: int) -> tuple[int, int] | None:
    text = " ".join(words[position : position + _LONGEST_LENGTH])
    for pattern, sign in _LENGTHS:
        match = pattern.match(text)
        if match:
            return len(match.group().split()), sign
    return None


def _take_length(reading: _Reading, position: int, length: int, sign: int) -> int:
    strength = 0.0 if reading.muted else sign * grammar.PLAIN_STRENGTH
    reading.found.append(StyleMatch("concise", strength, position, position + length, "phrase"))
    reading.reset()
    return length


def _small_words(reading: _Reading, position: int, *, longer_than: int) -> int:
    """Negations, degrees and the like; a style phrase wins unless the small words reach further."""
    words = reading.words

    def reach(table: object) -> int:
        length = longest_phrase(words, position, table)  # type: ignore[arg-type]
        return length if length > longer_than else 0

    if length := reach(grammar.INVITATIONS):
        return length
    if length := reach(grammar.SHRUGS):
        reading.muted = True
        return length
    if length := reach(grammar.LATE_NEGATORS):
        _turn_found(reading)
        return length
    if reading.found and words[position] == "less" and _ends(words, position + 1):
        reading.found[-1] = replace(reading.found[-1], strength=-reading.found[-1].strength)
        return 1
    if (length := reach(grammar.NEGATORS)) and _negates(reading, position, length):
        return _negate(reading, position, length)
    if length := reach(grammar.EXCESS):
        return _exceed(reading, position, length)
    if words[position] == "enough" and reading.found and not longer_than:
        return _enough(reading)
    return _degree(reading, position, longer_than)


def _ends(words: Sequence[str], position: int) -> bool:
    """Whether nothing follows in the clause but a courtesy."""
    return position >= len(words) or words[position] in {",", "please", "and", "but", ""}


def _negates(reading: _Reading, position: int, length: int) -> bool:
    """A "no" that answers ("no, shorter") negates nothing."""
    following = reading.words[position + length] if position + length < len(reading.words) else ""
    return not (length == 1 and reading.words[position] == "no" and following in {",", ""})


def _negate(reading: _Reading, position: int, length: int) -> int:
    if reading.words[position] in {"and", "but", "nor"}:
        # "Not too short and not too long": the second denies anew, it does not deny the first denial.
        reading.reset()
    reach, strength = grammar.NEGATORS[tuple(reading.words[position : position + length])]
    reading.negations += 1
    reading.reach = "all" if "all" in {reach, reading.reach} else reach
    reading.strength = max(reading.strength, strength)
    return length


def _exceed(reading: _Reading, position: int, length: int) -> int:
    """Read "too": "not too long" asks for a little less, "too long" complains, a closing "too" means "also"."""
    if _ends(reading.words, position + length):
        return 0
    if reading.negations:
        reading.weakened = True
    else:
        reading.excess = True
    return length


def _enough(reading: _Reading) -> int:
    """Read "not short enough" as a wish for shorter: the negation before it does not count."""
    last = reading.found[-1]
    if reading.negations:
        reading.found[-1] = replace(last, strength=-last.strength)
    return 1


def _turn_found(reading: _Reading) -> None:
    start = reading.segment
    reading.found[start:] = [
        replace(match, strength=-match.strength, denied=not match.denied) for match in reading.found[start:]
    ]


def _degree(reading: _Reading, position: int, longer_than: int) -> int:
    words = reading.words
    late = longest_phrase(words, position, grammar.LATE_DEGREES)
    if late > longer_than and reading.found and _ends(words, position + late):
        degree = grammar.LATE_DEGREES[tuple(words[position : position + late])]
        last = reading.found[-1]
        reading.found[-1] = replace(last, strength=degree if last.strength > 0 else -degree)
        return late
    length = longest_phrase(words, position, grammar.DEGREES)
    if words[position] == "so" and not longest_phrase(words, position + 1, style_words()):
        return 0
    if length > longer_than:
        degree = grammar.DEGREES[tuple(words[position : position + length])]
        if reading.negations and degree >= grammar.PLAIN_STRENGTH:
            # "Not very long" and "not a lot of detail" ask for a little less, not for the opposite.
            reading.weakened = True
            return length
        reading.degree = degree if reading.degree is None else min(reading.degree, degree)
        return length
    return 0


def _take_style(reading: _Reading, position: int, length: int) -> int:
    word = style_words()[tuple(reading.words[position : position + length])]
    sign = -1 if (reading.negations + reading.excess) % 2 else 1
    strength = 0.0 if reading.muted else sign * _strength(reading)
    denied = reading.negations % 2 == 1
    for dimension, pole in word.signs:
        reading.found.append(
            StyleMatch(dimension, pole * strength, position, position + length, word.form, reading.weakened, denied)
        )
    reading.degree, reading.weakened, reading.excess = None, False, False
    return length


def _strength(reading: _Reading) -> float:
    if reading.weakened:
        return grammar.WEAKENED
    if reading.degree is None or (reading.degree == grammar.STRONG and reading.excess):
        return reading.strength
    return reading.degree if reading.degree < grammar.PLAIN_STRENGTH else max(reading.degree, reading.strength)


def _punctuation(reading: _Reading, position: int) -> int:
    """Where a negation ends: at "but", at a comma outside an or-chain, and at most "and"s."""
    word = reading.words[position]
    if word in {"prefer", "rather", "would", "favour", "favor", "choose"}:
        reading.compares = True
    if word in {"than", "to", "over"} and reading.found and _follows_style(reading, position + 1):
        if reading.compares or word == "over":
            reading.negations, reading.reach = 1, "word"
    elif word in _RESETS or (word == "," and position not in reading.or_ahead):
        reading.reset()
        reading.muted = reading.muted and word != "but"
        reading.segment = len(reading.found)
    elif word in _JOINERS and not _carries_on(reading, position + 1):
        reading.reset()
    return 0


def _follows_style(reading: _Reading, position: int) -> StyleWord | None:
    words = reading.words
    while position < len(words) and (words[position] in {"a", "the", "any"} or (words[position],) in grammar.DEGREES):
        position += 1
    length = longest_phrase(words, position, style_words())
    return style_words()[tuple(words[position : position + length])] if length else None


def _carries_on(reading: _Reading, position: int) -> bool:
    """Whether "and" hands a negation on: in "no lists and jokes", not in "no jargon and short sentences"."""
    following = _follows_style(reading, position)
    if following is None or not reading.negations:
        return False
    return following.form == "noun" or (reading.reach == "all" and following.form == "adjective")
