"""Shapes what the service returns into JSON and into lines for a terminal. Knows no service and stores nothing."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, TextIO, TypeAlias

from palign.dimensions import CATALOGUE
from palign.schema import Pane, PreferenceEvent, Stance, Statement, TokenTrace, TurnUpdate, UserProfile

if TYPE_CHECKING:
    from palign.chat import Status

__all__ = [
    "AnswerPrinter", "Json", "chat_document", "event_line", "plain", "printable", "profile_document", "to_json",
    "turn_notes",
]  # fmt: skip

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

_HEADINGS = {"generic": "Generic", "personal": "Personal"}


# JSON


def plain(value: object) -> Json:
    """Dataclasses, mappings and sequences as JSON values; a number JSON cannot hold becomes null."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if is_dataclass(value):
        return {entry.name: plain(getattr(value, entry.name)) for entry in fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def to_json(value: object) -> str:
    """Indented and in ASCII, so that no terminal or pipe changes a character."""
    return json.dumps(plain(value), indent=2, allow_nan=False)


def chat_document(update: TurnUpdate, status: Status) -> dict[str, Json]:
    """The object of `chat --json`. `tokens` counts; `trace` and `kl` (nats) are the personal answer's."""
    personal = _answer(update.personal) | {
        "kl": plain(update.personal.kl),
        "weights": plain(update.weights),
        "memories": [
            {"id": hit.memory.id, "text": hit.memory.text, "score": plain(hit.score)} for hit in update.memories
        ],
    }
    return {
        "prompt": update.prompt,
        "seed": update.seed,
        "model": {"id": status.model, "sha256": status.model_sha256},
        "generic": _answer(update.generic),
        "personal": personal,
        "trace": [_traced(token) for token in update.personal.tokens],
        "turn": update.turn_id,
    }


def _answer(pane: Pane) -> dict[str, Json]:
    return {"text": pane.text, "tokens": len(pane.tokens), "finish_reason": pane.finish_reason}


def _traced(token: TokenTrace) -> dict[str, Json]:
    return {
        "token": token.token,
        "logprob": plain(token.logprob),
        "base_logprob": plain(token.base_logprob),
        "kl": plain(token.kl),
        "push": plain(token.pushes),
        "alternatives": [
            {
                "token": other.token,
                "logprob": plain(other.logprob),
                "base_logprob": plain(other.base_logprob),
                "push": plain(other.pushes),
            }
            for other in token.alternatives
        ],
    }


def profile_document(profile: UserProfile) -> dict[str, Json]:
    """The object of `profile --json`: mean and standard deviation by dimension, and the events behind them."""
    return {
        "user": profile.user_id,
        "mean": plain(profile.mean),
        "std": plain(profile.std),
        "events": [event_document(event) for event in profile.events],
    }


def event_document(event: PreferenceEvent) -> dict[str, Json]:
    """An event with the kind of its evidence named."""
    return {
        "id": event.id,
        "created_at": event.created_at,
        "source_id": event.source_id,
        "kind": type(event.evidence).__name__.lower(),
        "evidence": plain(event.evidence),
    }


# Lines


def printable(text: str) -> str:
    """Text for a terminal: control characters and marks that reorder a line become visible; words are untouched."""
    return "".join(char if _harmless(char) else "\N{REPLACEMENT CHARACTER}" for char in text)


def _harmless(char: str) -> bool:
    overriding = "\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069"
    return char in "\n\t" or not (unicodedata.category(char) == "Cc" or overriding)


def stance_words(stances: tuple[Stance, ...]) -> str:
    """Stances as the screen words them: shorter, lists."""
    return ", ".join(_worded(stance) for stance in stances)


def _worded(stance: Stance) -> str:
    words = CATALOGUE[stance.dimension].wording(stance.strength) if stance.dimension in CATALOGUE else stance.dimension
    if stance.strength == 0:
        words = f"{stance.dimension} does not matter"
    return f"{words} ({stance.context})" if stance.context else words


def turn_notes(update: TurnUpdate) -> list[str]:
    """What a turn learned, used and tried, one line each."""
    lines = [update.notice] if update.notice else []
    lines += [f"Learned: {_stated(statement)}" for statement in update.stated]
    lines += [f'Used: "{hit.memory.text}"' for hit in update.memories]
    if update.exploring:
        lines.append(f"Trying: {stance_words(update.exploring)}")
    return [printable(line) for line in lines]


def _stated(statement: Statement) -> str:
    stances = tuple(event.evidence for event in statement.events if isinstance(event.evidence, Stance))
    return f'"{statement.memory.text}"' + (f" ({stance_words(stances)})" if stances else "")


def event_line(event: PreferenceEvent) -> str:
    """One event of a profile in words."""
    evidence = event.evidence
    if isinstance(evidence, Stance):
        return f"{event.id}  stated: {stance_words((evidence,))}"
    kind = type(evidence).__name__.lower()
    return f"{event.id}  {kind} on turn {evidence.turn_id}"


class AnswerPrinter:
    """Prints two answers one below the other as they come: the generic one first, then what the other has by then."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shown: dict[str, str] = {}

    def show(self, update: TurnUpdate) -> None:
        """Print what is new; the personal answer waits for the generic one to end."""
        self._extend("generic", update.generic)
        if update.generic.finish_reason is not None or update.finished:
            self._extend("personal", update.personal)
        self._out.flush()

    def _extend(self, side: str, pane: Pane) -> None:
        text = printable(pane.text)
        if not text:
            return
        if side not in self._shown:
            self._out.write(("\n\n" if self._shown else "") + f"{_HEADINGS[side]}\n")
        shown = self._shown.get(side, "")
        # Text that safety took back is followed by what stands in its place.
        self._out.write(text[len(shown) :] if text.startswith(shown) else f"\n{text}")
        self._shown[side] = text

    def end(self) -> None:
        """Close the last line."""
        if self._shown:
            self._out.write("\n")
