"""The situations a preference can be limited to ("at work"): how they are named, and which a request belongs to.

Knows no stances and no users; whether a request belongs to a situation is a matter of readable word lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from palign.preferences.grammar import IMPERATIVES
from palign.preferences.words import longest_phrase, phrases, tokenise

__all__ = ["ContextSpan", "find_contexts", "matching_contexts"]

_LONGEST_NAME = 3

# The first word of a row names the context; a visitor may call it by any of `called`, a request shows it by `shown`.
_CALLED = MappingProxyType(
    {
        "work": "work|the office|my job|job|office|business|meetings|a meeting|colleagues|work stuff|work things"
        "|work questions|professional matters|work matters|work topics|my work|career questions|career",
        "code": "code|coding|programming|software|programs|python|scripts|code questions|programming questions"
        "|debugging"
        "|development|code reviews",
        "cooking": "cooking|recipes|recipe|food|meals|baking|cookery|dinner|a recipe|kitchen things|food questions",
        "school": "school|homework|university|college|studies|study|exams|class|studying|school work|my studies"
        "|lessons",
        "health": "health|medical questions|medicine|medical topics|health questions|illness|medical advice|doctors"
        "|symptoms|medical stuff|health matters|my health|medical matters|health topics",
        "email": "email|emails|letters|mail|mails|messages to others|correspondence",
        "money": "money|finance|finances|tax|taxes|investing|banking|budgeting|financial questions|money questions"
        "|money matters|financial matters",
        "travel": "travel|travelling|traveling|trips|holidays|vacations|travel plans|trip planning|travel questions",
        "science": "science|physics|chemistry|biology|scientific questions|science questions",
        "legal": "law|legal questions|legal matters|legal stuff|contracts|legal topics|legal advice",
        "family": "family|my family|kids|children|my kids|my children|parenting|home|private matters",
        "news": "news|politics|current affairs",
        "history": "history|historical questions|the past",
        "sport": "sport|sports|fitness|exercise|training|workouts|the gym",
    }
)
_SHOWN = MappingProxyType(
    {
        "work": "workplace|job|jobs|boss|colleague|colleagues|coworker|coworkers|office|meeting|meetings"
        "|client|clients|customer|customers|manager|team|project|deadline|report|presentation|salary|interview|cv"
        "|resume"
        "|career|promotion|employee|employees|employer|business|company|agenda|stakeholders|shift|raise|quarterly"
        "|slides",
        "code": "code|coding|python|javascript|typescript|java|rust|function|bug|bugs|program|programming|programmer"
        "|script"
        "|regex|sql|git|compile|compiler|api|loop|variable|html|css|algorithm|debug|debugging|software|database"
        "|unit test"
        "|exception|recursion|app|bash|linux|terminal|repository",
        "cooking": "cook|cooking|cooked|recipe|recipes|bake|baking|dinner|lunch|breakfast|supper|soup|oven|pasta|rice"
        "|bread"
        "|sauce|meal|meals|dish|dishes|ingredient|ingredients|salad|cake|eggs|vegetables|fry|roast|boil|curry|stew"
        "|snack"
        "|pizza|eat|dessert|kitchen|spice|spices|food",
        "school": "school|homework|exam|exams|teacher|university|college|class|lesson|essay|study|studying|student"
        "|revision"
        "|thesis|lecture|course|grade|grades|curriculum|pupil|pupils",
        "health": "health|healthy|doctor|pain|headache|fever|symptom|symptoms|medicine|medication|pill|pills|illness"
        "|disease"
        "|sleep|diet|allergy|blood|injury|vaccine|vaccines|cough|flu|sick|therapy|hospital|anxiety|pregnant|pregnancy"
        "|vitamin|vitamins|rash|dose|surgery|diabetes",
        "email": "email|emails|letter|letters|mail|inbox|subject line|reply to my|newsletter",
        "money": "money|budget|tax|taxes|invest|investing|investment|savings|save|bank|loan|mortgage|debt|interest"
        "|pension"
        "|insurance|rent|inflation|credit|cost|costs|price|stock|stocks|fund|spend|spending",
        "travel": "travel|travelling|traveling|trip|flight|flights|hotel|visa|passport|luggage|airport|itinerary"
        "|vacation"
        "|holiday|train|backpack|jet lag|tourist|abroad|visit",
        "science": "science|physics|chemistry|biology|atom|atoms|molecule|gravity|evolution|planet|planets|star|stars"
        "|energy"
        "|experiment|theory|dna|quantum|light|cell|cells|photosynthesis|climate|black hole",
        "legal": "law|legal|lawyer|contract|contracts|court|sue|rights|licence|license|copyright|lease|tenancy"
        "|landlord",
        "family": "family|kid|kids|child|children|son|daughter|baby|toddler|wife|husband|mother|father|parents"
        "|parenting|mum"
        "|mom|dad|grandmother|grandfather|sister|brother|niece|nephew",
        "news": "news|politics|election|government|president|parliament|war|minister|vote",
        "history": "history|historical|century|ancient|medieval|empire|war|revolution|dynasty|emperor",
        "sport": "sport|sports|football|tennis|run|running|gym|workout|workouts|fitness|exercise|marathon|training"
        "|match"
        "|swimming|cycling|yoga|stretch",
    }
)
_BEFORE_ANY_NAME = phrases(
    "when i ask about|when i ask you about|when i ask for|when asking about|if i ask about|when i am asking about"
    "|when it comes to|when we talk about|when i talk about|when talking about|when we discuss|for questions about"
    "|in questions about|on questions about|for anything about|when i ask questions about|whenever i ask about"
    "|whenever i ask for|if it is about|when it is about|for topics like|on the subject of|with regard to|regarding"
    "|concerning|if i talk about|for everything about|answers about|answers on|replies about|when the topic is"
    "|when i ask something about|i am asking about|i ask about|asking about|i am asking you about|it is about"
)
_BEFORE_KNOWN_NAME = phrases(
    "at|for|in|with|about|on|when|during|when i am at|when i am in|when i am|while|while i am at|while i am|if i am at"
    "|when i write|when we do|when writing|in my|for my|at my|on my|when doing|when we are at|when i do|in the|for the"
    "|when discussing|for all|of|around|if i am"
)
_OPEN_PREPOSITIONS = phrases("for|about|on|with")
_LEADS = frozenset({"except", "unless", "not", "only", "outside", "otherwise", "just", "apart", "save", "besides"})
_NOT_A_NAME = frozenset(
    "me you us it them this that these those now once example instance sure everything anything all every each the a an"
    " my your fun people good real please answers always any some no not and or but i he she they if when more less"
    " what how why who everyone everybody short long one two fewer too as request demand".split()
)


@dataclass(frozen=True, slots=True)
class ContextSpan:
    """A context named between the words `start` and `end` of a sentence."""

    start: int
    end: int
    name: str


def find_contexts(words: Sequence[str], styled: frozenset[int], *, guess: bool) -> tuple[ContextSpan, ...]:
    """Where a sentence names contexts; `styled` are the positions of style words, which are never part of a name.

    Lead-ins that can mean nothing else ("when I ask about") take any name; bare prepositions take names of the table
    and, with `guess`, an unknown word that ends its clause.
    """
    found: list[ContextSpan] = []
    position = 0
    while position < len(words):
        span = _span_at(words, position, styled, guess=guess)
        if span is None:
            position += 1
        else:
            found.append(span)
            position = span.end
    return tuple(found)


def _span_at(words: Sequence[str], start: int, styled: frozenset[int], *, guess: bool) -> ContextSpan | None:
    lead = longest_phrase(words, start, _BEFORE_KNOWN_NAME)
    while lead:
        length = longest_phrase(words, start + lead, _names().keys(), most=_LONGEST_NAME)
        if length:
            end = start + lead + length
            return ContextSpan(start, end, _names()[tuple(words[start + lead : end])])
        lead = longest_phrase(words, start, _BEFORE_KNOWN_NAME, most=lead - 1)
    lead = longest_phrase(words, start, _BEFORE_ANY_NAME)
    if lead:
        return _any_name(words, start, start + lead, styled)
    if guess and (words[start],) in _OPEN_PREPOSITIONS:
        span = _any_name(words, start, start + 1, styled)
        ends_clause = span is not None and (span.end == len(words) or words[span.end] in {",", "and", "but"})
        return span if ends_clause else None
    return None


def _any_name(words: Sequence[str], start: int, name_start: int, styled: frozenset[int]) -> ContextSpan | None:
    """A name the visitor made up: up to three words, the table's name where one of them is known."""
    while name_start < len(words) and words[name_start] in {"my", "the", "a", "an", "some"}:
        name_start += 1
    known = longest_phrase(words, name_start, _names().keys(), most=_LONGEST_NAME)
    if known:
        return ContextSpan(start, name_start + known, _names()[tuple(words[name_start : name_start + known])])
    end = name_start
    while end < min(len(words), name_start + _LONGEST_NAME) and _can_name(words, end, styled):
        end += 1
    return ContextSpan(start, end, " ".join(words[name_start:end])) if end > name_start else None


