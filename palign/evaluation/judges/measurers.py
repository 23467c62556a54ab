"""One deterministic measurer per dimension, counted from the text alone; knows no user, no model and no training data.

Every measurer maps a text to a number that grows towards the dimension's first pole. The unit is its own: scores are
comparable within a dimension only, so callers standardise. The word lists are small and English; `playful` is weak,
since it can only count cues of comparison and jest, never see a joke.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

__all__ = ["MEASURERS", "UNSEEN", "word_count", "words"]

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"[.!?]+(?=\s|$)|\n+")
_BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+\S")
_MARK = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+(?=\S)", re.MULTILINE)
_NUMBER = re.compile(r"^\s*\d{1,2}[.)]\s+(?=\S)", re.MULTILINE)  # of a list: layout, neither figure nor sentence
_VOWELS = re.compile(r"[aeiouy]+")
_FIGURE = re.compile(r"\d[\d.,^]*")
_UNIT = re.compile(
    r"(?:%|°\s?[CF]|\b\d[\d.,]*\s?(?:mm|cm|m|km|mg|g|kg|ml|l|s|ms|h|W|kW|kWh|V|A|Hz|kHz|MHz|GHz|Pa|kcal|ppm|bpm|MB|GB)\b)"
)
_CONTRACTION = re.compile(
    r"\b(?:\w+n['’]t|\w+['’](?:re|ve|ll|d|m)|(?:it|that|there|here|what|who|let|he|she)['’]s|gonna|gotta|wanna|cause)\b",
    re.IGNORECASE,
)


def _phrases(*entries: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)(?:" + "|".join(entries) + r")(?!\w)", re.IGNORECASE)


_FORMAL = _phrases(
    "advisable", "advised", "recommended", "encouraged", "permitted", "required", "requested", "obliged", "ensure",
    "prior to", "in order to", "in order that", "should", "shall", "ought", "must be", "is to be", "are to be",
    "furthermore", "moreover", "therefore", "thus", "hence", "whereby", "whilst", "upon", "regarding", "concerning",
    "consequently", "subsequently", "commence", "obtain", "purchase", "provide", "sufficient", "appropriate",
    "suitable", "kindly", "sincerely", "gratitude", "refrain", "consult", "one may", "may wish", "thorough(?:ly)?",
    "approximately", "attain",
)  # fmt: skip
_CASUAL = _phrases(
    "yeah", "yep", "nope", "nah", "hey", "okay", "ok", "cool", "awesome", "super", "stuff", "thing", "things",
    "guys", "mate", "kind of", "kinda", "sort of", "sorta", "pretty", "basically", "totally", "honestly",
    "seriously", "just", "grab", "stick", "chuck", "ditch", "dump", "tons?", "loads of", "a bunch", "no big deal",
    "big deal", "way more", "way less", "you know", "sure", "go for it", "get going", "a bit", "a lot", "plenty of",
    "lots of", "folks", "sweet", "dude", "'em", "gross",
)  # fmt: skip
_WARM = _phrases(
    "don['’]t worry", "do not worry", "no worries", "do not fret", "be kind", "be gentle", "be patient", "be proud",
    "proud", "enjoy", "love", "lovely", "wonderful", "well done", "great question", "good luck", "you can do",
    "you['’]ve got this", "you have got this", "you will be fine", "you['’]ll be fine", "you deserve", "deserve",
    "you are not alone", "glad", "happy", "congratulations", "good for you", "good company", "take heart",
    "take a breath", "treat yourself", "trust", "smile", "hug", "kind", "welcome", "cheering", "thank you",
    "i promise", "i am sure", "delight", "pleased", "perfectly fine", "take your time", "everyone", "everybody",
    "you are doing", "you['’]re doing", "it is fine", "that is okay", "savour", "joy",
)  # fmt: skip
_SECOND_PERSON = _phrases("you", "your", "yours", "yourself")
_PLAYFUL = _phrases(
    "joke", "jokes", "laugh", "giggle", "ha", "haha", "pretend", "congratulations", "opinions?", "secretly", "mood",
    "moods", "tantrum", "sulks?", "holiday", "party", "drama", "diva", "toddlers?", "dinosaur", "giraffe",
    "goldfish", "zombies?", "pirate", "superhero", "ninja", "wizard", "magic", "villain", "spy", "romance",
    "divorce", "date night", "memoirs?", "audition", "royalty", "throne", "revenge", "negotiate", "bribe",
    "apologise to", "blame", "rumour", "gossip", "committee", "complain",
)  # fmt: skip
_FIGURATIVE = re.compile(
    r"\b(?:like an?|as if|as though|think of (?:it|them)|the way you"
    r"|(?:is|are) (?:just |only |merely )?an? [\w-]+ (?:that|who|with))\b",
    re.IGNORECASE,
)
_PERSONIFIED = re.compile(
    r"\b(?:it|they|them|he|she|your [\w-]+|the [\w-]+) (?:will |would |may )?"
    r"(?:thanks?|forgives?|judges?|remembers?|refuses?|complains?|hates?|loves?|dreams?|sulks?|wants?|decid\w+|hopes?|knows?|asks?|pretends?|argues?)\b",
    re.IGNORECASE,
)
_EXAMPLE = _phrases(
    "for example", "for instance", "for one", "e\\.g\\.", "such as", "say", "imagine", "picture", "suppose",
    "consider", "compare", "take", "something like", "in one case", "once",
    "last (?:week|month|year|spring|summer|autumn|winter|may|june)", "my", "our",
)  # fmt: skip
_WEEKDAY = _phrases("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_REASON = _phrases(
    "because", "since", "so that", "therefore", "that is why", "which is why", "the reason", "depends on",
    "in general", "the principle", "the more", "the wider", "the higher", "the less", "thus", "hence", "follows",
    "means that",
)  # fmt: skip
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+")
_HEDGE = _phrases(
    "may", "might", "could", "can be", "perhaps", "maybe", "possibly", "probably", "likely", "seems?", "appears?",
    "suggests?", "often", "usually", "generally", "typically", "normally", "mostly", "sometimes", "in most cases",
    "tends? to", "as far as", "depends?", "depending", "although", "though", "unless", "except", "exceptions?",
    "varies", "vary", "uncertain", "unclear", "not always", "if in doubt", "roughly", "arguably", "partly",
    "it is worth checking", "check with", "ask a doctor",
)  # fmt: skip
_CERTAIN = _phrases(
    "always", "never", "every", "everyone", "anyone", "nothing", "nobody", "certainly", "definitely", "clearly",
    "undoubtedly", "without doubt", "no doubt", "guaranteed", "absolutely", "of course", "the best", "the only",
    "will", "must", "cannot", "period", "the right", "exactly", "simply", "obviously", "that is a fact", "works",
    "for ever", "forever", "wrong",
)  # fmt: skip
_CHOICE = _phrases(
    "depends", "depending", "either", "whether", "or", "what if", "suppose", "tell me", "let me know", "let us",
    "if you", "would you", "do you", "are you", "have you", "is it", "which", "on the other hand", "one way",
    "another way",
    "some people", "others", "we could", "we might", "you could", "worth asking", "it turns on", "the question is",
)  # fmt: skip
_ORDER = _phrases("first", "then", "next", "after that", "afterwards", "finally", "now", "once", "until", "before you")
_ABSTRACT = _phrases(
    "is", "are", "consists? of", "comes? down to", "amounts? to", "rests? on", "is about", "matters?", "parts?",
    "kinds?", "overall", "in essence", "altogether", "as a whole", "the rest", "the heart of", "the idea",
    "has (?:two|three|four)",
)  # fmt: skip
# What a hand or an eye does first in an instruction; an imperative begins its sentence or follows a joint of it.
_ACTION = re.compile(
    r"(?:^|[.!?:;,]\s+|\n\s*|\band |\bthen )"
    r"(?:add|ask|beat|begin|boil|bring|brush|build|buy|call|carry|check|choose|chop|clean|close|coat|collect|cook|count"
    r"|cover|cut|dig|dip|draw|drill|drop|dry|empty|fill|find|fit|fix|fold|follow|give|glue|go|grip|hang|heat|hold|join"
    r"|keep|knead|knock|knot|lay|leave|let|lift|line|listen|loosen|look|lower|make|mark|measure|mix|move|note|open|paint"
    r"|pick|pinch|place|plant|point|pour|practise|press|pull|push|put|raise|read|remove|repeat|rest|rinse|roll|rub|rule"
    r"|run|sand|saw|say|scrape|screw|set|shake|shut|sit|slide|soak|sort|spread|sprinkle|squeeze|stand|start|step|stick"
    r"|stir|stop|switch|take|tap|tape|test|thread|throw|tie|tighten|tip|touch|trim|try|turn|twist|unroll|unscrew|use"
    r"|wait|walk|warm|wash|watch|water|weigh|wind|wipe|work|wrap|write)\b",
    re.IGNORECASE,
)


def words(text: str) -> list[str]:
    """Words of a text in order, lower case; figures and bullets are none."""
    return [match.group().lower() for match in _WORD.finditer(text)]


def word_count(text: str) -> int:
    """Length in words."""
    return len(words(text))


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text))


def _per_hundred(hits: int, text: str) -> float:
    """Hits per hundred words, with ten words added so that one hit in a tiny text does not explode."""
    return 100.0 * hits / (word_count(text) + 10)


def _sentences(text: str) -> int:
    return max(1, sum(1 for part in _SENTENCE_END.split(_NUMBER.sub("", text)) if part.strip()))


def _figures(text: str) -> int:
    return _count(_FIGURE, _NUMBER.sub("", text))


def _syllables(word: str) -> int:
    silent = word.endswith("e") and not word.endswith(("le", "ee"))
    return max(1, len(_VOWELS.findall(word)) - int(silent))


def concise(text: str) -> float:
    """Minus the logarithm of the length in words: twice as long is always one step, at any length."""
    return -math.log1p(word_count(text))


def plain(text: str) -> float:
    """Short common words, against long ones, figures and units.

    Flesch's reading ease (1948) without its sentence term, which a list would distort, less the share of words of
    ten letters or more and of figures and units.
    """
    found = words(text)
    if not found:
        return 0.0
    syllables = sum(_syllables(word) for word in found) / len(found)
    long_words = sum(len(word) >= 10 for word in found) / len(found)
    figures = (_figures(text) + _count(_UNIT, text)) / len(found)
    return -0.846 * (syllables - 1.4) - 1.5 * long_words - 1.0 * figures


def formal(text: str) -> float:
    """Formal words less casual ones and contractions, per hundred words."""
    return _per_hundred(_count(_FORMAL, text) - _count(_CASUAL, text) - _count(_CONTRACTION, text), text)


def warm(text: str) -> float:
    """Encouraging words, counted double, and words that address the reader, per hundred words."""
    return _per_hundred(2 * _count(_WARM, text) + _count(_SECOND_PERSON, text), text)


def playful(text: str) -> float:
    """Cues of jest, comparison and things with a will of their own, per hundred words. Weak: it cannot see a joke."""
    cues = _count(_PLAYFUL, text) + _count(_FIGURATIVE, text) + _count(_PERSONIFIED, text)
    return _per_hundred(cues, text)


def lists(text: str) -> float:
    """Share of non-empty lines that are bullets or numbered."""
    lines = [line for line in text.splitlines() if line.strip()]
    return sum(bool(_BULLET.match(line)) for line in lines) / len(lines) if lines else 0.0


def examples(text: str) -> float:
    """Markers of a concrete case (phrases, names, weekdays, quotations, figures) less markers of a reason."""
    cases = _count(_EXAMPLE, text) + _count(_NAME, text) + _count(_WEEKDAY, text) + text.count("'") // 2
    return (cases + 0.5 * _figures(text) - _count(_REASON, text)) / _sentences(text)


def cautious(text: str) -> float:
    """Hedges and named exceptions less words of certainty, per hundred words."""
    return _per_hundred(_count(_HEDGE, text) - _count(_CERTAIN, text), text)


def exploratory(text: str) -> float:
    """Questions, and words that weigh one way against another, per sentence."""
    return (2.0 * text.count("?") + _count(_CHOICE, text)) / _sentences(text)


def steps(text: str) -> float:
    """Imperatives of doing, and words of order, less words that say what a matter is, per hundred words."""
    bare = _MARK.sub("", text)
    return _per_hundred(_count(_ACTION, bare) + _count(_ORDER, bare) - _count(_ABSTRACT, bare), bare)


MEASURERS: Mapping[str, Callable[[str], float]] = MappingProxyType(
    {
        "concise": concise,
        "plain": plain,
        "formal": formal,
        "warm": warm,
        "playful": playful,
        "lists": lists,
        "examples": examples,
        "cautious": cautious,
        "exploratory": exploratory,
        "steps": steps,
    }
)


# Of wishes that no dimension names; nothing in training or decoding knows them.
UNSEEN: Mapping[str, Callable[[str], float]] = MappingProxyType(
    {
        "comparisons": lambda text: _per_hundred(_count(_FIGURATIVE, text), text),
        "addressed": lambda text: _per_hundred(_count(_SECOND_PERSON, text), text),
    }
)
