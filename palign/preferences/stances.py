"""Turns what a visitor writes into stances, facts worth keeping, or neither.

Knows words and rules only: no model, no store. When unsure, a chat message is a request and teaches nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from palign.preferences import grammar
from palign.preferences.contexts import ContextSpan, find_contexts
from palign.preferences.facts import Fact, asks_against_safety, find_fact, starts_as_fact
from palign.preferences.scope import StyleMatch, read_style, style_positions
from palign.preferences.words import Word, longest_phrase, phrases, sentences, tokenise
from palign.schema import MemoryKind, Stance

__all__ = ["ParsedSentence", "parse", "parse_preference"]

_SPLITTERS = {"and", "but", "so", "because", "as", "while"}
_CLAUSE_STARTS = phrases("i|my|we|please|what|how|can you|could you|which|where|i am|suggest|recommend|tell me|write")
_ELSEWHERE = {"otherwise", "elsewhere", "normally", "generally"}
_BUTS = {"but", "except", "though", "although", "unless", "apart", "besides", "save"}
_EXCEPTIONS = {"not", "except", "unless", "outside", "besides", "never", "without"}
_SINGLE_REQUEST = re.compile(
    r"(?:please )?(?:tell|give|write|show|make|send|list|suggest|share|crack|add|draw|find|name|draft|compose|invent)"
    r" (?:(?:me|us) )?(?:(?:a|an|another|one|some more|two|three|\d+|the|up with) )(?:\w+ )?"
)
_TELLING = re.compile(
    r"(?:(?:can|could|would|will) you (?:please )?(?:tell|write|make|list|summari[sz]e)\b|make me \w+$)"
)
_LIKING = re.compile(
    r"(?:i|we) (?:\w+ )?(?:like|love|enjoy|prefer|appreciate|hate)\b|(?:use|include|give|end|start|add)\b"
)
_TOPIC_REQUEST = re.compile(
    r"(?:please )?(?:explain|describe|define|discuss|summari[sz]e|teach|tell|talk|translate|list|compare"
    r"|name|find|show|introduce)(?: (?:me|us|to|about|on|the|some|more|them))*"
)
_DESCRIBES = re.compile(
    r"(?:(?:thanks|thank you|ok|okay|wow|haha|and|well) )*(?:you|that|this|it|your \w+"
    r"|the (?:answer|first|second|last)\w*)"
    r" (?:is|are|was|were|sound|sounds|seem|seems|looks?) "
)
_ABOUT_ONESELF = re.compile(
    rf"(?:i (?:also |really |just )?(?:want|would like|need|try|wish|hope|learn|like|love|would love|am trying|plan"
    rf"|tend|am learning|have) to (?:{'|'.join(sorted(grammar.SELF_VERBS))})\b)|i am (?:\w+ ){{0,2}}$"
)
_CONNECTIVE = re.compile(r"^(?:and|but|so|because|while|as)\s+", re.IGNORECASE)
_PRAISED = {"thanks", "how", "ok", "answer", "answers", "one", "reply", "that", "haha", "wow"}
_SLOTS = {"concise": "length", "lists": "format"}

_Class = Literal["stance", "fact", "glue", "other"]


@dataclass(frozen=True, slots=True)
class ParsedSentence:
    """One sentence, or the part of one that says one kind of thing, in the visitor's own words.

    `kind` and `slot` are those of the memory to keep: None for questions, requests and whatever is not kept. At most
    one memory of a slot is in force. A style memory may carry no stance ("use metric units").
    """

    text: str
    stances: tuple[Stance, ...] = ()
    kind: MemoryKind | None = None
    slot: str | None = None
    is_statement: bool = False


@dataclass(frozen=True, slots=True)
class _Clause:
    """The words [start, end) of a sentence and what was made of them."""

    start: int
    end: int
    sort: _Class = "other"
    fact: Fact | None = None


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence with everything read off its words; `quiet` positions need no explanation."""

    text: str
    tokens: tuple[Word, ...]
    words: tuple[str, ...]
    spans: tuple[ContextSpan, ...]
    matches: tuple[StyleMatch, ...]
    quiet: frozenset[int]
    box: bool
    lenient: bool

    def between(self, start: int, end: int) -> str:
        """The plain words of a stretch, marks left out."""
        return " ".join(word for word in self.words[start:end] if word and word.isalnum())


def parse(text: str) -> tuple[ParsedSentence, ...]:
    """Read a chat message: questions and requests stay what they are, and what is unsure is no statement."""
    return _parse(text, box=False)


def parse_preference(text: str) -> tuple[ParsedSentence, ...]:
    """Read words typed as a preference: each sentence is a statement, and what is no stance becomes a memory."""
    return _parse(text, box=True)


