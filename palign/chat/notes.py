"""One sentence on what a piece of feedback taught, or why it taught nothing. Knows no user."""

from __future__ import annotations

from collections.abc import Mapping

from palign.dimensions import CATALOGUE
from palign.schema import Comparison, Thumb

__all__ = ["describe"]

_NOTICEABLE = 0.02
# In standard deviations of the base model's own answers.
_ALIKE = 0.3
_NO_STYLE: Mapping[str, str] = {
    "wrong": "Noted as wrong. That says nothing about style, so nothing moved.",
    "unsafe": "Noted as unsafe. That says nothing about style, so nothing moved.",
}


def describe(evidence: Comparison | Thumb, moved: Mapping[str, float]) -> str:
    """Name the dimensions that moved most, in the screen's words; `moved` is the change of the mean by dimension."""
    if isinstance(evidence, Comparison) and evidence.outcome == "both-bad":
        return "Noted: neither was good. That says nothing about style, so nothing moved."
    if isinstance(evidence, Thumb) and not evidence.up:
        if evidence.reason is None:
            return "Noted. It moves nothing until you say whether it was the style."
        if evidence.reason in _NO_STYLE:
            return _NO_STYLE[evidence.reason]
    if isinstance(evidence, Thumb) and evidence.up and evidence.side == "generic":
        return "Noted: the generic answer was fine. Your style did not move."
    leading = sorted(moved.items(), key=lambda item: -abs(item[1]))[:2]
    words = [CATALOGUE[name].wording(value) for name, value in leading if abs(value) >= _NOTICEABLE]
    if not words:
        alike = all(abs(value) < _ALIKE for value in evidence.difference.values())
        if alike:
            return "Noted. The two answers were too alike to learn from."
        return "Noted. It fits what is known of you, so little moved."
    # The direction of the move alone: who moved from far to less far still leans the other way.
    return f"Learned: moved towards {' and '.join(words)}."
