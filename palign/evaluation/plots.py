"""Draws the figures of the report from summaries; knows no answer and no judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from palign.evaluation.arms import ArmName
from palign.evaluation.scoring import DimensionResult, Interval

__all__ = ["plot_dimensions", "plot_fit", "plot_sweep"]

_INK, _ACCENT, _SECOND = "#33415c", "#2a7f9e", "#c8553d"


def plot_fit(lifts: Mapping[ArmName, Interval], path: Path) -> None:
    """Lift of hidden utility over the generic answer by arm, with 95 % intervals over simulated users."""
    figure, axes = _figure("Preference fit of simulated users", "arm", "utility above the generic answer (SD)")
    arms = list(lifts)
    means = [lifts[arm].mean for arm in arms]
    below = [max(0.0, lifts[arm].mean - lifts[arm].low) for arm in arms]
    above = [max(0.0, lifts[arm].high - lifts[arm].mean) for arm in arms]
    axes.axhline(0, color=_INK, linewidth=0.8)
    axes.errorbar(range(len(arms)), means, yerr=[below, above], fmt="o", color=_ACCENT, capsize=5, markersize=8)
    axes.set_xticks(range(len(arms)), [str(arm) for arm in arms])
    axes.set_xlim(-0.5, len(arms) - 0.5)
    figure.savefig(path)


def plot_sweep(strengths: Sequence[float], kl: Sequence[float], lift: Sequence[float], path: Path) -> None:
    """Nats per token and lift of utility over the strength of the reward."""
    figure, axes = _figure("Strength of the reward, without words in the prompt", "strength", "KL (nats per token)")
    axes.plot(strengths, kl, "o-", color=_ACCENT, label="KL")
    axes.set_ylim(bottom=0)
    other = axes.twinx()
    other.plot(strengths, lift, "s--", color=_SECOND, label="utility")
    other.set_ylabel("utility above the generic answer (SD)", color=_SECOND)
    axes.yaxis.label.set_color(_ACCENT)
    axes.set_xticks(list(strengths))
    figure.savefig(path)


def plot_dimensions(results: Sequence[DimensionResult], path: Path) -> None:
    """Shift towards the wanted pole by dimension and arm; dimensions without a trusted judge are left out."""
    figure, axes = _figure("Shift towards the wanted pole", "dimension", "against the generic answer (SD)")
    shown = [result for result in results if result.shift]
    arms: tuple[ArmName, ...] = ("memory only", "reward only", "both")
    for offset, (arm, colour) in enumerate(zip(arms, ("#b7c0cf", _ACCENT, _INK), strict=True)):
        heights = [result.shift[arm] for result in shown]
        axes.bar([i + 0.27 * (offset - 1) for i in range(len(shown))], heights, 0.25, color=colour, label=arm)
    axes.axhline(0, color=_INK, linewidth=0.8)
    axes.set_xticks(range(len(shown)), [result.dimension for result in shown])
    axes.legend(frameon=False)
    figure.savefig(path)


def _figure(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