def _parse(text: str, *, box: bool) -> tuple[ParsedSentence, ...]:
    return tuple(part for sentence in sentences(text) for part in _parse_sentence(sentence, box=box))


def _parse_sentence(text: str, *, box: bool) -> tuple[ParsedSentence, ...]:
    tokens = tokenise(text)
    words = [token.text for token in tokens]
    if asks_against_safety(" ".join(word for word in words if word.isalnum())):
        return (ParsedSentence(text),)
    polite = longest_phrase(words, 0, grammar.POLITE)
    question = not box and not polite and _is_question(words)
    sentence = _read(text, tokens, box=box)
    clauses = [_classified(sentence, clause, question=question) for clause in _clauses(words)]
    clauses = _settled(sentence, clauses, question=question or (polite > 0 and not box))
    groups = groupby(clauses, key=lambda clause: (clause.sort, clause.fact))
    return tuple(_part(sentence, sort, list(group)) for (sort, _), group in groups)


def _is_question(words: Sequence[str]) -> bool:
    if not words or words[-1] == "?":
        return bool(words)
    return words[0] in grammar.OPENERS and words[1:2] != ["not"]


def _read(text: str, tokens: tuple[Word, ...], *, box: bool) -> _Sentence:
    written = [token.text for token in tokens]
    durable = any(longest_phrase(written, start, grammar.DURABLE) for start in range(len(written)))
    spans = find_contexts(written, style_positions(written), guess=box or durable)
    words = list(written)
    for span in spans:
        words[span.start : span.end] = [""] * (span.end - span.start)
    matches, covered = read_style(words)
    named = {position for span in spans for position in range(span.start, span.end)}
    small = {position for position, word in enumerate(words) if word in grammar.FILLERS or not word.isalnum()}
    quiet = frozenset(covered | named | small)
    matches = _without_modifiers(words, matches, quiet)
    return _Sentence(text, tokens, tuple(words), spans, matches, quiet, box, box or durable)


def _without_modifiers(
    words: Sequence[str], matches: tuple[StyleMatch, ...], quiet: frozenset[int]
) -> tuple[StyleMatch, ...]:
    """Drop adjectives that qualify something else: "short stories", "a serious, funny film"."""
    kept: list[StyleMatch] = []
    strangers = set(range(len(words))) - quiet
    for match in reversed(matches):
        if match.form == "adjective" and match.end in strangers:
            strangers.update(range(match.start, match.end))
        else:
            kept.append(match)
    return tuple(reversed(kept))


def _clauses(words: Sequence[str]) -> list[_Clause]:
    """Cut at commas and before a new subject after "and", "but" or "so"."""
    starts = [0]
    for position, word in enumerate(words):
        starts_clause = longest_phrase(words, position + 1, _CLAUSE_STARTS) > 0
        starts_clause |= word == "so" and bool(grammar.IMPERATIVES & set(words[position + 1 : position + 2]))
        if word in {",", ":"} or (word in _SPLITTERS and starts_clause):
            starts.append(position + 1 if word in {",", ":"} else position)
    return [_Clause(start, end) for start, end in zip(starts, [*starts[1:], len(words)], strict=True) if end > start]


def _classified(sentence: _Sentence, clause: _Clause, *, question: bool) -> _Clause:
    inside = [match for match in sentence.matches if clause.start <= match.start < clause.end]
    plain = " ".join(
        token.text for token in sentence.tokens[clause.start : clause.end] if token.text.isalnum()
    ).removeprefix("and ")
    if inside and not question and _is_stance(sentence, clause, inside):
        return replace(clause, sort="stance")
    last = clause.end == len(sentence.words)
    fact = None if question and last else find_fact(plain, box=sentence.box)
    if fact is not None:
        return replace(clause, sort="fact", fact=fact)
    residue = _residue(sentence, clause)
    asks = sentence.words[clause.start] in grammar.OPENERS | {"any"} and not sentence.box
    if not inside and not residue and not question and not asks:
        return replace(clause, sort="glue")
    return clause


def _residue(sentence: _Sentence, clause: _Clause) -> list[str]:
    covered = {position for match in sentence.matches for position in range(match.start, match.end)}
    return [sentence.words[p] for p in range(clause.start, clause.end) if p not in sentence.quiet | covered]


def _is_stance(sentence: _Sentence, clause: _Clause, inside: list[StyleMatch]) -> bool:
    """Whether the style words of a clause say how the visitor wants answers.

    Without a lasting marker only if nothing but style words and small words is left.
    """
    plain = sentence.between(clause.start, clause.end)
    before = sentence.between(clause.start, inside[0].start)
    if all(match.strength == 0 for match in inside) or _ABOUT_ONESELF.search(before + " " if before else ""):
        return False
    if _ABOUT_ONESELF.match(plain) or _only_describes(plain) or _is_someone_elses(before):
        return False
    if _asks_once(sentence, plain, before, inside):
        return False
    if sentence.lenient:
        return not (starts_as_fact(plain) and _residue(sentence, clause))
    return not _residue(sentence, clause) and not _is_compliment(plain)


