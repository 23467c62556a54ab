"""Words the summary as Markdown, the bad news first; knows no judge, no model and no answer it was not given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from palign.evaluation.arms import Answer, ArmName
from palign.evaluation.scoring import Comparison, DimensionResult, Interval
from palign.evaluation.summary import Summary
from palign.schema import ConfigError

__all__ = ["FIGURES", "Figures", "headline", "page", "readme_block", "replace_block", "update_readme"]

# A fifth of a standard deviation, by convention the smallest effect worth a name.
_STEERED = 0.2
BEGIN, END = "<!-- eval:begin -->", "<!-- eval:end -->"
_ARM_HEADER = (
    "| arm | utility above generic (SD, 95 %) | better / equal | words | KL/token | repeated | cut off "
    "| tokens/s beside the other row |"
)
_NOT_RUN = (
    "Six users are few; the interval is over users, not over questions, judges or seeds.",
    "Users are simulated: nothing here says what people prefer, nor that an answer is more accurate.",
    "Both judges and the users' words are by one hand; the classifier knows only some thirty hand-written pairs per "
    "dimension, and they are plainer than real answers.",
    "The embedded model's word embeddings began as those of the sentence encoder that the classifier reads; the "
    "measurers share nothing with it.",
    "The encoder reads the first 256 tokens of an answer, so the classifier does not see the end of a long one.",
    "The measurer of playful counts cues and cannot see a joke.",
    "`swapped user` shows the next user's answers, decoded once; greedy decoding makes that the same text.",
    "Not run yet: rerank, oracle, sign flip, Context Steering, Amulet, PAD and ARGS; learning curves and calibration; "
    "unseen dimensions; breakage and perplexity; safety, drift and privacy; several seeds.",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """File names of the plots, beside the page."""

    fit: str = "fit.png"
    sweep: str = "sweep.png"
    dimensions: str = "dimensions.png"


FIGURES = Figures()


def headline(summary: Summary) -> str:
    """The primary comparison in one or two sentences; a failure is said first."""
    first = summary.comparisons[0]
    difference = first.difference["both"]
    where = f"Over {summary.users} simulated users and {summary.questions} questions,"
    figures = f"{_signed(difference)} standard deviations of utility"
    if difference.above_zero:
        return f"{where} words and reward together beat words alone by {figures}."
    return (
        f"{where} words and reward together do **not** beat words alone beyond the 95 % interval: the difference is "
        f"{figures}."
    )


def page(summary: Summary, examples: Sequence[Answer]) -> str:
    """The whole report; `examples` are shown as they are, in the order given."""
    parts = [
        "# Evaluation on simulated users",
        headline(summary),
        _setting(summary),
        "## Comparisons fixed in advance",
        _comparison_table(summary.comparisons),
        "## Arms",
        _arm_table(summary),
        f"![Utility by arm]({FIGURES.fit})",
        "## Dimensions and judges",
        _JUDGES,
        _dimension_table(summary),
        f"![Shift by dimension]({FIGURES.dimensions})",
        "## Strength",
        _sweep_table(summary),
        f"![KL and utility over strength]({FIGURES.sweep})",
        "## Examples, not selected",
        *(_example(answer) for answer in examples),
        "## Limits, and what was not run",
        "\n".join(f"- {line}" for line in _NOT_RUN),
    ]
    return "\n\n".join(parts) + "\n"


def readme_block(summary: Summary, folder: str) -> str:
    """The part of the README: headline, comparisons, arms and one figure; `folder` leads from the README to them."""
    return "\n\n".join(
        (
            headline(summary),
            _comparison_table(summary.comparisons),
            _arm_table(summary),
            f"![Utility by arm]({folder}/{FIGURES.fit})",
            f"All of it, with judges, dimensions and limits: [{folder}/README.md]({folder}/README.md).",
        )
    )


def update_readme(readme: Path, block: str) -> None:
    """Replace what stands between the evaluation's marks.

    Raises:
        ConfigError: the marks are not there, once each and in order; the file is left as it was.
    """
    replace_block(readme, block, (BEGIN, END))


def replace_block(page: Path, block: str, marks: tuple[str, str]) -> None:
    """Replace what stands between two marks of a page.

    Raises:
        ConfigError: the marks are not there, once each and in order; the file is left as it was.
    """
    begin_mark, end_mark = marks
    text = page.read_text(encoding="utf-8")
    head, begin, rest = text.partition(begin_mark)
    _, end, tail = rest.partition(end_mark)
    if not begin or not end or begin_mark in tail or end_mark in tail:
        raise ConfigError(
            f"{page.name} has no place for it.", hint=f"Write the lines {begin_mark} and {end_mark} into it, once."
        )
    page.write_text(f"{head}{begin_mark}\n{block}\n{end_mark}{tail}", encoding="utf-8")


_JUDGES = (
    "Two judges per dimension share no line and no label with the reward: a **measurer** that counts, and a "
    "**classifier**, a logistic regression on sentence embeddings fitted on hand-written pairs. Accuracy is on pairs "
    "of topics that were not used for fitting: the share of pairs ranked rightly, and in brackets the share of single "
    "texts on the right side of a threshold. A judge below .85 is not heard; a dimension without one counts as not "
    "steered. Agreement is the correlation of both judges over all answers. Shifts are standard deviations towards the "
    "wanted pole, against the generic answer; a dimension is called steered from +0.20 by the reward alone."
)


def _setting(summary: Summary) -> str:
    lines = [
        f"Of {summary.tastes} stated tastes, {summary.understood} were understood with the right sign. "
        f"The stated fact was in the prompt in {summary.facts_used} of {summary.facts_asked} turns that could use it.",
        "Utility is the hidden taste times the judges' scores, standardised over all answers of the run. Decoding is "
        "greedy; prompts, token limits and seed are the same in every arm.",
    ]
    if summary.generic_mismatches:
        lines.append(
            f"**Fault:** in {summary.generic_mismatches} turns the generic text differed between users or arms, which "
            "must not happen."
        )
    return "\n\n".join(lines)


def _comparison_table(comparisons: Sequence[Comparison]) -> str:
    rows = [
        f"| {entry.arm} - {entry.against} | {_signed(entry.difference['both'])} "
        f"| {_signed(entry.difference['measurer'])} | {_signed(entry.difference['classifier'])} "
        f"| {'yes' if entry.difference['both'].above_zero else 'no'} |"
        for entry in comparisons
    ]
    return _table("| difference | both judges | measurers alone | classifier alone | beyond its interval |", rows)


def _arm_table(summary: Summary) -> str:
    rows = [
        f"| {row.arm} | {_signed(row.lift)} | {row.wins:.0%} / {row.ties:.0%} | {row.words:.0f} | {row.kl:.3f} "
        f"| {row.repeated:.1%} | {row.cut:.0%} | {row.tokens_per_second:.0f} |"
        for row in summary.arms
    ]
    return _table(_ARM_HEADER, rows)


def _dimension_table(summary: Summary) -> str:
    arms: tuple[ArmName, ...] = ("memory only", "reward only", "both")
    accuracy = {
        (entry.dimension, entry.judge): f"{entry.pairwise:.2f} ({entry.alone:.2f}){'' if entry.trusted else ' ✗'}"
        for entry in summary.accuracies
    }
    rows = [
        f"| {result.dimension} | {accuracy[result.dimension, 'measurer']} | {accuracy[result.dimension, 'classifier']} "
        f"| {_number(result.agreement)} | {result.users} | {_shifts(result, arms)} | {_verdict(result)} |"
        for result in summary.dimensions
    ]
    titles = " | ".join(arms)
    return _table(f"| dimension | measurer | classifier | agreement | users | {titles} | steered by reward |", rows)


def _shifts(result: DimensionResult, arms: Sequence[ArmName]) -> str:
    return " | ".join(f"{result.shift[arm]:+.2f}" if arm in result.shift else "–" for arm in arms)


def _verdict(result: DimensionResult) -> str:
    if not result.judged:
        return "no judge: not steered"
    if not result.shift:
        return "no user cares"
    return "yes" if result.shift["reward only"] >= _STEERED else "no"


def _sweep_table(summary: Summary) -> str:
    rows = [f"| {row.strength:g} | {row.kl:.3f} | {row.lift:+.2f} | {row.changed:.0%} |" for row in summary.sweep]
    return _table("| strength | KL/token (nats) | utility above generic (SD) | texts changed |", rows)


def _example(answer: Answer) -> str:
    """Generated text is data: quoted as a literal block, so that nothing in it becomes markup."""
    fence = "~" * max(4, _longest_tilde_run(answer.text) + 1)
    title = f"**{answer.question}** {answer.arm}, for {answer.user}"
    prompt = "".join(f" “{text}”" for text in answer.memories) or " nothing"
    weights = ", ".join(f"{name} {value:+.2f}" for name, value in answer.weights.items()) or "none"
    return f"{title}\n\nIn the prompt:{prompt} Weights: {weights}.\n\n{fence}\n{answer.text}\n{fence}"


def _longest_tilde_run(text: str) -> int:
    return max((len(line) - len(line.lstrip("~")) for line in text.splitlines()), default=0)


def _table(header: str, rows: Sequence[str]) -> str:
    rule = "|" + "---|" * (header.count("|") - 1)
    return "\n".join((header, rule, *rows))


def _signed(interval: Interval) -> str:
    return f"{interval.mean:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"
