"""The named preference dimensions: their poles, what they mean and how the screen words them. Knows no users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from palign.schema import UnknownDimensionError

__all__ = ["CATALOGUE", "Dimension", "dimension"]


@dataclass(frozen=True, slots=True)
class Dimension:
    """One signed axis of style.

    Attributes:
        name: the positive pole, used as the key everywhere.
        negative: the other pole.
        more, less: how the screen words a move towards either pole ("trying: shorter, lists").
        description: one sentence for people.
        instruction, counter_instruction: either pole as a request to a model.
    """

    name: str
    negative: str
    more: str
    less: str
    description: str
    instruction: str
    counter_instruction: str

    def wording(self, strength: float) -> str:
        """The screen's word for a move of this sign."""
        return self.more if strength > 0 else self.less


_ALL = (
    Dimension(
        "concise", "detailed", "shorter", "more detailed",
        "Fewer points and no explanations, against more points with reasons.",
        "Keep the answer short.", "Give a long, detailed answer.",
    ),
    Dimension(
        "plain", "technical", "plainer words", "more technical",
        "Everyday words, against technical terms and figures.",
        "Use plain everyday words.", "Use technical terms and precise figures.",
    ),
    Dimension(
        "formal", "casual", "more formal", "more casual",
        "Formal wording without contractions, against casual talk.",
        "Write formally.", "Write casually.",
    ),
    Dimension(
        "warm", "matter-of-fact", "warmer", "more matter-of-fact",
        "Encouraging and personal, against facts alone.",
        "Be warm and encouraging.", "Be matter-of-fact.",
    ),
    Dimension(
        "playful", "serious", "more playful", "more serious",
        "Jokes and images, against a serious tone.",
        "Be playful and make a joke.", "Be serious and do not joke.",
    ),
    Dimension(
        "lists", "prose", "lists", "flowing prose",
        "Numbered or bulleted points, against running text.",
        "Use bullet points.", "Write running text without bullet points.",
    ),
    Dimension(
        "examples", "principles", "more examples", "principles instead of examples",
        "Concrete examples, against the reason behind the advice.",
        "Give concrete examples.", "Explain the principle instead of giving examples.",
    ),
    Dimension(
        "cautious", "confident", "more cautious", "more confident",
        "Hedged, with exceptions named, against stated flatly.",
        "Be cautious and name exceptions.", "Be confident and do not hedge.",
    ),
    Dimension(
        "exploratory", "direct", "more questions back", "straight to the answer",
        "Turning the matter over with questions back, against the recommendation at once.",
        "Explore the matter with me and ask questions back.", "Answer directly and ask nothing back.",
    ),
    Dimension(
        "steps", "overview", "step by step", "the overview first",
        "What to do, action by action, against what it amounts to as a whole.",
        "Guide me step by step.", "Start with the overview and skip single steps.",
    ),
)  # fmt: skip

CATALOGUE: Mapping[str, Dimension] = MappingProxyType({entry.name: entry for entry in _ALL})


def dimension(name: str) -> Dimension:
    """Look a dimension up by name.

    Raises:
        UnknownDimensionError: it is not in the catalogue.
    """
    try:
        return CATALOGUE[name]
    except KeyError as error:
        known = ", ".join(CATALOGUE)
        raise UnknownDimensionError(f"There is no dimension '{name}'.", hint=f"Choose one of: {known}.") from error
