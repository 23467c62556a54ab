"""The numbers of a training run, and where its files lie. Knows no corpus and no tensor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Paths", "Recipe", "smoke"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One recipe; the defaults train for a hundred minutes on one core.

    Attributes:
        vocabulary: entries of the byte-level BPE, special tokens included.
        hidden, layers, heads, intermediate: widths of the Llama.
        context: positions the model reads.
        index_asks: of each topic at most so many asks, and lines, teach the index of topics.
        base_minutes, chat_minutes: budget of the two language-model stages.
        tokens_per_step: of one optimizer step, padding included; twice as many from the first pool after
            half of a stage.
        row_tokens: length of a packed row in the base stage and the longest dialogue in the chat stage.
        public_share: of the base stage's rows.
        muon_rate, adam_rate: learning rates of the matrices and of the embeddings and norms.
        head_lessons: what the reward heads learn from: answers of known stance token by token or, in their place,
            what words do to the base; forks; pairs.
        head_rank, head_answers, head_forks, head_pairs, head_steps, floor_steps: of the reward heads.
        report_asks: questions behind each figure of the model card.
    """

    seed: int = 0
    vocabulary: int = 8192
    hidden: int = 320
    layers: int = 7
    heads: int = 5
    intermediate: int = 864
    context: int = 1024
    index_asks: int = 100
    base_minutes: float = 8.0
    chat_minutes: float = 92.0
    tokens_per_step: int = 2048
    row_tokens: int = 384
    public_share: float = 0.2
    muon_rate: float = 0.02
    adam_rate: float = 0.0015
    head_lessons: tuple[Literal["likelihood", "distillation", "forks", "pairs"], ...] = ("likelihood", "forks", "pairs")
    head_rank: int = 96
    head_answers: int = 8000
    head_forks: int = 4000
    head_pairs: int = 8000
    head_steps: int = 1500
    floor_steps: int = 1200
    report_asks: int = 60


def smoke(recipe: Recipe) -> Recipe:
    """Every stage in small, to see that it runs."""
    return Recipe(
        seed=recipe.seed, vocabulary=1024, hidden=64, layers=2, heads=2, intermediate=128, index_asks=4,
        base_minutes=0.15, chat_minutes=0.15, tokens_per_step=2048, head_rank=4, head_answers=60,
        head_forks=40, head_pairs=40, head_steps=20, floor_steps=8, report_asks=6,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paths:
    """`work` holds checkpoints and caches, `public` the public text if there is any, `out` the files to ship."""

    work: Path
    public: Path
    out: Path

    @property
    def tokenizer(self) -> Path:
        """Folder of the trained tokenizer."""
        return self.work / "tokenizer"

    @property
    def topics(self) -> Path:
        """Folder of the index of topics, and of its reading of the training asks."""
        return self.work / "topics"

    def checkpoint(self, stage: str) -> Path:
        """Folder of a stage's latest checkpoint."""
        return self.work / stage
