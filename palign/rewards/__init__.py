"""Reward sources: how well a next token, or a whole answer, suits each preference dimension."""

from palign.rewards.heads import AnswerScorer, PersRMHeads, RewardSource, RewardStream

__all__ = ["AnswerScorer", "PersRMHeads", "RewardSource", "RewardStream"]
