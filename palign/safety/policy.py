"""Applies the rules to one text, read in several ways. Knows no user, profile, memory or model."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from palign.safety.replies import REPLIES
from palign.safety.rules import ANSWER_RULES, DEFENCE, HARMLESS, RULES, WARNING, Rule
from palign.schema import SafetyVerdict

__all__ = ["SafetyPolicy"]

# Letters of other scripts that look like Latin ones, after case folding.
_LOOKALIKES = str.maketrans("\u2018\u2019`аеорсухіјѕкмтвнαεορυικτνԁɡʟı", "'''aeopcyxijskmtbhaeopuiktvdgli")
_DIGIT_LETTERS = "0134578@$!|"
_LEET_VIEWS = (str.maketrans(_DIGIT_LETTERS, "oieastbasii"), str.maketrans(_DIGIT_LETTERS, "oleastbasll"))
_MIXED = re.compile(r"[a-z0-9@$!|]*[a-z][a-z0-9@$!|]*")
_SPELLED = re.compile(r"(?<![a-z'])[a-z]([ .\-_*])(?:[a-z]\1)+[a-z](?![a-z])")
_SENTENCE_END = re.compile(r"[.!?;]")
_STRETCHED = re.compile(r"([a-z])\1{2,}")


# No rule, with what it needs before and between its words, reaches further back than this many characters.
_REACH = 300


def _tail(text: str, start: int) -> str:
    """The text from the first whole word after `start`."""
    space = text.find(" ", start)
    return text[start if space < 0 else space :]


def _folded(text: str) -> str:
    """Case, width, accents, look-alike letters and invisible characters folded away; single spaces."""
    wide = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    # Cf holds zero-width characters, soft hyphens and direction marks; Mn accents left over by NFKD.
    kept = "".join(char for char in wide if unicodedata.category(char) not in {"Cf", "Mn", "Me"})
    return " ".join(kept.translate(_LOOKALIKES).split())


def _joined(match: re.Match[str]) -> str:
    """A word spelled out with gaps, joined; also without a first letter that may be an article."""
    word = re.sub(r"[^a-z]", "", match[0])
    return f"{word} {word[0]} {word[1:]}"


def _as_letters(text: str, table: dict[int, int]) -> str:
    """Digits and marks inside a word read as letters; a mark that ends one is punctuation."""
    return _MIXED.sub(lambda token: token[0].rstrip("!|").translate(table), text)


def _views(text: str) -> tuple[str, ...]:
    """Readings of one text: as written, spelled words joined, stretched letters shortened, digits as letters."""
    folded = _folded(text)
    plain = _STRETCHED.sub(r"\1", _SPELLED.sub(_joined, folded))
    return tuple(dict.fromkeys((folded, plain, *(_as_letters(plain, table) for table in _LEET_VIEWS))))


def _sentence_before(text: str, end: int) -> str:
    """Up to 40 characters before `end`, of the same sentence: "not" in the one before is about something else."""
    return _SENTENCE_END.split(text[max(0, end - 40) : end])[-1]


@dataclass(frozen=True, slots=True)
class _Matcher:
    """A rule, compiled."""

    rule: Rule
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None

    def applies(self, text: str, defence: re.Pattern[str], *, all_defensible: bool) -> bool:
        if self.unless is not None and self.unless.search(text):
            return False
        defensible = self.rule.defensible or all_defensible
        for match in self.pattern.finditer(text):
            if not (defensible and defence.search(_sentence_before(text, match.start()))):
                return True
        return False


def _compiled(rule: Rule) -> _Matcher:
    forward = rf"\b(?:{rule.aim})"
    if rule.target:
        between = rf".{{0,{rule.gap}}}?"
        forward = rf"{forward}{between}(?:{rule.target})"
        if rule.either_order:
            forward += rf"|(?:{rule.target}){between}\b(?:{rule.aim})"
    return _Matcher(rule, re.compile(forward), re.compile(rule.unless) if rule.unless else None)


class SafetyPolicy:
    """Decides about one text at a time: the same text always gets the same verdict, whoever asks."""

    def __init__(self) -> None:
        self._requests = tuple(_compiled(rule) for rule in RULES)
        shared = tuple(matcher for matcher in self._requests if matcher.rule.answers)
        self._answers = shared + tuple(_compiled(rule) for rule in ANSWER_RULES)
        self._harmless = re.compile(r"\b(?:" + "|".join(HARMLESS) + ")")
        self._defence = re.compile(DEFENCE)
        self._warning = re.compile(f"{DEFENCE}|{WARNING}")

    def check(self, text: str) -> SafetyVerdict:
        """Judge a request by its own words. A refusal names the category and holds the reply to show."""
        return self._judged(_views(text), self._requests, self._defence, all_defensible=False)

    def check_answer(self, text: str, *, checked: int = 0) -> SafetyVerdict:
        """Judge an answer as far as it has come, before it is shown; a warning against a harm is not that harm.

        An answer is not disguised, so it is read in one way only: this runs several times a second.

        Args:
            checked: how many characters an earlier call allowed; only what may belong to new words is read again.
        """
        unread = _tail(text, checked - _REACH) if checked > _REACH else text
        return self._judged((_folded(unread),), self._answers, self._warning, all_defensible=True)

    def _judged(
        self, views: tuple[str, ...], matchers: tuple[_Matcher, ...], defence: re.Pattern[str], *, all_defensible: bool
    ) -> SafetyVerdict:
        for view in views:
            read = self._harmless.sub(" ", view)
            for matcher in matchers:
                if matcher.applies(read, defence, all_defensible=all_defensible):
                    category = matcher.rule.category
                    return SafetyVerdict(False, category, REPLIES[category])
        return SafetyVerdict(True)