def _asks_once(sentence: _Sentence, plain: str, before: str, inside: list[StyleMatch]) -> bool:
    """Whether a clause asks for one thing now: "tell me a joke", "explain irony"."""
    if _SINGLE_REQUEST.match(plain):
        return not _lasts(sentence.between(0, len(sentence.words)))
    if _TELLING.match(plain) or (len(inside) == 1 and _is_one_thing(sentence, inside[0]) and not _LIKING.match(plain)):
        return not sentence.lenient
    topic = inside[0].form == "noun" and len(inside) == 1 and _TOPIC_REQUEST.fullmatch(before)
    return bool(topic) and not sentence.lenient


def _is_one_thing(sentence: _Sentence, match: StyleMatch) -> bool:
    """Whether the only style word names a single thing that can be had at once: a joke, a summary."""
    return match.strength > 0 and sentence.words[match.end - 1] in grammar.SINGLE_THINGS


def _lasts(plain: str) -> bool:
    words = plain.split()
    lasting = any(longest_phrase(words, start, grammar.DURABLE) for start in range(len(words)))
    return lasting or bool({"answer", "answers", "reply", "replies", "response", "responses", "facts"} & set(words))


def _only_describes(plain: str) -> bool:
    """Tell how an answer was ("you are funny") from what is wanted ("you are too funny", "not short enough")."""
    words = plain.split()
    complains = {"too", "should", "must", "enough", "overly", "can", "may", "excessively", "please"} & set(words)
    return _DESCRIBES.match(plain) is not None and not complains


def _is_someone_elses(before: str) -> bool:
    words = before.split()
    owners = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "my"]
    return any(owner not in grammar.FILLERS for owner in owners) or bool(grammar.THIRD_PERSONS & set(words[:2]))


def _is_compliment(plain: str) -> bool:
    words = [word for word in plain.split() if (word,) not in grammar.DEGREES and word not in _PRAISED]
    return len(words) == 1 and words[0] in grammar.COMPLIMENTS


def _settled(sentence: _Sentence, clauses: list[_Clause], *, question: bool) -> list[_Clause]:
    """Let clauses that say nothing by themselves join a neighbour, and a request silence the style words beside it."""
    sorts = {clause.sort for clause in clauses}
    if sentence.box:
        clauses = [replace(c, sort="fact", fact=_note(sentence, c)) if c.sort == "other" else c for c in clauses]
        if sorts == {"glue"}:
            return [_Clause(0, len(sentence.words), "fact", Fact("topical"))]
    elif "other" in sorts:
        if "stance" in sorts and not question:
            # "I'm busy, keep it short": the reason is neither kept by itself nor asked about.
            clauses = [replace(c, sort="glue") if _is_reason(sentence, c) else c for c in clauses]
        if any(clause.sort == "other" for clause in clauses):
            clauses = [_of_a_request(clause) for clause in clauses]
    return _joined(clauses)


def _note(sentence: _Sentence, clause: _Clause) -> Fact:
    """What the preferences box makes of words that are neither stance nor fact: a wish, if it is put as one."""
    words = sentence.between(clause.start, clause.end).split()
    wish = bool(words) and (words[0] in grammar.IMPERATIVES - {"i"} or words[:2] == ["do", "not"])
    return Fact("style" if wish else "topical")


def _of_a_request(clause: _Clause) -> _Clause:
    """Beside a request, style words are about that answer, and only what lasts for sure is kept."""
    lasting = clause.fact is not None and clause.fact != Fact("topical")
    return clause if lasting or clause.sort == "glue" else replace(clause, sort="other", fact=None)


def _is_reason(sentence: _Sentence, clause: _Clause) -> bool:
    return clause.sort == "other" and starts_as_fact(sentence.between(clause.start, clause.end))


def _joined(clauses: list[_Clause]) -> list[_Clause]:
    """Give each glue clause the sort of the clause after it, or before it at the end."""
    joined: list[_Clause] = []
    following: _Clause | None = None
    for clause in reversed(clauses):
        if clause.sort == "glue" and following is not None:
            clause = replace(clause, sort=following.sort, fact=following.fact)
        joined.append(clause)
        following = clause if clause.sort != "glue" else following
    joined.reverse()
    first = next((clause for clause in reversed(joined) if clause.sort != "glue"), None)
    return [replace(c, sort=first.sort, fact=first.fact) if c.sort == "glue" and first else c for c in joined]


