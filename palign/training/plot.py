"""Draws the loss of the language-model stages against tokens; knows only what a stage wrote of its progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

__all__ = ["plot_losses"]


def plot_losses(stages: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """One curve a stage, one after the other along the tokens seen; `losses` hold (tokens of the stage, nats)."""
    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    before = 0
    for stage, progress in stages.items():
        losses: Sequence[tuple[int, float]] = progress["losses"]
        axes.plot(
            [(before + tokens) / 1e6 for tokens, _ in losses],
            [loss for _, loss in losses],
            linewidth=1,
            marker=".",
            markersize=3,
            label=f"{stage}, {'everything learned' if stage == 'base' else 'answers only'}",
        )
        before += progress["tokens"]
    axes.set_title("Training loss of the embedded model")
    axes.set_xlabel("tokens seen, padding included (millions)")
    axes.set_ylabel("nats per learned token")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path)