def _can_name(words: Sequence[str], position: int, styled: frozenset[int]) -> bool:
    word = words[position]
    return word.isalnum() and position not in styled and word not in _NOT_A_NAME | _LEADS | IMPERATIVES


@cache
def _names() -> dict[tuple[str, ...], str]:
    return {phrase: name for name, called in _CALLED.items() for phrase in phrases(called)}


def matching_contexts(question: str, contexts: Iterable[str]) -> frozenset[str]:
    """Those of the stated `contexts` that a request belongs to: it holds the name itself or a word of its list."""
    words = [word.text for word in tokenise(question)]
    stems = {_stem(word) for word in words if not (word in {"work", "works"} and _asks_how_a_thing_works(words))}
    return frozenset(name for name in contexts if name and (_literal(name, stems) or _shows(name, words)))


def _asks_how_a_thing_works(words: Sequence[str]) -> bool:
    """Tell "how do vaccines work?" from "how do I get to work?"."""
    if "how" not in words:
        return False
    after = words[words.index("how") + 1 : words.index("how") + 3]
    return not {"i", "we"} & set(after)


def _literal(name: str, stems: set[str]) -> bool:
    return all(_stem(word) in stems for word in name.lower().split())


def _shows(name: str, words: Sequence[str]) -> bool:
    shown = phrases(_SHOWN.get(name, ""))
    return any(longest_phrase(words, start, shown, most=_LONGEST_NAME) for start in range(len(words)))


def _stem(word: str) -> str:
    """A word without its plural or -ing, enough to see that "gardens" and "gardening" speak of a garden."""
    for ending in ("ing", "ies", "es", "s", "e", "y"):
        if word.endswith(ending) and not word.endswith("ss") and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
