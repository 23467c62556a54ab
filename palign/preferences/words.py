"""Cuts a message into sentences and a sentence into plain lower-case words. Knows no meaning of any word."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

__all__ = ["Word", "longest_phrase", "phrases", "sentences", "tokenise"]

_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "`": "'"})
_PIECE = re.compile(r"\be-mail\w*|\btl;\s?dr\b|[^\W_]+(?:'[^\W_]+)*|[,:?\"()]", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|(?<!\btl);|[\n\r\u2028\u2029]+|\s[–—-]{1,2}\s", re.IGNORECASE)
_ABBREVIATION = re.compile(r"\b(e\.g|i\.e|etc|mr|mrs|ms|dr|st|vs|approx|no)\.$", re.IGNORECASE)
_SHORT_FORMS = {
    "n't": (("not",), 3),
    "'m": (("am",), 2),
    "'re": (("are",), 3),
    "'d": (("would",), 2),
    "'ll": (("will",), 3),
    "'ve": (("have",), 3),
}
_IS = frozenset({"it", "that", "he", "she", "what", "how", "where", "who", "there", "here", "when", "why"})
_WHOLE = {
    "can't": ("can", "not"),
    "cannot": ("can", "not"),
    "won't": ("will", "not"),
    "shan't": ("shall", "not"),
    "let's": ("let", "us"),
    "dont": ("do", "not"),
    "doesnt": ("does", "not"),
    "cant": ("can", "not"),
    "isnt": ("is", "not"),
    "im": ("i", "am"),
    "ive": ("i", "have"),
    "youre": ("you", "are"),
    "pls": ("please",),
    "plz": ("please",),
    "u": ("you",),
    "ur": ("your",),
}


@dataclass(frozen=True, slots=True)
class Word:
    """One lower-case word or mark; `start` and `end` say where in the sentence it was written."""

    text: str
    start: int
    end: int


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a message in their own words, blank ones left out; a semicolon or a new line ends one, too."""
    found: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if _ABBREVIATION.search(text[start : match.start()]):
            continue
        found.append(text[start : match.start()])
        start = match.end()
    found.append(text[start:])
    return tuple(piece.strip() for piece in found if any(mark.isalnum() for mark in piece))


def tokenise(sentence: str) -> tuple[Word, ...]:
    """Lower-case words, short forms written out ("don't" is two words), hyphens opened, commas and the like kept."""
    plain = sentence.translate(_QUOTES)
    words: list[Word] = []
    for match in _PIECE.finditer(plain):
        words.extend(Word(text, match.start(), match.end()) for text in _written_out(match.group().lower()))
    return tuple(words)


def _written_out(piece: str) -> tuple[str, ...]:
    if piece in _WHOLE:
        return _WHOLE[piece]
    if piece.startswith(("e-mail", "tl;")):
        return (re.sub(r"[-;\s]", "", piece),)
    for ending, (written, length) in _SHORT_FORMS.items():
        if piece.endswith(ending) and len(piece) > length:
            return (piece[:-length], *written)
    if piece.endswith("'s"):
        return (piece[:-2], "is") if piece[:-2] in _IS else (piece[:-2],)
    return (piece.replace("'", ""),)


def phrases(text: str) -> frozenset[tuple[str, ...]]:
    """A table's cell as data: phrases separated by `|`, each a tuple of words as `tokenise` would cut them."""
    return frozenset(tuple(phrase.split()) for phrase in text.split("|") if phrase.strip())


def longest_phrase(words: Sequence[str], start: int, known: Collection[tuple[str, ...]], *, most: int = 8) -> int:
    """How many words from `start` the longest known phrase covers; 0 where none begins there."""
    for length in range(min(most, len(words) - start), 0, -1):
        if tuple(words[start : start + length]) in known:
            return length
    return 0
