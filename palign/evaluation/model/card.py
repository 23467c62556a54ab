"""What the examination found, as a part of the model card: its lines, answers as they came, and what readers said.

Knows the examination's file, not the model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from palign.evaluation.report import replace_block
from palign.schema import AssetError

__all__ = ["MARKS", "Reading", "examination", "load_readings", "update_card"]

MARKS = ("<!-- examination:begin -->", "<!-- examination:end -->")
_SHOWN = 50
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Part = Literal["fluency", "off-topic"]
Verdict = Literal["sound", "off the question", "false claim", "broken"]


class Reading(BaseModel):
    """What a reader said of one answer; it holds for that text alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    part: Part
    ask: _Text
    answer: _Text
    verdict: Verdict
    reason: _Text


_Read = Mapping[tuple[Part, str, str], Reading]


def load_readings(path: Path) -> tuple[Reading, ...]:
    """The readers' verdicts.

    Raises:
        AssetError: the file is missing or does not have its form.
    """
    try:
        return TypeAdapter(tuple[Reading, ...]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        hint = "It lists part, ask, answer, verdict and reason of each answer read."
        raise AssetError(f"{path.name} is no list of readings: {error}", path=str(path), hint=hint) from error


def update_card(card: Path, result: Path, readings: Path) -> None:
    """Write the part between the marks of the model card anew.

    Raises:
        AssetError: the examination's file or the readings cannot be read.
        ConfigError: the card has no place for it.
    """
    try:
        found = json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        hint = "Write it with `python -m palign evaluate model --out FILE`."
        raise AssetError(f"{result.name} is no examination: {error}", path=str(result), hint=hint) from error
    replace_block(card, examination(found, load_readings(readings)), MARKS)


def examination(result: Mapping[str, Any], readings: Sequence[Reading]) -> str:
    """Markdown of an examination's JSON; a reading counts only for the very answer that was read."""
    figures, lines = result["figures"], result["lines"]
    read: _Read = {(entry.part, entry.ask, entry.answer): entry for entry in readings}
    failed = sum(not line["holds"] for line in lines)
    hardware = result["hardware"]
    parts = [
        "## Examination",
        f"`{result['command']}`, greedy, at the shipped cap, {result['seconds'] / 60:.0f} minutes on "
        f"{hardware['cores']} cores of {hardware['processor']}: of {len(lines)} promises {failed} fail, each marked.",
        _table(
            ("promise", "figure", "bound", ""),
            [
                (
                    line["name"],
                    f"{line['value']:.3f}",
                    f"{'at least' if line['least'] else 'at most'} {line['bound']:g}",
                    "" if line["holds"] else "**fails**",
                )
                for line in lines
            ],
        ),
    ]
    if "unseen" in figures:
        shares = ", ".join(f"{name} {share:.2f}" for name, share in figures["unseen"].items())
        parts.append(
            "Share of questions whose answer shows more of a wish beside words for it than beside words against it, "
            f"for wishes that nothing was trained on (.5 is chance): {shares}."
        )
    if "steering" in figures:
        parts += ["### Poles", "The first of the questions, not selected, at +1 and at -1 of each dimension.\n"]
        for row in figures["steering"]:
            said = row["example"]
            parts += [f"**{row['dimension']}**: {said['ask']} At +1:", _quoted(said["high"])]
            parts += ["At -1:", _quoted(said["low"])]
    parts += _answers("fluency", "Questions on its topics", figures.get("fluency", {}).get("answers", ()), read)
    parts += _answers("off-topic", "Questions on none of its topics", figures.get("off-topic", ()), read)
    return "\n\n".join(parts)


def _answers(part: Part, title: str, answers: Sequence[Mapping[str, str]], read: _Read) -> list[str]:
    if not answers:
        return []
    found = [read.get((part, entry["ask"].strip(), entry["answer"].strip())) for entry in answers]
    verdicts = [entry.verdict for entry in found if entry]
    counts = ", ".join(
        f"{verdicts.count(kind)} {kind}" for kind in ("sound", "off the question", "false claim", "broken")
    )
    rows = [
        (_cell(entry["ask"]), _cell(entry["answer"]), reading.verdict if reading else "not read",
         _cell(reading.reason) if reading else "")
        for entry, reading in list(zip(answers, found, strict=True))[: _SHOWN if part == "fluency" else None]
    ]  # fmt: skip
    said = f"Read: {len(verdicts)} of {len(answers)} answers, not selected: {counts}."
    return [f"### {title}", said, _table(("question", "answer", "verdict", "reason"), rows)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    """Text of a model, as data: no pipe, line or tag of it is the table's."""
    safe = text.strip().replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;")
    return "<br>".join(line for line in safe.splitlines() if line)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.strip().replace("<", "&lt;").splitlines())
