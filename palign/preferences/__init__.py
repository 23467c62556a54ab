"""What a user prefers: words to stances, events to a posterior, the posterior to weights and things to try.

Knows no model, no store and no screen.
"""

from palign.preferences.contexts import matching_contexts
from palign.preferences.explore import ExploreConfig, explore, exploring_weights
from palign.preferences.posterior import LearningConfig, Posterior, fit, moved, profile, weights
from palign.preferences.stances import ParsedSentence, parse, parse_preference

__all__ = [
    "ExploreConfig",
    "LearningConfig",
    "ParsedSentence",
    "Posterior",
    "explore",
    "exploring_weights",
    "fit",
    "matching_contexts",
    "moved",
    "parse",
    "parse_preference",
    "profile",
    "weights",
]
