"""The smallest recipe that every stage of training takes."""

from __future__ import annotations

from palign.training.recipe import Recipe

TINY = Recipe(
    vocabulary=600, hidden=32, layers=1, heads=2, intermediate=48, tokens_per_step=128, head_rank=4, head_answers=60,
    head_forks=40, head_pairs=40, head_steps=100, floor_steps=48,
)  # fmt: skip
