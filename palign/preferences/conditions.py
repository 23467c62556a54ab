"""Finds the subordinate clauses of a sentence ("unless I ask for detail"): their style words state no wish.

Knows where such a clause begins and ends and what it makes of the wish it belongs to; no dimension, no strength.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Literal

from palign.preferences.words import longest_phrase, phrases

__all__ = ["Condition", "Effect", "find_conditions", "wish_of"]

# What is left of the wish: all of it ("unless"), sometimes it ("when it is late"), nothing lasting ("only if I ask").
Effect = Literal["always", "sometimes", "on demand"]

_Starts = dict[tuple[str, ...], Effect]
_WHEN = phrases("when|if|whenever|in case|once")
_SO = phrases(
    "it|it is|things|this|that|the|a|an|something|anything|there|i|i am|i do not|we|we are|you|you are|my|your|giving"
    "|explaining|answering|talking|discussing|listing|using|needed|necessary|required|appropriate|useful|helpful"
    "|relevant|suitable|applicable"
)
_ASKED = phrases(
    "i ask|i say|i tell|i want|i request|i call for|i am asking|i insist|i really ask|i explicitly ask"
    "|i specifically ask|i really want|i explicitly say|i do ask|i do|asked|requested|told|prompted|invited"
)
_WHERE = phrases("where needed|where necessary|where appropriate|where useful|where it is|as needed")
_REQUESTS = phrases("on request|on demand|upon request|at my request")
_SOMETIMES: _Starts = dict.fromkeys([*(when + so for when, so in product(_WHEN, _SO)), *_WHERE], "sometimes")
_ON_DEMAND: _Starts = dict.fromkeys([*(when + ask for when, ask in product(_WHEN, _ASKED)), *_REQUESTS], "on demand")
_ALWAYS: _Starts = dict.fromkeys(
    phrases(
        "unless|except when|except if|except where|except for when|even if|even when|even though|until i|till i"
        "|until it|as long as it is|as long as it stays|as long as they are|other than when|not when|not if"
        "|never when|never if"
    ),
    "always",
)
_STARTS = MappingProxyType(_SOMETIMES | _ON_DEMAND | _ALWAYS)
# "If you can" is politeness, not a condition.
_POLITE = phrases(
    "if you can|if you could|if you would|if you may|if you might|if you please|if you do not mind|if you like"
    "|if i may|if i can|if i could|if it is possible|if it is ok|if it is okay|if it is not too much"
)
# After these "when you joke" is what the visitor likes or wants said, not a condition.
_WELCOMES = frozenset(
    "like love prefer enjoy hate dislike appreciate want wish mind happy glad nice great good better best fine ok okay"
    " lovely cool awesome perfect grateful thankful pleased kind helps help helpful useful easier works work bother"
    " bothers wonder see say know mention me as what".split()
)
_ENDS = frozenset({"", ",", ":", "but", "otherwise", "else", "then", "though", "although", "however", "yet"})
_ORDERS = frozenset("be use keep give make write avoid skip explain stay".split())
_BEFORE_A_VERB = frozenset("to i you we they it things that not and can could should must may will would".split())


@dataclass(frozen=True, slots=True)
class Condition:
    """The words [start, end) of a clause, and what it makes of a wish."""

    start: int
    end: int
    effect: Effect


def find_conditions(words: Sequence[str], styled: frozenset[int]) -> tuple[Condition, ...]:
    """The conditions of a sentence; `styled` are the positions of style words, some of which hold a "when".

    Named contexts are expected as empty strings: "unless at work" is none of these.
    """
    found: list[Condition] = []
    position = 0
    while position < len(words):
        condition = None if position in styled else _condition(words, position)
        if condition is not None:
            found.append(condition)
        position = position + 1 if condition is None else condition.end
    return tuple(found)


def _condition(words: Sequence[str], start: int) -> Condition | None:
    length = longest_phrase(words, start, _STARTS.keys())
    if not length or longest_phrase(words, start, _POLITE):
        return None
    effect = _STARTS[tuple(words[start : start + length])]
    if effect == "sometimes" and _is_what_is_liked(words, start):
        return None
    end = start + length
    while end < len(words) and not _closes(words, end):
        end += 1
    if end == start + length and words[end : end + 1] == [""]:
        return None
    if effect == "always":
        return Condition(start, end, effect)
    only = "only" in words[_clause_start(words, start) : start]
    return Condition(start, end, "on demand" if only else effect)


def _is_what_is_liked(words: Sequence[str], start: int) -> bool:
    before = [word for word in words[max(0, start - 2) : start] if word not in {"it", "that"}]
    return bool(before) and before[-1] in _WELCOMES


def _closes(words: Sequence[str], position: int) -> bool:
    """Whether a condition ends here: at a mark or "but", at an order, at "and no"."""
    word = words[position]
    if word == "and":
        return words[position + 1 : position + 2] in (["no"], ["do"], ["not"], *([order] for order in _ORDERS))
    return word in _ENDS or (word in _ORDERS and words[position - 1] not in _BEFORE_A_VERB)


def _clause_start(words: Sequence[str], position: int) -> int:
    return next((p + 1 for p in range(position - 1, -1, -1) if words[p] in _ENDS), 0)


def wish_of(words: Sequence[str], condition: Condition, places: Sequence[int]) -> frozenset[int]:
    """Which of the style words at `places` a condition belongs to.

    Those before it in its clause, or those after it up to the next comma, or else all before it: "jokes when it's
    late", "when it's late, jokes", "jokes, but only when it's late".
    """
    first = _clause_start(words, condition.start)
    after = condition.end + 1 if words[condition.end : condition.end + 1] == [","] else condition.end
    last = next((p for p in range(after, len(words)) if words[p] in _ENDS - {""}), len(words))
    for start, end in ((first, condition.start), (after, last), (0, first)):
        found = frozenset(place for place in places if start <= place < end)
        if found:
            return found
    return frozenset()