def _part(sentence: _Sentence, sort: _Class, clauses: list[_Clause]) -> ParsedSentence:
    start, end = clauses[0].start, clauses[-1].end
    first = sentence.tokens[start].start if start else 0
    last = sentence.tokens[end - 1].end if end < len(sentence.tokens) else len(sentence.text)
    text = (
        _CONNECTIVE.sub("", sentence.text[first:last].strip(" ,:")) if start else sentence.text[first:last].strip(" ,:")
    )
    if sort == "stance":
        stances = _stances(sentence, start, end)
        if stances:
            return ParsedSentence(text, stances, "style", _slot(stances), True)
        # Wanted on demand only, or neither way: the words say it, a number cannot.
        return ParsedSentence(text, (), "style", None, True)
    fact = clauses[0].fact
    return ParsedSentence(text, (), fact.kind, fact.slot, True) if fact and sort == "fact" else ParsedSentence(text)


def _slot(stances: tuple[Stance, ...]) -> str | None:
    """One stance alone replaces an earlier one on the same thing; several together share no slot."""
    if len(stances) != 1:
        return None
    name = _SLOTS.get(stances[0].dimension, stances[0].dimension)
    return f"{name}@{stances[0].context}" if stances[0].context else name


def _stances(sentence: _Sentence, start: int, end: int) -> tuple[Stance, ...]:
    """The stances of a stretch of words, contexts applied; a later word on a dimension replaces an earlier one."""
    found: dict[tuple[str, str], Stance] = {}
    previous: list[Stance] = []
    for first, last in _segments(sentence, start, end):
        matches = [match for match in sentence.matches if first <= match.start < last and _counts(match)]
        spans = [span for span in sentence.spans if first <= span.start < last]
        here = _in_contexts(sentence, matches, spans, previous, found)
        for stance in here:
            found[stance.dimension, stance.context] = stance
        previous = here or previous
    return tuple(found.values())


def _counts(match: StyleMatch) -> bool:
    return match.strength != 0 and not match.on_demand


def _segments(sentence: _Sentence, start: int, end: int) -> list[tuple[int, int]]:
    """Cut into the stretches a context reaches.

    They end at "but" and the like, and where several contexts or an "otherwise" are named at every comma and "and".
    """
    written = [token.text for token in sentence.tokens]
    several = len(sentence.spans) > 1 or bool(_ELSEWHERE & set(sentence.words))
    cuts = [start]
    for position in range(start + 1, end):
        word = written[position]
        if (sentence.spans and word in _BUTS) or (several and word in {",", "and"} and sentence.words[position]):
            cuts.append(position)
    return [(first, last) for first, last in zip(cuts, [*cuts[1:], end], strict=True) if last > first]


def _in_contexts(
    sentence: _Sentence,
    matches: list[StyleMatch],
    spans: list[ContextSpan],
    previous: list[Stance],
    found: dict[tuple[str, str], Stance],
) -> list[Stance]:
    """The stances of one stretch: everywhere, in its contexts, or an exception to what was said before."""
    stances = _one_each(matches)
    if not spans:
        return stances
    names = [span.name for span in spans]
    before = sentence.tokens[spans[0].start - 1].text if spans[0].start else ""
    if before == "only" and not stances:
        for stance in previous:
            found.pop((stance.dimension, ""), None)
        return [replace(stance, context=name) for stance in previous for name in names]
    if before in _EXCEPTIONS:
        general = stances or previous
        exceptions = [replace(s, strength=-s.strength, context=name) for s in general for name in names]
        return [*stances, *exceptions]
    return [replace(stance, context=name) for stance in stances for name in names]


def _one_each(matches: list[StyleMatch]) -> list[Stance]:
    """One stance a dimension: the stronger of two that agree, the later of two that do not.

    "Short but not too short" keeps its direction, mildly; "not too short and not too long" has none.
    """
    kept: dict[str, StyleMatch] = {}
    for match in matches:
        earlier = kept.get(match.dimension)
        if earlier is None:
            kept[match.dimension] = match
        elif earlier.strength * match.strength < 0 and earlier.denied and match.denied:
            kept[match.dimension] = replace(match, strength=0.0)
        elif (earlier.strength > 0) != (match.strength > 0):
            kept[match.dimension] = replace(earlier, strength=_milder(earlier)) if match.weakened else match
        elif abs(match.strength) > abs(earlier.strength):
            kept[match.dimension] = match
    return [Stance(match.dimension, match.strength) for match in kept.values() if match.strength]


def _milder(match: StyleMatch) -> float:
    return math.copysign(min(abs(match.strength), grammar.WEAKENED), match.strength)
